"""The SDKs' exceptions become Headrace's errors, and upstream messages are redacted."""

from __future__ import annotations

import time
from email.utils import formatdate

import anthropic
import httpx2
import openai
import pytest

from flask_headrace.core import errors
from flask_headrace.providers.http.sdk_errors import map_sdk_errors, status_error
from flask_headrace.providers.redaction import MAX_MESSAGE_CHARS, redact, register_secret

SDKS = pytest.mark.parametrize("sdk", [openai, anthropic], ids=["openai", "anthropic"])
REQUEST = httpx2.Request("POST", "http://acme/v1")

STATUSES = [
    (400, 400, "upstream_invalid_request", False),
    (401, 401, "upstream_unauthorized", False),
    (403, 403, "upstream_forbidden", False),
    (404, 404, "upstream_not_found", False),
    (408, 408, "upstream_timeout", True),
    (409, 409, "upstream_conflict", True),
    (413, 413, "upstream_too_large", False),
    (418, 418, "upstream_rejected", False),
    (422, 422, "upstream_invalid_request", False),
    (429, 429, "rate_limited", True),
    (500, 502, "upstream_failed", True),
    (502, 502, "upstream_failed", True),
    (503, 502, "upstream_failed", True),
    (529, 529, "upstream_overloaded", True),
]


def refusal(sdk, status: int, body: object, **headers: str) -> Exception:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return sdk.APIStatusError("said by the SDK", response=response, body=body)


def ours(sdk, error: Exception) -> errors.UpstreamError:
    with pytest.raises(errors.UpstreamError) as raised, map_sdk_errors(sdk, "acme", "http://acme/v1"):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


def unconnected(sdk, cause: Exception | None) -> errors.UpstreamError:
    error = sdk.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return ours(sdk, error)


@SDKS
class TestRefusal:
    @pytest.mark.parametrize(("theirs", "status", "code", "is_retryable"), STATUSES)
    def test_keeps_what_a_client_did_wrong_and_makes_the_rest_a_502(
        self, sdk, theirs, status, code, is_retryable
    ) -> None:
        error = ours(sdk, refusal(sdk, theirs, {"message": "no such thing"}))
        assert isinstance(error, errors.UpstreamStatusError)
        assert (error.status, error.code, error.retryable) == (status, code, is_retryable)
        assert error.message.startswith(f"acme refused the request with status {theirs}")

    @pytest.mark.parametrize(
        "body", [{"message": "no such thing"}, {"error": {"message": "no such thing"}}, {"error": "no such thing"}]
    )
    def test_quotes_what_the_upstream_said(self, sdk, body) -> None:
        assert ours(sdk, refusal(sdk, 400, body)).message.endswith(": no such thing")

    @pytest.mark.parametrize("body", [None, "<html>no</html>", [], {}, {"message": None}, {"error": {}}])
    def test_quotes_nothing_else(self, sdk, body) -> None:
        assert ours(sdk, refusal(sdk, 400, body)).message == "acme refused the request with status 400."

    @pytest.mark.parametrize("status", [401, 403])
    def test_over_a_key_quotes_nothing_and_says_what_to_check(self, sdk, status: int) -> None:
        message = ours(sdk, refusal(sdk, status, {"message": "Incorrect API key: abc"})).message
        assert "abc" not in message
        assert message.endswith("Check the key that the service uses for it.")

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7.0),
            ("1.5", 1.5),
            ("", None),
            ("Wed, 21 Oct 2026", None),
            ("-1", None),
            ("999999", 3600.0),
            ("9" * 300, 3600.0),
            ("9" * 301, None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
            ("1 Oct 9999999999", None),
        ],
    )
    def test_says_when_to_come_again(self, sdk, value: str, seconds: float | None) -> None:
        assert ours(sdk, refusal(sdk, 429, None, **{"retry-after": value})).retry_after == seconds

    def test_says_when_to_come_again_also_by_a_date(self, sdk) -> None:
        soon = formatdate(time.time() + 60, usegmt=True)
        assert 50 < ours(sdk, refusal(sdk, 429, None, **{"retry-after": soon})).retry_after <= 60
        past = formatdate(0, usegmt=True)
        assert ours(sdk, refusal(sdk, 429, None, **{"retry-after": past})).retry_after == 0

    @pytest.mark.parametrize(
        ("value", "seconds"), [("250", 0.25), ("1500.5", 1.5005), ("9" * 9, 3600.0), ("soon", 7.0), ("", 7.0)]
    )
    def test_says_when_to_come_again_in_milliseconds_where_it_can(self, sdk, value: str, seconds: float) -> None:
        headers = {"retry-after": "7", "retry-after-ms": value}
        assert ours(sdk, refusal(sdk, 429, None, **headers)).retry_after == seconds

    @pytest.mark.parametrize(
        ("status", "body", "is_too_long"),
        [
            (400, {"message": "Your input is too much.", "code": "context_length_exceeded"}, True),
            (
                400,
                {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9"}},
                True,
            ),
            (400, {"code": 400, "message": "the request exceeds the available context size", "type": "x"}, True),
            (400, {"message": "This model's maximum context length is 4096 tokens."}, True),
            (413, None, True),
            (400, {"message": "temperature is too high", "type": "invalid_request_error"}, False),
            (429, {"message": "context length"}, False),
        ],
    )
    def test_tells_a_question_that_is_too_long_from_others(self, sdk, status, body, is_too_long: bool) -> None:
        assert ours(sdk, refusal(sdk, status, body)).is_too_long == is_too_long

    def test_of_an_account_that_is_used_up_does_not_pass(self, sdk) -> None:
        assert not ours(sdk, refusal(sdk, 429, {"message": "no", "code": "insufficient_quota"})).retryable

    def test_by_redirect_says_what_to_set(self, sdk) -> None:
        error = ours(sdk, refusal(sdk, 307, None))
        assert isinstance(error, errors.UpstreamProtocolError)
        assert "redirect (307)" in error.message


@SDKS
class TestConnection:
    @pytest.mark.parametrize(
        ("cause", "kind"),
        [
            (httpx2.ConnectTimeout("no connection within 5 s"), errors.ConnectTimeout),
            (httpx2.ConnectError("[Errno 111] Connection refused"), errors.UpstreamConnectionError),
            (httpx2.ReadTimeout("silent"), errors.FirstTokenTimeout),
            (httpx2.WriteTimeout("took nothing"), errors.FirstTokenTimeout),
            (httpx2.ReadError("reset"), errors.UpstreamProtocolError),
            (httpx2.RemoteProtocolError("not HTTP"), errors.UpstreamProtocolError),
            (httpx2.LocalProtocolError("a header"), errors.UpstreamProtocolError),
            (None, errors.UpstreamProtocolError),
        ],
    )
    def test_that_failed_before_the_answer_has_its_own_class(self, sdk, cause, kind) -> None:
        error = unconnected(sdk, cause)
        assert type(error) is kind
        assert error.retryable
        assert error.message.startswith("acme ")

    @pytest.mark.parametrize("kind", [httpx2.ReadError, httpx2.DecodingError])
    def test_that_broke_in_the_answer_is_told_as_broken(self, sdk, kind) -> None:
        error = ours(sdk, kind("reset by peer"))
        assert type(error) is errors.UpstreamProtocolError
        assert "reset by peer" in error.message


@SDKS
@pytest.mark.parametrize(
    "kind", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadError, httpx2.ReadTimeout, httpx2.DecodingError]
)
def test_no_failure_tells_a_reader_where_an_upstream_is(sdk, kind) -> None:
    message = "no way to http://me:hunter2@10.0.0.5:8000, nor to gpu.internal:8000"
    for error in (
        unconnected(sdk, kind(message)),
        ours(sdk, kind(message)),
        ours(sdk, refusal(sdk, 400, {"message": message})),
    ):
        assert not any(word in error.message for word in ("hunter2", "10.0.0.5", "gpu.internal", "8000"))
        assert "no way to http://[address], nor to [address]" in error.message


@SDKS
class TestTranslated:
    def test_lets_pass_what_is_not_the_upstreams(self, sdk) -> None:
        with pytest.raises(ZeroDivisionError), map_sdk_errors(sdk, "acme", "http://acme/v1"):
            raise ZeroDivisionError

    def test_lets_pass_what_is_ours_already(self, sdk) -> None:
        own = errors.UpstreamProtocolError("own")
        with pytest.raises(errors.UpstreamProtocolError) as raised, map_sdk_errors(sdk, "acme", "http://acme/v1"):
            raise own
        assert raised.value is own

    def test_logs_code_and_address_and_nothing_that_was_said(self, sdk, caplog) -> None:
        ours(sdk, refusal(sdk, 400, {"message": "your prompt was: my diary"}))
        assert "acme at http://acme/v1: upstream_invalid_request" in caplog.text
        assert "diary" not in caplog.text


class TestShown:
    @pytest.mark.parametrize(
        "key",
        [
            "sk-abcdef123456",
            "sk-proj-abc_def-123456",
            "sk-ant-api03-abcdef",
            "sk-live-****************wxyz",
            "SK-ABCDEF12",
            "key-abcdef123456",
            "gsk_abcdef123456",
            "xai-abcdef123456",
            "hf_abcdefGHIJKL",
            "AIzaSyabcdef-123456",
            "Bearer abcdef123456",
        ],
    )
    def test_never_holds_a_key(self, key: str) -> None:
        text = redact(f"The key {key}, or {key}. is wrong")
        assert "abcdef" not in text.lower()
        assert "wxyz" not in text
        assert text.startswith("The key [key]")
        assert text.endswith("is wrong")

    @pytest.mark.parametrize(
        "text", ["the model gpt-5-mini is busy", "risk-free", "ask-me", "req_011CTq4mZx8WnKb2vRfYpLd7", "a task-force"]
    )
    def test_keeps_words_that_are_none(self, text: str) -> None:
        assert redact(text) == text

    def test_leaves_out_the_service_s_own_key_whatever_it_looks_like(self) -> None:
        register_secret("corp token/0123")
        assert redact("corp token/0123 may not do this") == "[key] may not do this"
        register_secret("none")
        assert redact("none of it") == "none of it"

    def test_can_be_sent_on_whatever_the_upstream_said(self) -> None:
        assert redact("half \ud83d a pair").encode() == b"half ? a pair"

    def test_is_one_line_of_bounded_length(self) -> None:
        text = redact("word\n\tword\r\n" * 1000)
        assert text == ("word " * 1000)[:MAX_MESSAGE_CHARS] + "…"

    @pytest.mark.parametrize("nothing", [None, "", 0, [], {}])
    def test_of_nothing_is_empty(self, nothing: object) -> None:
        assert redact(nothing) == ""


@SDKS
def test_the_log_names_the_place_without_what_an_address_may_hide(sdk, caplog) -> None:
    with pytest.raises(errors.UpstreamError), map_sdk_errors(sdk, "acme", "http://me:hunter2@host:80/v1?key=abc"):
        raise refusal(sdk, 500, None)
    assert "acme at http://host:80/v1: upstream_failed" in caplog.text
    assert "hunter2" not in caplog.text
    assert "abc" not in caplog.text


def test_a_refusal_without_headers_can_be_told_too() -> None:
    assert status_error("acme", 429, "slow down").retry_after is None
