"""Decoding of a response's bytes to events: edge cases, and the connection after the end of the answer."""

from __future__ import annotations

import sys

import gevent
import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.decoding.sse_stream import MAX_DRAIN_BYTES
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.server import Address
from tests.providers.contract import KEY, ReceivedAnswer
from tests.support.event_loop import until
from tests.support.upstream import (
    FINISH,
    Burst,
    Chunk,
    Flood,
    Gate,
    Hang,
    Head,
    Script,
    Upstream,
    cuts,
    faults,
    openai_wire,
    script,
)

SENT_AHEAD = 16 * 1024 * 1024
"""Bytes that the kernel may buffer of an upstream whose reader reads nothing."""


@pytest.fixture
def provider(own_upstream: Upstream) -> OpenAIChat:
    return OpenAIChat("acme", lambda: Address(own_upstream.url + "/v1", KEY))


def without_end(*then) -> Script:
    """A complete answer whose body continues with `then`."""
    *steps, done = openai_wire.answer("Hello").steps
    return script(*steps, Chunk(done.data), *then)


def receive(upstream: Upstream, provider: OpenAIChat, answer: Script) -> ReceivedAnswer:
    upstream.answer("m", answer)
    with gevent.Timeout(10):
        return ReceivedAnswer(provider)


class TestBehindTheEnd:
    def test_a_body_that_ends_soon_leaves_a_connection_to_use_again(self, own_upstream, provider) -> None:
        own_upstream.answer("m", [without_end(Gate("end"), FINISH), openai_wire.answer("again")])
        first = gevent.spawn(ReceivedAnswer, provider)
        until(lambda: own_upstream.requests("m")[0].at_gate)
        gevent.sleep(0.02)
        own_upstream.open_gate("end")
        assert first.get(timeout=5).text == "Hello"
        assert ReceivedAnswer(provider).text == "again"
        assert own_upstream.connections.accepted == 1

    def test_a_body_that_does_not_end_is_given_up(self, own_upstream, provider) -> None:
        assert receive(own_upstream, provider, without_end(Hang())).text == "Hello"
        until(lambda: own_upstream.requests("m")[0].closed)

    def test_a_body_that_goes_on_and_on_is_not_read(self, own_upstream, provider) -> None:
        flood = Flood(Chunk(b": hm\n\n" * 1000), faults.HUGE)
        assert receive(own_upstream, provider, without_end(flood, Hang())).text == "Hello"
        request = until(lambda: (found := own_upstream.requests("m")[0]).closed and found)
        assert request.bytes_sent < MAX_DRAIN_BYTES + SENT_AHEAD


class TestBadFrame:
    def test_in_one_read_with_good_ones_loses_none_of_them(self, own_upstream, provider) -> None:
        answer = cuts.cut_at(cuts.raw(faults.broken(openai_wire)["invalid JSON"]), [])
        heard = receive(own_upstream, provider, answer)
        assert heard.text == "Hello"
        assert isinstance(heard.error, UpstreamProtocolError)

    def test_over_the_bound_loses_none_of_the_good_ones_before_it(self, own_upstream, provider) -> None:
        heard = receive(own_upstream, provider, faults.broken(openai_wire)["frame without end"])
        assert heard.text == "Hello"
        assert "an event of the upstream has more than" in heard.error.message


class TestResponse:
    def test_in_another_coding_is_refused_by_its_name(self, own_upstream, provider) -> None:
        head = Head(headers=(("content-type", "text/event-stream"), ("content-encoding", "br")))
        heard = receive(own_upstream, provider, script(head, Chunk(b"\x1f\x8b"), Hang()))
        assert isinstance(heard.error, UpstreamProtocolError)
        assert "a body encoded as br" in heard.error.message
        until(lambda: own_upstream.requests("m")[0].closed)

    @pytest.mark.parametrize("kind", ["text/event-stream", "text/event-stream;charset=utf-8", "text/plain", None])
    def test_need_not_say_that_it_is_an_event_stream(self, own_upstream, provider, kind: str | None) -> None:
        head = Head(headers=(("content-type", kind),) if kind else ())
        assert receive(own_upstream, provider, script(head, *openai_wire.answer("Hello").steps[1:])).text == "Hello"

    def test_of_many_frames_in_one_read_is_one_list(self, own_upstream, provider) -> None:
        burst = Burst(openai_wire.text("x"), 50, per_write=50)
        answer = script(openai_wire.HEAD, burst, Gate("read"), openai_wire.ending("stop"), openai_wire.DONE)
        own_upstream.answer("m", answer)
        greenlet = gevent.spawn(ReceivedAnswer, provider)
        until(lambda: own_upstream.requests("m")[0].at_gate)
        gevent.sleep(0.02)
        own_upstream.open_gate("read")
        batches = [batch for batch in greenlet.get(timeout=5).batches if batch]
        assert len(batches) <= 3
        assert sum(len(batch) for batch in batches) == 50 + 1


def test_the_request_is_not_kept_while_the_model_answers(own_upstream: Upstream, provider: OpenAIChat) -> None:
    own_upstream.answer("m", openai_wire.answer("a", Gate("on"), "b"))
    conversation = "a long conversation " * 1000
    batches = provider.stream(ChatRequest("m", (Message("user", conversation),)))
    kept = sys.getrefcount(conversation)
    with gevent.Timeout(10):
        while not next(batches):
            pass
        assert sys.getrefcount(conversation) < kept
        own_upstream.open_gate("on")
        assert [*batches][-1]
