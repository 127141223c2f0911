"""What an application's `after_request` does to a response: its headers stay, its body is sent, nothing is cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import Answer, Reading, send
from tests.support.upstream import Ended, Gate, Hang, Upstream, openai_wire

CODE = """
import gevent


def set_headers(response):
    response.headers["X-Mine"] = "mine"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "yes"
    response.headers.pop("X-Content-Type-Options", None)
    response.headers.add("Vary", "Cookie")
    response.set_cookie("credits", "41")
    return response


def set_status(response):
    response.status_code = 202
    return response


def set_content_type(response):
    response.content_type = "application/json"
    return response


def set_length(response):
    if response.is_streamed:
        response.content_length = 5
    return response


def wrap_body(response):
    response.response = map(bytes.upper, response.iter_encoded())
    return response


def wrap_body_and_set_content_type(response):
    return set_content_type(wrap_body(response))


def replace_iterator(response):
    response.response = iter([b"my ", b"own"])
    response.content_type = "text/csv"
    return response


def replace_list(response):
    response.response = [b"my ", b"own"]
    response.content_type = "text/csv"
    return response


def replace_data(response):
    response.set_data(b"my own")
    response.content_type = "text/csv"
    return response


def replace_response(response):
    return Response("my own", 203, mimetype="text/csv")


def read_data(response):
    response.headers["X-Length"] = len(response.data)
    return response


def read_text(response):
    response.headers["X-Length"] = len(response.get_data(as_text=True))
    return response


def freeze(response):
    response.freeze()
    return response


def make_sequence(response):
    response.make_sequence()
    return response


def add_etag(response):
    response.add_etag()
    return response


def append(response):
    response.stream.write(b": appended\\n\\n")
    return response


def call_on_close(response):
    response.call_on_close(lambda: CLOSED.append(request_id(response)))
    return response


def request_id(response):
    return response.headers["x-request-id"]


def make_conditional(response):
    response.make_conditional(request.environ)
    return response


def accept_ranges(response):
    response.accept_ranges = "bytes"
    response.make_conditional(request.environ, accept_ranges=True, complete_length=1000)
    return response


def set_everything(response):
    return make_conditional(set_length(set_content_type(set_headers(response))))


def take_time(response):
    gevent.sleep(2)
    return response


CLOSED = []
HOOKS = [
    set_headers, set_status, set_content_type, set_length, wrap_body, wrap_body_and_set_content_type, replace_iterator,
    replace_list, replace_data, replace_response, read_data, read_text, freeze, make_sequence, add_etag, append,
    call_on_close, make_conditional, accept_ranges, set_everything, take_time,
]


def add_events(application):
    @application.get("/events")
    def events():
        question = [{"role": "user", "content": "hi"}]
        return application.headrace.stream(question, model=request.args["model"], stream="whole" not in request.args)


def fail(response):
    if response.status_code != 500:
        raise ZeroDivisionError
    return response


for hold in (True, False):
    for hook in [*HOOKS, fail]:
        application = mount(hook.__name__ if hold else "late_" + hook.__name__, hold_request=hold)
        application.after_request(hook)
        add_events(application)


@app.get("/closed")
def closed():
    return jsonify(CLOSED)
"""

HEADERS = ("set_headers", "set_everything")
REPLACED = ("replace_iterator", "replace_list", "replace_data", "replace_response")
READ = ("read_data", "read_text", "freeze", "make_sequence", "add_etag", "append")
WRAPPED = ("wrap_body", "wrap_body_and_set_content_type")
LEFT = ("set_status", "set_content_type", "set_length", "call_on_close", "make_conditional", "accept_ranges")
STREAMED = (*HEADERS, *WRAPPED, *LEFT)
"""The hooks that leave a stream a stream."""

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
    if method == "POST":
        return host.asking(name, model)
    return Reading(f"{host.url}/{name}/events?model=openai/{model}", method="GET", headers=headers)


def read(opened: Reading) -> Answer:
    with opened as one:
        response = one.response()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("hook", STREAMED)
def test_a_stream_stays_a_stream_after(
    hook: str, late: str, method: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"{late}{hook} {method}".replace(" ", "-")
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
    body = {"model": "openai/words", "messages": [{"role": "user", "content": "hi"}]}
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
    body = {"model": f"openai/{model}", "messages": [{"role": "user", "content": "hi"}], **fields}
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
def test_the_time_of_an_after_request_is_not_the_client_s(late: str, host: MountedHost) -> None:
    answer = host.ask(f"{late}take_time", "words")
    assert answer.text == "one two"
    assert answer.is_done
