"""WSGI middleware that keeps only the iterator of a response, or watches it closely: the answer stays whole."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.middleware.mounted_host import MountedHost, program
from tests.support.reader import QUESTION, Reading, send
from tests.support.upstream import Ended, Gate, Hang, Paced, Upstream, openai_wire

CODE = """
import itertools
import os
import warnings
from wsgiref.validate import validator

from werkzeug.debug import DebuggedApplication
from werkzeug.middleware.lint import LintMiddleware
from werkzeug.middleware.profiler import ProfilerMiddleware
from whitenoise import WhiteNoise

VIOLATIONS = []
warnings.simplefilter("always")
warnings.showwarning = lambda message, *_: VIOLATIONS.append(str(message))


def looping(application):
    def call(environ, start_response):
        for chunk in application(environ, start_response):
            yield chunk

    return call


def mapping(application):
    return lambda environ, start_response: map(bytes, application(environ, start_response))


def chaining(application):
    return lambda environ, start_response: itertools.chain(application(environ, start_response), [b""])


def copying(application):
    return lambda environ, start_response: application(dict(environ), start_response)


WRAPPERS = {
    "looping": looping,
    "mapping": mapping,
    "chaining": chaining,
    "copying": copying,
    "debugging": lambda application: DebuggedApplication(application, evalex=False),
    "profiling": lambda application: ProfilerMiddleware(application, stream=open(os.devnull, "w")),
    "files": lambda application: WhiteNoise(application, root=os.getcwd(), prefix="static"),
    "lint": LintMiddleware,
    "validating": validator,
}

for hold in (True, False):
    for name, wrap in WRAPPERS.items():
        mount(name if hold else f"late-{name}", wrap, hold_request=hold)


def inside(application):
    application.wsgi_app = copying(mapping(application.wsgi_app))
    return application


application = Flask("inside")
application.config.update(HEADRACE_EMBEDDED=False)
inside(application)
Headrace(application)
stream_ended.connect(lambda app, stream: ENDS.append([stream.model, stream.end, stream.reason]), application, False)
MOUNTED["/inside"] = application


@app.get("/violations")
def violations():
    return jsonify(VIOLATIONS)
"""

AGENT_CODE = """
mount("agent")
mount("late-agent", hold_request=False)
"""

BUFFERING = {"profiling"}
"""Wrappers that read a response to its end before they pass it on."""

WRAPPERS = (
    "looping",
    "mapping",
    "chaining",
    "copying",
    "debugging",
    "profiling",
    "files",
    "lint",
    "validating",
    "inside",
)
ALL = (*WRAPPERS, *(f"late-{name}" for name in WRAPPERS if name != "inside"))


WITH_BODY = (
    ("GET", "/api/streams/{}"),
    ("GET", "/api/models"),
    ("GET", "/v1/models"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
    ("OPTIONS", "/api/chat"),
    ("PUT", "/api/chat"),
    ("GET", "/nothing"),
    ("POST", "/api/chat"),
)
WITHOUT_BODY = (
    ("GET", "/api/streams/{}?after=99"),
    ("DELETE", "/api/streams/{}"),
    ("GET", "/ai/chat/none/stream"),
    ("HEAD", "/"),
    ("HEAD", "/api/models"),
    ("HEAD", "/api/streams/{}"),
)


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("wrapped"), CODE, upstream) as running:
        yield running


def assert_streams_whole_answer(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"whole {name}"
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two ", "three"))
    with host.asking(name, model) as reading:
        if name.removeprefix("late-") in BUFFERING:
            upstream.wait_for(lambda: upstream.requests(model)[0].at_gate)
            upstream.open_gate(model)
            got = b"".join(reading.chunks())
        else:
            got = reading.until(b"one")
            upstream.open_gate(model)
            got += b"".join(reading.chunks())
    assert got.endswith(b"data: [DONE]\n\n")
    assert b"three" in got
    assert host.wait_for_end(model) == ["done", "stop"]


@pytest.mark.parametrize("name", ALL)
def test_the_answer_is_streamed_and_whole_through(name: str, host: MountedHost, upstream: Upstream) -> None:
    assert_streams_whole_answer(host, upstream, name)


@pytest.mark.parametrize("name", ALL)
def test_a_reader_that_leaves_closes_the_upstream_through(name: str, host: MountedHost, upstream: Upstream) -> None:
    assert_leaving_closes_upstream(host, upstream, name)


def assert_leaving_closes_upstream(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"left {name}"
    upstream.answer(model, openai_wire.answer("one", Hang()))
    with host.asking(name, model) as reading:
        if name.removeprefix("late-") in BUFFERING:
            upstream.wait_for(lambda: upstream.requests(model)[0].deltas_sent)
        else:
            reading.until(b"one")
    assert upstream.closed(model).ended is Ended.ABORTED
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("name", [name for name in ALL if name.removeprefix("late-") not in BUFFERING])
def test_a_write_that_fails_closes_the_upstream_through(name: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"reset {name}"
    upstream.answer(model, openai_wire.answer(Paced(openai_wire.text("word "), per_second=200)))
    with host.asking(name, model) as reading:
        reading.until(b"word")
        reading.reset()
    assert upstream.closed(model).ended is Ended.ABORTED
    assert host.wait_for_end(model)[0] == "cancelled"
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("name", ALL)
def test_whole_answers_and_errors_pass_through(name: str, host: MountedHost, upstream: Upstream) -> None:
    assert_passes_whole_answers_and_errors(host, upstream, name)


def assert_passes_whole_answers_and_errors(host: MountedHost, upstream: Upstream, name: str) -> None:
    upstream.answer("plain", openai_wire.answer("one ", "two"))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))
    whole = host.ask(name, "plain", stream=False)
    assert (whole.status, whole.json["text"]) == (200, "one two")
    busy = host.ask(name, "busy")
    assert (busy.status, busy.headers["retry-after"]) == (429, "7")
    assert host.send(name, "/api/chat", {"model": "none/none", "messages": QUESTION}).status == 404


@pytest.mark.parametrize("name", ["lint", "validating", "late-lint", "late-validating"])
def test_nothing_violates_wsgi(name: str, host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("plain", openai_wire.answer("one ", "two"))
    upstream.answer("cut", openai_wire.failing_after(2))
    upstream.answer("server error", openai_wire.error(500))
    for model in ("plain", "cut", "server error"):
        chat = {"model": f"openai/{model}", "messages": QUESTION}
        for path in ("/api/chat", "/v1/chat/completions", "/ai/text", "/ai/chat"):
            with host.sending(name, path, {**chat, "id": "chat", "stream": True}) as reading:
                read_all(reading)
        host.send(name, "/v1/messages", {**chat, "max_tokens": 5, "stream": True})
        host.send(name, "/v1/responses", {"model": f"openai/{model}", "input": "hi", "stream": True})
        host.send(name, "/v1/responses", {"model": f"openai/{model}", "input": "hi"})
    opened = host.send(name, "/api/chat", {"model": "openai/plain", "messages": QUESTION, "resumable": True})
    stream_id = opened.headers["headrace-stream-id"]
    # werkzeug's own linter wants a Content-Length of every 204, which RFC 9110 forbids, and a body of every HEAD.
    requests = WITH_BODY if name.endswith("lint") else (*WITH_BODY, *WITHOUT_BODY)
    for method, path in requests:
        assert host.send(name, path.format(stream_id), method=method).status < 500, (method, path)
    assert send(host.url + "/violations", method="GET").json == []
    assert "Traceback" not in host.log()


def read_all(reading: Reading) -> None:
    with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
        b"".join(reading.chunks())


AGENTS = {
    "ddtrace-run": ((), {"DD_TRACE_AGENT_URL": "http://127.0.0.1:9", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}),
    "newrelic-admin": (("run-program",), {"NEW_RELIC_DEVELOPER_MODE": "true", "NEW_RELIC_LICENSE_KEY": "none"}),
}
"""The commands of Datadog and New Relic: their arguments, and their settings for a machine without agents."""


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_s_command_leaves_answers_as_they_are(agent: str, upstream: Upstream, tmp_path: Path) -> None:
    arguments, settings = AGENTS[agent]
    command = (program(agent), *arguments)
    with MountedHost(tmp_path, AGENT_CODE, upstream, command=command, **settings) as host:
        for name in ("agent", "late-agent"):
            assert_streams_whole_answer(host, upstream, name)
            assert_leaving_closes_upstream(host, upstream, name)
            assert_passes_whole_answers_and_errors(host, upstream, name)
        assert "Traceback" not in host.log()
