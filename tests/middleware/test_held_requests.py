"""How long a view holds its request: until the first token or heartbeat, or to the end of a whole answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, Answer, send
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
import gevent
from flask import copy_current_request_context, stream_with_context

TEARDOWNS = []


def add_views(application):
    headrace = application.headrace

    @application.before_request
    def before():
        g.user = "ada"

    @application.teardown_request
    def teardown(error):
        TEARDOWNS.append(request.args.get("model"))

    @application.get("/tuple")
    def as_tuple():
        question = [{"role": "user", "content": "hi"}]
        return headrace.stream(question, model="openai/" + request.args["model"]), 202

    @application.get("/context")
    def context():
        def words():
            yield from (g.user, " ", request.args["model"], " ")
            gevent.sleep(0.1)
            yield g.user

        return headrace.stream_from(stream_with_context(words()))

    @application.get("/copied")
    def copied():
        @copy_current_request_context
        def model():
            return request.args["model"]

        def words():
            yield model()

        return headrace.stream_from(words())


for hold in (True, False):
    add_views(mount("held" if hold else "late", hold_request=hold))
add_views(mount("hasty", config={"HEADRACE_HEARTBEAT": 1}))


@app.get("/teardowns")
def teardowns():
    return jsonify(TEARDOWNS)
"""

KINDS = ("held", "late")


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("holding"), CODE, upstream) as running:
        yield running


def get(host: MountedHost, kind: str, path: str, model: str) -> Answer:
    return send(f"{host.url}/{kind}{path}?model={model}", method="GET")


@pytest.mark.parametrize("kind", KINDS)
def test_the_request_is_over_while_tokens_flow(kind: str, host: MountedHost, upstream: Upstream) -> None:
    model = f"over-{kind}"
    upstream.answer(model, openai_wire.answer(Gate(f"first {model}"), "one", Gate(f"second {model}"), "two"))
    with host.sending(kind, f"/tuple?model={model}", method="GET") as reading:
        upstream.wait_for(lambda: upstream.requests(model)[0].at_gate)
        assert (model in teardowns(host)) == (kind == "late")
        upstream.open_gate(f"first {model}")
        reading.until(b"one")
        assert model in teardowns(host)
        upstream.open_gate(f"second {model}")
        reading.until(b"[DONE]")


def test_a_silent_model_holds_the_request_until_the_first_heartbeat(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("silent", openai_wire.answer(Hang()))
    with host.sending("hasty", "/tuple?model=silent", method="GET") as reading:
        assert reading.response().status == 202
        assert "silent" in teardowns(host)


def test_a_whole_answer_holds_the_request_to_its_end(host: MountedHost, upstream: Upstream) -> None:
    for kind in KINDS:
        model = f"whole-{kind}"
        upstream.answer(model, openai_wire.answer("one", Gate(model), "two"))
        body = {"model": f"openai/{model}", "messages": QUESTION, "stream": False}
        with host.sending(kind, f"/api/chat?model={model}", body) as reading:
            upstream.wait_for(lambda model=model: upstream.requests(model)[0].at_gate)
            assert (model in teardowns(host)) == (kind == "late")
            upstream.open_gate(model)
            assert b"onetwo" in reading.until(b"onetwo")


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_has_the_request_s_context_as_long_as_it_runs(kind: str, host: MountedHost) -> None:
    model = f"context-{kind}"
    assert get(host, kind, "/context", model).text == f"ada {model} ada"
    assert get(host, kind, "/copied", model).text == model
    assert "Traceback" not in host.log()


def teardowns(host: MountedHost) -> list[str]:
    return send(host.url + "/teardowns", method="GET").json
