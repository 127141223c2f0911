"""OpenAI's SDKs ask for background responses, and retrieve, resume, cancel and delete them with their own methods."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from tests.clients.openai_chat.node import Node
from tests.streaming.resume.across_workers.line import Line
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Upstream, anthropic_wire, openai_wire

WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 🌊")


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture
def line(service: Service) -> Iterator[Line]:
    """Return a connection to the service that can be cut."""
    made = Line(service.port)
    yield made
    made.close()


class CutsAtFirst:
    """Stands in for `print`: at the first text it cuts the connections, and lets the answer go on."""

    def __init__(self, line: Line, upstream: Upstream, gate: str) -> None:
        self._line, self._upstream, self._gate = line, upstream, gate
        self.texts: list[str] = []

    def __call__(self, text: str, **_: object) -> None:
        self.texts.append(text)
        if len(self.texts) == 1:
            self._line.cut()
            self._upstream.open_gate(self._gate)


def test_asks_now_and_reads_later(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("in the background", openai_wire.answer(*TEXT))
    base_url, model = service.url + "/v1", "openai/in the background"
    # docs: OpenAI SDK (Python), background
    import time

    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key="any")
    response = client.responses.create(model=model, input="hi", background=True)
    while response.status in {"queued", "in_progress"}:
        time.sleep(1)
        response = client.responses.retrieve(response.id)
    print(response.output_text)
    client.responses.delete(response.id)  # or wait: it expires
    # end docs
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    client.close()
    assert capsys.readouterr().out == "".join(TEXT) + "\n"


def test_resumes_a_stream_that_broke_off(service: Service, upstream: Upstream, line: Line) -> None:
    upstream.answer("cut off", openai_wire.answer(*TEXT[:2], Gate("cut off"), *TEXT[2:]))
    base_url, model = line.url + "/v1", "openai/cut off"
    print = CutsAtFirst(line, upstream, "cut off")  # noqa: A001
    # docs: OpenAI SDK (Python), resuming
    from openai import APIConnectionError, OpenAI

    client = OpenAI(base_url=base_url, api_key="any")
    stream = client.responses.create(model=model, input="hi", background=True, stream=True)
    while True:
        try:
            for event in stream:
                seen = event.sequence_number
                if event.type == "response.created":
                    response_id = event.response.id
                elif event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
            break
        except APIConnectionError:
            stream = client.responses.retrieve(response_id, stream=True, starting_after=seen)
    # end docs
    client.close()
    assert print.texts == list(TEXT)
    assert len(upstream.requests("cut off")) == 1


class TestPython:
    @WIRES
    def test_retrieves_what_grows(self, client: OpenAI, upstream: Upstream, provider, wire) -> None:
        name = f"growing {provider}"
        upstream.answer(name, wire.answer("one ", Gate(name), "two"))
        begun = client.responses.create(model=f"{provider}/{name}", input="hi", background=True)
        assert (begun.status, begun.background, begun.output_text) == ("queued", True, "")
        stream = client.responses.retrieve(begun.id, stream=True)
        assert next(event for event in stream if event.type == "response.output_text.delta").delta == "one "
        stream.close()
        growing = client.responses.retrieve(begun.id, include=["reasoning.encrypted_content"])
        assert (growing.status, growing.output_text) == ("in_progress", "one ")
        upstream.open_gate(name)
        whole = list(client.responses.retrieve(begun.id, stream=True))
        assert [event.sequence_number for event in whole] == list(range(len(whole)))
        assert client.responses.retrieve(begun.id) == whole[-1].response
        for seen in (0, 5, len(whole) - 2, len(whole) - 1):
            rest = client.responses.retrieve(begun.id, stream=True, starting_after=seen, include_obfuscation=False)
            assert list(rest) == whole[seen + 1 :]

    def test_resumes_with_its_helper(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("helped", openai_wire.answer(*TEXT))
        begun = client.responses.create(model="openai/helped", input="hi", background=True)
        with client.responses.stream(response_id=begun.id, starting_after=4) as stream:
            events = list(stream)
        assert stream.get_final_response().output_text == "".join(TEXT)
        assert events[0].sequence_number == 5

    @WIRES
    def test_cancels(self, client: OpenAI, upstream: Upstream, provider, wire) -> None:
        name = f"cancelled {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        begun = client.responses.create(model=f"{provider}/{name}", input="hi", background=True)
        upstream.wait_for(lambda: upstream.requests(name) and upstream.requests(name)[0].at_gate)
        assert client.responses.cancel(begun.id).status == "cancelled"
        assert client.responses.retrieve(begun.id).status == "cancelled"
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)

    def test_cancels_only_what_is_in_the_background(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("resumable", openai_wire.answer("one"))
        plain = client.responses.create(model="openai/resumable", input="hi")
        with pytest.raises(openai.NotFoundError):
            client.responses.cancel(plain.id)
        resumable = client.responses.create(model="openai/resumable", input="hi", extra_body={"resumable": True})
        with pytest.raises(openai.BadRequestError, match="background: true"):
            client.responses.cancel(resumable.id)
        assert client.responses.retrieve(resumable.id) == resumable

    def test_deletes(self, client: OpenAI, upstream: Upstream) -> None:
        upstream.answer("deleted", openai_wire.answer("one"))
        begun = client.responses.create(model="openai/deleted", input="hi", background=True)
        assert client.responses.delete(begun.id) is None
        with pytest.raises(openai.NotFoundError, match=begun.id):
            client.responses.delete(begun.id)


class TestNode:
    def test_asks_now_and_reads_later(self, node: Node, service: Service, upstream: Upstream) -> None:
        upstream.answer("in node", openai_wire.answer(*TEXT))
        assert node.run("background.mjs", service.url + "/v1", "openai/in node") == "".join(TEXT)

    def test_resumes_a_stream_that_broke_off(self, node: Node, upstream: Upstream, line: Line) -> None:
        upstream.answer("cut node", openai_wire.answer("one ", Gate("cut node"), "two ", "three"))
        with node.start("resuming.mjs", line.url + "/v1", "openai/cut node") as running:
            assert running.stdout.read(4) == "one "
            line.cut()
            upstream.open_gate("cut node")
            assert running.communicate(timeout=60)[0] == "two three"
        assert running.returncode == 0
        assert len(upstream.requests("cut node")) == 1

    def test_retrieves_cancels_and_deletes(self, node: Node, service: Service, upstream: Upstream) -> None:
        upstream.answer("all", openai_wire.answer("one ", Gate("all"), "two"))
        got = node.ask("background", baseURL=service.url + "/v1", body={"model": "openai/all", "input": "hi"})
        assert got["begun"] == "queued"
        assert got["growing"] == {"status": "in_progress", "text": "one "}
        assert got["cancelled"]["status"] == "cancelled"
        assert got["numbers"] == list(range(3, got["numbers"][-1] + 1))
        assert got["types"][-1] == "response.failed"
        assert got["gone"] == 404
        upstream.wait_for(lambda: upstream.requests("all")[0].ended is Ended.ABORTED)
