"""Errors of an upstream that rejects, fails or is unreachable, before the first byte and after it."""

from __future__ import annotations

import pytest

from tests.support.reader import ask
from tests.support.service import Service
from tests.support.started_service import warm_up
from tests.support.upstream import Hang, Upstream, addresses, anthropic_wire, openai_wire, plain, script

WIRES = [("openai", openai_wire), ("anthropic", anthropic_wire)]


@pytest.mark.parametrize(("provider", "wire"), WIRES)
class TestRefusal:
    @pytest.mark.parametrize(
        ("status", "ours", "code"),
        [
            (400, 400, "upstream_invalid_request"),
            (401, 401, "upstream_unauthorized"),
            (403, 403, "upstream_forbidden"),
            (404, 404, "upstream_not_found"),
            (500, 502, "upstream_failed"),
            (503, 502, "upstream_failed"),
            (529, 529, "upstream_overloaded"),
        ],
    )
    def test_of_the_upstream_keeps_its_status(self, service, upstream, provider, wire, status, ours, code) -> None:
        upstream.answer("refused", wire.error(status))
        for is_streamed in (True, False):
            answer = ask(service.url, f"{provider}/refused", stream=is_streamed)
            assert (answer.status, answer.error["code"]) == (ours, code)
            assert "sk-" not in answer.body.decode()

    def test_for_too_many_requests_keeps_retry_after(self, service, upstream, provider, wire) -> None:
        upstream.answer("busy", wire.error(429, retry_after=7))
        answer = ask(service.url, f"{provider}/busy")
        assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (429, "rate_limited", "7")

    def test_that_quotes_a_key_is_shown_without_it(self, service, upstream, provider, wire) -> None:
        upstream.answer("leaky", wire.error(400, "the key sk-proj-abcdef123456 may not do this"))
        answer = ask(service.url, f"{provider}/leaky")
        assert "abcdef" not in answer.body.decode()
        assert "may not do this" in answer.error["message"]

    @pytest.mark.parametrize("script", [plain.html(200), plain.json_body({"a": 1}), plain.empty(502), plain.html(502)])
    def test_that_is_no_answer_at_all_is_a_502(self, service, upstream, provider, wire, script) -> None:
        upstream.answer("odd", script)
        answer = ask(service.url, f"{provider}/odd")
        assert answer.status == 502
        assert "<" not in answer.error["message"]

    def test_by_redirect_is_not_followed(self, service, upstream, provider, wire) -> None:
        upstream.answer("moved", plain.redirect(307, upstream.url + "/elsewhere"))
        answer = ask(service.url, f"{provider}/moved")
        assert (answer.status, answer.error["code"]) == (502, "upstream_broken")

    def test_after_the_first_token_is_an_error_frame_and_no_done(self, service, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        answer = ask(service.url, f"{provider}/failing")
        assert answer.status == 200
        assert len([1 for name, _ in answer.frames if name == "message"]) == 2
        assert answer.frames[-1][0] == "error"
        assert answer.named("usage")[0]["estimated"]
        assert not answer.is_done


def test_an_upstream_that_is_not_there_is_a_502(upstream: Upstream) -> None:
    with Service(OPENAI_BASE_URL="http://127.0.0.1:9/v1") as own:
        answer = ask(own.url, "openai/x")
        assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
        assert answer.error["message"].startswith("openai could not be reached")


class TestTimeouts:
    def test_of_connecting_is_a_504(self) -> None:
        with (
            addresses.unanswering() as url,
            Service(OPENAI_BASE_URL=url + "/v1", HEADRACE_CONNECT_TIMEOUT="0.2") as own,
        ):
            answer = ask(own.url, "openai/x")
        assert (answer.status, answer.error["code"]) == (504, "connect_timeout")

    @pytest.mark.parametrize("place", ["before the head", "before the first token"])
    def test_of_the_first_token_is_a_504(self, upstream: Upstream, place: str) -> None:
        upstream.answer("mute", script(Hang()) if place == "before the head" else openai_wire.answer(Hang()))
        with Service(OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_FIRST_TOKEN_TIMEOUT="0.3") as own:
            warm_up(own, upstream, ["openai"])
            asked_before = len(upstream.requests("mute"))
            answer = ask(own.url, "openai/mute")
        assert len(upstream.requests("mute")) == asked_before + 1
        assert (answer.status, answer.error["code"]) == (504, "first_token_timeout")
        assert "0.3 s" in answer.error["message"]
