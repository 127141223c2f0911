"""What an application's `after_request` does to a response: its headers stay, its body is sent, nothing is cut."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from tests.middleware.after_request_hooks import CODE, HEADERS, LEFT, READ, REPLACED, STREAMED, WRAPPED
from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.upstream import Ended, Gate, Hang, Upstream, openai_wire

LATE = ("", "late_")
DEFAULTS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    folder = tmp_path_factory.mktemp("after")
    with MountedHost(folder, CODE, upstream, HEADRACE_CLIENT_TIMEOUT="1") as running:
        yield running


@pytest.fixture(autouse=True)
def answers(upstream: Upstream) -> None:
    upstream.answer("words", openai_wire.answer("one ", "two"))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))


def reading(host: MountedHost, name: str, method: str, model: str, **headers: str) -> Reading:
    if method.startswith("POST"):
        body = {"model": f"openai/{model}", "messages": QUESTION}
        return Reading(f"{host.url}/{name}/api/chat", body, version="1.0" if "1.0" in method else "1.1")
    return Reading(f"{host.url}/{name}/events?model=openai/{model}", method="GET", headers=headers)


def read(opened: Reading) -> Answer:
    with opened as one:
        response = one.response()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


@pytest.mark.parametrize("method", ["POST", "POST 1.0", "GET"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", STREAMED)
def test_a_stream_stays_a_stream_after(
    hook: str, late: str, method: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"{late}{hook}-{method}"
    upstream.answer(model, openai_wire.answer("one", Gate(model), "two"))
    first, second = (b"ONE", b"TWO") if hook in WRAPPED else (b"one", b"two")
    with reading(host, late + hook, method, model, Range="bytes=0-3") as one:
        response = one.response()
        headers = {name.lower(): value for name, value in response.getheaders()}
        got = one.until(first)
        upstream.open_gate(model)
        got += b"".join(one.chunks())
    assert response.status == (202 if hook == "set_status" else 200)
    assert second in got
    assert got.lower().endswith(b"data: [done]\n\n")
    assert "content-length" not in headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["headrace-stream-id"]
    assert host.wait_for_end(model) == ["done", "stop"]
    if hook not in HEADERS:
        assert DEFAULTS.items() <= headers.items()


@pytest.mark.parametrize("kind", ["stream", "whole", "error"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", HEADERS)
def test_headers_of_the_application_stay(hook: str, late: str, kind: str, host: MountedHost) -> None:
    fields = {"stream": True} if kind == "stream" else {"stream": False}
    answer = host.ask(late + hook, "busy" if kind == "error" else "words", **fields)
    assert answer.status == (429 if kind == "error" else 200)
    assert answer.headers["x-mine"] == "mine"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "yes"
    assert "Cookie" in answer.headers["vary"]
    assert answer.headers["set-cookie"].startswith("credits=41")
    assert answer.headers["headrace-stream-id"]
    assert answer.headers.get("retry-after") == ("7" if kind == "error" else None)
    assert answer.error["code"] if kind == "error" else b"two" in answer.body


@pytest.mark.parametrize("late", LATE)
def test_a_header_that_the_application_removes_is_gone(late: str, host: MountedHost) -> None:
    body = {"model": "openai/words", "messages": QUESTION}
    answer = host.send(f"{late}set_headers", "/ai/text", body)
    assert answer.body == b"one two"
    assert "x-content-type-options" not in answer.headers


@pytest.mark.parametrize("protocol", ["1.0", "1.1"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", REPLACED)
def test_a_replaced_body_is_the_application_s_own(
    hook: str, late: str, protocol: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"{late}{hook}-{protocol}"
    upstream.answer(model, openai_wire.answer("one", Hang()))
    answer = asked(host, late + hook, model, protocol)
    assert answer.body == b"my own"
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.status == (203 if hook == "replace_response" else 200)
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    if upstream.requests(model):  # without holding the request, the model may not have been called yet
        assert upstream.closed(model).ended is Ended.ABORTED


def asked(host: MountedHost, name: str, model: str, protocol: str, **fields: Any) -> Answer:
    body = {"model": f"openai/{model}", "messages": QUESTION, **fields}
    return read(Reading(f"{host.url}/{name}/api/chat", body, version=protocol))


@pytest.mark.parametrize("protocol", ["1.0", "1.1"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", READ)
def test_a_body_that_the_application_reads_is_whole(hook: str, late: str, protocol: str, host: MountedHost) -> None:
    answer = asked(host, late + hook, "words", protocol)
    assert answer.status == 200
    assert b'"one "' in answer.body
    assert b"data: [DONE]\n\n" in answer.body
    assert answer.body.endswith(b": appended\n\n" if hook == "append" else b"data: [DONE]\n\n")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    if "x-length" in answer.headers:
        assert int(answer.headers["x-length"]) == len(answer.body)


@pytest.mark.parametrize("protocol", ["1.0", "1.1"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", [*HEADERS, *LEFT, *READ])
def test_whole_answers_and_errors_are_right_after(hook: str, late: str, protocol: str, host: MountedHost) -> None:
    whole = asked(host, late + hook, "words", protocol, stream=False)
    assert whole.status == (202 if hook == "set_status" else 200)
    assert whole.body.startswith(b'{"id":')
    assert whole.headers["content-type"].startswith("application/json")
    if hook != "append":
        assert whole.json["text"] == "one two"
    for fields in ({}, {"stream": False}):
        busy = asked(host, late + hook, "busy", protocol, **fields)
        assert busy.status == (202 if hook == "set_status" else 429)
        assert busy.headers["retry-after"] == "7"
        assert b'"code":"rate_limited"' in busy.body.replace(b": ", b":")
        assert busy.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", [*STREAMED, *READ, *REPLACED])
def test_a_head_request_has_no_body_and_calls_no_model(
    hook: str, late: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"head-{late}{hook}"
    upstream.answer(model, openai_wire.answer("one"))
    answer = send(f"{host.url}/{late}{hook}/events?model=openai/{model}", method="HEAD")
    assert answer.status in {200, 202, 203}
    assert answer.body == b""
    assert upstream.requests(model) == []


@pytest.mark.parametrize("late", LATE)
def test_call_on_close_is_called_once(late: str, host: MountedHost) -> None:
    answer = host.ask(f"{late}call_on_close", "words")
    id_ = answer.headers["x-request-id"]
    host.wait_until(lambda: send(host.url + "/closed", method="GET").json.count(id_) == 1)


@pytest.mark.parametrize("late", LATE)
def test_an_after_request_that_fails_is_a_500_and_closes_the_upstream(
    late: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"{late}fail"
    upstream.answer(model, openai_wire.answer("one", Hang()))
    assert host.ask(f"{late}fail", model).status == 500
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    if upstream.requests(model):
        assert upstream.closed(model).ended is Ended.ABORTED


@pytest.mark.parametrize("late", LATE)
def test_a_response_that_the_application_has_closed_is_an_error_and_no_empty_answer(
    late: str, host: MountedHost
) -> None:
    answer = host.ask(f"{late}close", "words")
    assert (answer.status, answer.error["code"]) == (500, "internal")
    assert "was sent or closed before" in host.log()


@pytest.mark.parametrize("late", LATE)
def test_the_time_of_an_after_request_is_not_the_client_s(late: str, host: MountedHost) -> None:
    answer = host.ask(f"{late}take_time", "words")
    assert answer.text == "one two"
    assert answer.is_done


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("path", ["/api/chat", "/ai/text"])
def test_a_reader_that_leaves_while_the_application_reads_is_no_error(
    path: str, late: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"leaving-{late}{path}".replace("/", "-")
    upstream.answer(model, openai_wire.answer("one", Hang()))
    with host.sending(f"{late}read_data", path, {"model": f"openai/{model}", "messages": QUESTION}):
        upstream.wait_for(lambda: upstream.requests(model)[0].deltas_sent)
    assert upstream.closed(model).ended is Ended.ABORTED
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    assert "BrokenPipeError" not in host.log()


@pytest.mark.parametrize("late", LATE)
def test_a_text_that_breaks_off_while_the_application_reads_is_not_sent_as_whole(
    late: str, host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer("cut", openai_wire.failing_after(2))
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        host.send(f"{late}read_data", "/ai/text", {"model": "openai/cut", "messages": QUESTION})


@pytest.mark.parametrize("late", LATE)
def test_a_teardown_that_fails_closes_the_upstream(late: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"{late}teardown"
    upstream.answer(model, openai_wire.answer("one", Hang()))
    assert host.ask(model, model).status == 500
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    if upstream.requests(model):
        assert upstream.closed(model).ended is Ended.ABORTED
