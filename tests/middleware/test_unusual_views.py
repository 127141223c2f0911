"""Views that use a streamed response in unusual ways: each has a right answer or one clear error, and nothing hangs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import Answer, send
from tests.support.upstream import Ended, Gate, Hang, Upstream, openai_wire

CODE = """
import functools
import logging

import gevent
from flask import stream_with_context

logging.basicConfig()

HELD = {}
QUESTION = [{"role": "user", "content": "hi"}]


def add_views(application):
    headrace = application.headrace

    def ask(**fields):
        return headrace.stream(QUESTION, model="openai/" + request.args["model"], **fields)

    def wrapped(view):
        @functools.wraps(view)
        def call():
            response = make_response(view())
            response.headers["X-Wrapped"] = "yes"
            return response

        return call

    @application.before_request
    def before():
        if request.path == "/before":
            return ask()

    @application.errorhandler(KeyError)
    def answer_error(error):
        return ask()

    @application.get("/twice")
    def twice():
        ask()
        return headrace.stream(QUESTION, model="openai/second")

    @application.get("/chained")
    def chained():
        first, second = ask(), headrace.stream(QUESTION, model="openai/second")

        def both():
            yield from first.response
            yield from second.response

        return Response(both(), mimetype="text/event-stream")

    @application.get("/inside")
    def inside():
        def words():
            for chunk in ask().iter_encoded():
                yield chunk.decode()

        return headrace.stream_from(stream_with_context(words()))

    @application.get("/tuple")
    def as_tuple():
        return ask(), 202, {"X-Mine": "mine"}

    @application.get("/make")
    def make():
        return make_response(ask(), 201)

    @application.get("/wrapped")
    @wrapped
    def in_wrapper():
        return ask()

    @application.get("/moved")
    def moved():
        return Response(ask().response, mimetype="text/event-stream")

    @application.get("/raises")
    def raises():
        raise KeyError

    @application.get("/again")
    def again():
        if request.url not in HELD:
            HELD[request.url] = ask()
        return HELD[request.url]

    @application.get("/again-moved")
    def again_moved():
        if request.url not in HELD:
            HELD[request.url] = ask().response
        return Response(HELD[request.url], mimetype="text/event-stream")

    @application.get("/slow")
    def slow():
        response = ask()
        gevent.sleep(2)
        return response


class OwnResponse(Response):
    default_mimetype = "application/xml"

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.headers["X-Own"] = "yes"


for hold in (True, False):
    kind = "held" if hold else "late"
    add_views(mount(kind, hold_request=hold))
    classed = mount(f"{kind}-classed", hold_request=hold)
    classed.response_class = OwnResponse
    add_views(classed)


@app.get("/outside")
def outside():
    errors = []

    def call(use):
        try:
            use()
        except Exception as error:
            errors.append([type(error).__name__, str(error)])

    headrace = MOUNTED["/held"].headrace
    gevent.spawn(call, lambda: headrace.stream(QUESTION, model="openai/words")).join()
    gevent.spawn(call, lambda: headrace.stream_from(["word"])).join()

    def in_application_context():
        with MOUNTED["/held"].app_context():
            call(lambda: headrace.stream(QUESTION, model="openai/words"))
            call(lambda: headrace.stream_from(["word"]))

    gevent.spawn(in_application_context).join()
    return jsonify(errors=errors, open=len(MOUNTED["/held"].extensions["headrace"].streams))
"""

KINDS = ("held", "late")


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    folder = tmp_path_factory.mktemp("unusual")
    with MountedHost(folder, CODE, upstream, HEADRACE_CLIENT_TIMEOUT="1") as running:
        yield running


def get(host: MountedHost, kind: str, path: str, model: str = "words", method: str = "GET") -> Answer:
    return send(f"{host.url}/{kind}{path}?model={model}", method=method)


@pytest.mark.parametrize("path", ["/before", "/tuple", "/make", "/wrapped", "/moved", "/raises", "/inside", "/slow"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_whole_from(path: str, kind: str, host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("words", openai_wire.answer("one ", "two"))
    answer = get(host, kind, path)
    assert answer.status == {"/tuple": 202, "/make": 201}.get(path, 200)
    text = "".join(answer.text) if path == "/inside" else answer.body.decode()
    assert "two" in text
    assert answer.is_done
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_class_of_the_application_changes_nothing(kind: str, host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("words", openai_wire.answer("one ", "two"))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))
    answer = get(host, f"{kind}-classed", "/make")
    assert (answer.status, answer.text) == (201, "one two")
    assert answer.headers["x-own"] == "yes"
    assert "content-encoding" not in answer.headers
    busy = host.ask(f"{kind}-classed", "busy")
    assert (busy.status, busy.headers["retry-after"]) == (429, "7")
    assert host.ask(f"{kind}-classed", "words", stream=False).json["text"] == "one two"


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_stream_that_is_dropped_ends_with_the_request(kind: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"dropped-{kind}"
    upstream.answer(model, openai_wire.answer("first", Hang()))
    upstream.answer("second", openai_wire.answer("second"))
    assert get(host, kind, "/twice", model).text == "second"
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    if upstream.requests(model):
        assert upstream.closed(model).ended is Ended.ABORTED


@pytest.mark.parametrize("kind", KINDS)
def test_two_streams_in_one_body_are_both_whole(kind: str, host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("words", openai_wire.answer("one ", "two"))
    upstream.answer("second", openai_wire.answer("second"))
    answer = get(host, kind, "/chained")
    assert answer.body.count(b"[DONE]") == 2
    assert b"two" in answer.body
    assert b"second" in answer.body


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_that_is_returned_again_is_a_clear_error(kind: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"again-{kind}"
    upstream.answer(model, openai_wire.answer("one", Gate(model), "two"))
    with host.sending(kind, f"/again?model={model}", method="GET") as first:
        got = first.until(b"one")
        second = get(host, kind, "/again", model)
        upstream.open_gate(model)
        got += b"".join(first.chunks())
    assert got.endswith(b"data: [DONE]\n\n")
    third = get(host, kind, "/again", model)
    for answer in (second, third):
        assert (answer.status, answer.error["code"]) == (500, "internal")
        assert answer.headers["content-type"] == "application/json"
    assert "was sent or closed before" in host.log()


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_is_sent_again_ends_at_once(kind: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"again-moved-{kind}"
    upstream.answer(model, openai_wire.answer("one ", "two"))
    assert get(host, kind, "/again-moved", model).text == "one two"
    assert get(host, kind, "/again-moved", model).text == ""


def test_a_call_outside_of_a_request_is_one_clear_error_and_leaves_nothing_open(host: MountedHost) -> None:
    answer = send(host.url + "/outside", method="GET").json
    assert [kind for kind, _ in answer["errors"]] == ["RuntimeError"] * 4
    assert all("outside of a request" in text for _, text in answer["errors"])
    assert answer["open"] == 0
