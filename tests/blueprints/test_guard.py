"""Who may ask: bearers of a key, and pages of this site or an allowed one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reader import QUESTION, send
from tests.service import Service
from tests.upstream import Upstream, openai_wire


def settings_of(upstream: Upstream) -> dict[str, str]:
    return {"OPENAI_BASE_URL": upstream.url + "/v1", "HEADRACE_MODEL": "openai/default"}


@pytest.fixture(scope="module")
def guarded(upstream: Upstream) -> Iterator[Service]:
    with Service(**settings_of(upstream), HEADRACE_API_KEYS="key-one, key-two") as own:
        yield own


@pytest.fixture(scope="module")
def shared(upstream: Upstream) -> Iterator[Service]:
    """Return a service that pages of https://app.example may ask."""
    with Service(**settings_of(upstream), HEADRACE_CORS_ORIGINS="https://app.example") as own:
        yield own


class TestOtherSites:
    def post(self, service: Service, upstream: Upstream, **headers: str) -> int:
        upstream.answer("default", openai_wire.answer("ok"))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(service.url + "/api/chat", {"messages": QUESTION}, headers=named).status

    def test_may_not_ask(self, service: Service, upstream: Upstream) -> None:
        assert self.post(service, upstream, Origin="https://evil.example") == 403
        assert self.post(service, upstream, Origin="null") == 403
        assert self.post(service, upstream, Sec_Fetch_Site="cross-site") == 403
        assert self.post(service, upstream, Sec_Fetch_Site="same-site") == 403
        assert self.post(service, upstream, Origin=service.url, Sec_Fetch_Site="cross-site") == 403

    def test_are_told_from_this_one_and_from_programs(self, service: Service, upstream: Upstream) -> None:
        assert self.post(service, upstream) == 200
        assert self.post(service, upstream, Origin=service.url) == 200
        assert self.post(service, upstream, Origin=service.url, Sec_Fetch_Site="same-origin") == 200

    @pytest.mark.parametrize("origin", ["http://[", "http://", "://", "file://", "x"])
    def test_that_name_themselves_oddly_are_others(self, service: Service, upstream: Upstream, origin: str) -> None:
        assert self.post(service, upstream, Origin=origin) == 403

    def test_may_not_ask_by_letting_their_name_point_here(self, service: Service, upstream: Upstream) -> None:
        here = f"evil.example:{service.port}"
        for more in ({}, {"Sec_Fetch_Site": "same-origin"}):
            assert self.post(service, upstream, Host=here, Origin=f"http://{here}", **more) == 403
        assert self.post(service, upstream, Host=here) == 200  # a program
        local = f"localhost:{service.port}"
        assert self.post(service, upstream, Host=local, Origin=f"http://{local}") == 200

    def test_may_ask_under_a_name_that_is_allowed_or_with_a_key(self, guarded: Service, upstream: Upstream) -> None:
        here = {"Host": "chat.example", "Origin": "http://chat.example"}
        with Service(**settings_of(upstream), HEADRACE_HOSTS="chat.example") as own:
            assert self.post(own, upstream, **here) == 200
            assert self.post(own, upstream, Host="evil.example", Origin="http://evil.example") == 403
        assert self.post(guarded, upstream, **here, Authorization="Bearer key-one") == 200

    def test_may_ask_where_their_origin_is_allowed(self, shared: Service, upstream: Upstream) -> None:
        assert self.post(shared, upstream, Origin="https://app.example", Sec_Fetch_Site="cross-site") == 200
        assert self.post(shared, upstream, Origin="https://evil.example", Sec_Fetch_Site="cross-site") == 403

    def test_may_read_the_answer_in_a_browser_where_their_origin_is_allowed(self, shared, upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        upstream.answer("refused", openai_wire.error(429, retry_after=3))
        allowed, evil = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        url = shared.url + "/api/chat"
        preflight = send(url, method="OPTIONS", headers=allowed | asked)
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
        for model in ("openai/default", "openai/refused"):
            answer = send(url, {"messages": QUESTION, "model": model}, headers=allowed)
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.status == 429
        assert "access-control-allow-origin" not in send(url, method="OPTIONS", headers=evil | asked).headers


class TestKeys:
    @pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic key-one", "Bearer", "Bearer key-one,key-two"])
    def test_a_wrong_one_is_a_401(self, guarded: Service, header: str | None) -> None:
        headers = {"Authorization": header} if header else {}
        answer = send(guarded.url + "/api/chat", {"messages": QUESTION}, headers=headers)
        assert (answer.status, answer.error["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("key", ["key-one", "key-two"])
    @pytest.mark.parametrize("header", ["Authorization: Bearer ", "x-api-key: ", "X-Api-Key:  "])
    def test_each_of_them_lets_in(self, guarded: Service, upstream: Upstream, key: str, header: str) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        name, _, before = header.partition(": ")
        headers = {name: before + key}
        assert send(guarded.url + "/api/chat", {"messages": QUESTION}, headers=headers).text == "ok"

    @pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {"x-api-key": ""}, {"x-api-key": "Bearer key-one"}])
    def test_a_wrong_one_in_x_api_key_is_a_401(self, guarded: Service, headers: dict[str, str]) -> None:
        assert send(guarded.url + "/api/chat", {"messages": QUESTION}, headers=headers).status == 401

    def test_a_known_one_lets_in_beside_a_wrong_one(self, guarded: Service, upstream: Upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        for key, bearer in (("key-one", "wrong"), ("wrong", "key-one")):
            headers = {"x-api-key": key, "Authorization": f"Bearer {bearer}"}
            assert send(guarded.url + "/api/chat", {"messages": QUESTION}, headers=headers).text == "ok"
