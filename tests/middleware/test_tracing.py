"""Tracing, error reports, metrics and counted credits: they see the status that the reader gets."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from tests.middleware.mounted_host import CONFIGURED, PLAIN, MountedHost
from tests.support.reader import QUESTION, send
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
import sentry_sdk
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics
from sentry_sdk.integrations.flask import FlaskIntegration

SEEN = []


class Transport(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            event = item.payload.json
            trace = event.get("contexts", {}).get("trace", {})
            status = trace.get("data", {}).get("http.response.status_code")
            path = event.get("request", {}).get("url")
            SEEN.append(["sentry " + (event.get("type") or "error"), path, status])


sentry_sdk.init(
    "http://key@127.0.0.1:9/1",
    transport=Transport,
    traces_sample_rate=1.0,
    auto_session_tracking=False,
    integrations=[FlaskIntegration()],
    auto_enabling_integrations=False,  # it would import all packages that it knows, which takes long
)


def traced(name, instrument):
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    SPANS[name] = exporter
    return instrument(provider)


SPANS = {}


def statuses(exporter):
    return [span.attributes.get("http.status_code") for span in exporter.get_finished_spans()]


def instrument(name, application):
    traced(name, lambda provider: FlaskInstrumentor().instrument_app(application, tracer_provider=provider))
    metrics = PrometheusMetrics(application, registry=CollectorRegistry(), path="/exported")

    @application.after_request
    def count(response):
        SEEN.append(["after_request", name, response.status_code])
        return response

    @application.teardown_request
    def teardown(error):
        SEEN.append(["teardown", name, None if error is None else repr(error)])


for hold in (True, False):
    name = "traced" if hold else "late-traced"
    instrument(name, mount(name, hold_request=hold))
    wsgi = mount(
        name + "-wsgi",
        lambda application: traced(
            name + "-wsgi", lambda provider: OpenTelemetryMiddleware(application, tracer_provider=provider)
        ),
        hold_request=hold,
    )


@app.get("/seen/<name>")
def seen(name):
    return jsonify(seen=SEEN, spans=statuses(SPANS[name]))


@app.post("/forget")
def forget():
    SEEN.clear()
    for exporter in SPANS.values():
        exporter.clear()
    return ""
"""


@pytest.fixture(scope="module", params=[PLAIN, CONFIGURED], ids=["plain", "configured"])
def shared(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("traced"), CODE, upstream, arguments=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_asked_yet(shared: MountedHost, upstream: Upstream) -> None:
    upstream.start_afresh()


@pytest.fixture
def host(shared: MountedHost) -> MountedHost:
    send(shared.url + "/forget")
    return shared


def observed(host: MountedHost, name: str) -> dict[str, Any]:
    """Return what was observed of an application: the spans' statuses, and what the others saw, each by its name."""
    body = send(f"{host.url}/seen/{name}", method="GET").json
    own = [(kind, value) for kind, where, value in body["seen"] if name in where.split("/") and "/seen/" not in where]
    kinds = {kind: [value for seen, value in own if seen == kind] for kind in KINDS}
    return {"spans": body["spans"], **kinds}


KINDS = ("after_request", "teardown", "sentry transaction", "sentry error")

PROTOCOLS = {
    "/api/chat": {"messages": QUESTION},
    "/v1/chat/completions": {"messages": QUESTION},
    "/v1/responses": {"input": "hi"},
    "/v1/messages": {"messages": QUESTION, "max_tokens": 9},
}
TEXTS = {"/ai/text": {"messages": QUESTION}, "/ai/completion": {"prompt": "hi"}, "/ai/v4/chat": {"messages": QUESTION}}
REQUESTS = [(path, {**body, "stream": stream}) for path, body in PROTOCOLS.items() for stream in (True, False)]


@pytest.mark.parametrize(
    ("path", "body"), [*REQUESTS, *TEXTS.items()], ids=lambda value: value if isinstance(value, str) else None
)
def test_each_sees_the_status_of_the_reader(
    path: str, body: dict[str, Any], host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer("good", openai_wire.answer("one ", "two"))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))
    upstream.answer("broken", openai_wire.error(500))
    models = ("openai/good", "openai/busy", "openai/broken", "none/none")
    statuses = [host.send("traced", path, {"model": model, **body}).status for model in models]
    assert statuses[0] == 200
    assert {429, 404} <= set(statuses)
    assert statuses[2] >= 500
    seen = observed(host, "traced")
    assert seen["spans"] == statuses
    assert seen["after_request"] == statuses
    assert seen["teardown"] == [None] * len(statuses)
    assert seen["sentry transaction"] == statuses
    assert seen["sentry error"] == []


def test_an_exporter_of_metrics_counts_the_statuses_of_readers(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("busy", openai_wire.error(429))
    assert host.ask("traced", "busy").status == 429
    exported = host.send("traced", "/exported", method="GET").body.decode()
    assert 'flask_http_request_total{method="POST",status="429"}' in exported


def test_wsgi_tracing_sees_the_status_of_the_reader_and_the_whole_stream(host: MountedHost, upstream: Upstream) -> None:
    for name in ("traced-wsgi", "late-traced-wsgi"):
        upstream.answer("busy", openai_wire.error(429))
        upstream.answer(name, openai_wire.answer("one", Gate(name), "two"))
        assert host.ask(name, "busy").status == 429
        with host.asking(name, name) as reading:
            reading.until(b"one")
            assert observed(host, name)["spans"] == [429]
            upstream.open_gate(name)
            reading.until(b"[DONE]")
        host.wait_until(lambda name=name: observed(host, name)["spans"] == [429, 200])


def test_the_span_of_a_view_ends_with_its_first_token(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("span", openai_wire.answer(Gate("first"), "one", Gate("second"), "two"))
    with host.asking("traced", "span") as reading:
        upstream.wait_for(lambda: upstream.requests("span")[0].at_gate == "first")
        assert observed(host, "traced")["spans"] == []
        upstream.open_gate("first")
        reading.until(b"one")
        seen = observed(host, "traced")
        assert (seen["spans"], seen["teardown"], seen["sentry transaction"]) == ([200], [None], [200])
        upstream.open_gate("second")
        reading.until(b"[DONE]")


def test_a_request_that_is_not_held_is_seen_as_200_whatever_the_reader_gets(
    host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer("busy", openai_wire.error(429))
    for fields in ({}, {"stream": False}):
        assert host.ask("late-traced", "busy", **fields).status == 429
    seen = observed(host, "late-traced")
    assert seen["after_request"] == [200, 200]
    assert seen["spans"] == [None, None]
    assert seen["sentry transaction"] == [None, None]
    assert host.send("late-traced", "/api/chat", {"model": "none/none", "messages": QUESTION}).status == 404
    assert observed(host, "late-traced")["after_request"] == [200, 200, 404]


@pytest.mark.parametrize("fields", [{}, {"stream": False}, {"resumable": True}], ids=["stream", "whole", "resumable"])
def test_a_client_that_leaves_while_the_view_waits_is_a_499_and_no_error(
    fields: dict[str, Any], host: MountedHost, upstream: Upstream
) -> None:
    model = f"gone-{'-'.join(fields)}"
    upstream.answer(model, openai_wire.answer(Hang()))
    with host.asking("traced", model, **fields):
        upstream.wait_for(lambda: upstream.requests(model))
    host.wait_until(lambda: observed(host, "traced")["spans"])
    seen = observed(host, "traced")
    assert (seen["after_request"], seen["spans"], seen["teardown"]) == ([499], [499], [None])
    assert (seen["sentry transaction"], seen["sentry error"]) == ([499], [])
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("name", ["traced", "late-traced", "traced-wsgi"])
def test_a_reader_that_leaves_or_is_cut_off_in_the_middle_is_no_error(
    name: str, host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer(f"left {name}", openai_wire.answer("one", Hang()))
    with host.asking(name, f"left {name}") as reading:
        reading.until(b"one")
    assert host.wait_for_end(f"left {name}") == ["cancelled", "reader_left"]
    upstream.answer(f"cut {name}", openai_wire.failing_after(2))
    text = host.sending(name, "/ai/text", {"model": f"openai/cut {name}", "messages": QUESTION})
    with text as reading, pytest.raises((http.client.IncompleteRead, ConnectionError)):
        b"".join(reading.chunks())
    assert observed(host, name)["sentry error"] == []
    assert "Traceback" not in host.log()
