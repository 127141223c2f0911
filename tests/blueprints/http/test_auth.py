"""Authorization: API keys, origins of pages, and host names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.reader import QUESTION, send
from tests.support.service import Service
from tests.support.upstream import Upstream, openai_wire


def settings_of(upstream: Upstream) -> dict[str, str]:
    return {"OPENAI_BASE_URL": upstream.url + "/v1", "HEADRACE_MODEL": "openai/default"}


@pytest.fixture(scope="module")
def guarded(upstream: Upstream) -> Iterator[Service]:
    with Service(**settings_of(upstream), HEADRACE_API_KEYS="key-one, key-two") as own:
        yield own


@pytest.fixture(scope="module")
def shared(upstream: Upstream) -> Iterator[Service]:
    """Return a service that accepts requests from pages of https://app.example."""
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
        assert self.post(service, upstream, Host=here) == 403
        local = f"localhost:{service.port}"
        assert self.post(service, upstream, Host=local, Origin=f"http://{local}") == 200

    def test_may_ask_under_a_name_that_is_allowed_or_with_a_key(self, guarded: Service, upstream: Upstream) -> None:
        here = {"Host": "chat.example", "Origin": "http://chat.example"}
        with Service(**settings_of(upstream), HEADRACE_TRUSTED_HOSTS="chat.example") as own:
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


class TestNames:
    """Accepted host names of a service without keys: for same-site pages browsers send nothing but the host name."""

    PATHS = ("/", "/headrace-static/chat.js", "/openapi.json", "/metrics", "/api/models", "/v1/models", "/v1/models/x")
    STREAMS = ("/api/streams/0123456789abcdef", "/ai/chat/one/stream", "/ai/v4/chat?chatId=one")

    @pytest.mark.parametrize("path", [*PATHS, *STREAMS])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_of_others_are_refused_at_every_path(self, service: Service, path: str, method: str) -> None:
        answer = send(service.url + path, method=method, headers={"Host": f"evil.example:{service.port}"})
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (403, False)
        assert method == "HEAD" or b"'evil.example'" in answer.body
        assert method == "HEAD" or b"HEADRACE_TRUSTED_HOSTS" in answer.body

    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_of_others_may_be_asked_whether_the_process_lives(self, service: Service, path: str) -> None:
        assert send(service.url + path, method="GET", headers={"Host": "probe.example"}).status == 200

    @pytest.mark.parametrize(
        "host", ["localhost", "LOCALHOST:1", "localhost.", "127.0.0.1:1", "[::1]:1", "192.168.1.5", "[fe80::1]:80"]
    )
    def test_of_this_machine_and_addresses_of_digits_are_taken(self, service: Service, host: str) -> None:
        assert send(service.url + "/openapi.json", method="GET", headers={"Host": host}).status == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "2130706433.example", "[::1", ""]
    )
    def test_that_only_look_like_them_are_refused(self, service: Service, host: str) -> None:
        assert send(service.url + "/api/models", method="GET", headers={"Host": host}).status in {400, 403}

    def test_that_are_set_are_taken_for_the_page_too(self, upstream: Upstream) -> None:
        with Service(**settings_of(upstream), HEADRACE_TRUSTED_HOSTS="Mill.lan") as own:
            for path in ("/", "/api/models"):
                assert send(own.url + path, method="GET", headers={"Host": f"mill.lan:{own.port}"}).status == 200

    def test_do_not_matter_where_a_key_is_asked_for(self, guarded: Service) -> None:
        headers = {"Host": "chat.example", "x-api-key": "key-one"}
        assert send(guarded.url + "/api/models", method="GET", headers=headers).status == 200
        assert send(guarded.url + "/", method="GET", headers={"Host": "chat.example"}).status == 200

    def test_do_not_matter_to_pages_whose_origin_is_allowed(self, shared: Service) -> None:
        headers = {"Host": "chat.example", "Origin": "https://app.example"}
        assert send(shared.url + "/api/models", method="GET", headers=headers).status == 200


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
