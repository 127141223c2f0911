"""Responses are limited in size and time, also compressed ones; an error status is reported however it is sent."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterator
from functools import lru_cache

import gevent
import httpx2
import pytest

from flask_headrace.core.errors import UpstreamError, UpstreamProtocolError, UpstreamStatusError
from flask_headrace.core.events import TextDelta
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.http import exchange
from flask_headrace.providers.http.exchange import MAX_BUFFERED_BODY_BYTES, MAX_ERROR_BODY_BYTES
from flask_headrace.providers.http.sdk_errors import MAX_LISTED_MODELS
from flask_headrace.providers.http.transport import Transport
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.server import Address
from tests.providers.http.requests import ask
from tests.support.event_loop import until
from tests.support.upstream import (
    Chunk,
    HalfHead,
    Hang,
    Head,
    Paced,
    Script,
    Upstream,
    anthropic_wire,
    openai_wire,
    plain,
    script,
)

LARGE = 64 * 1024 * 1024
"""Size of a body that compresses to a thousandth."""

QUESTION = ChatRequest("m", (Message("user", "hi"),))
DRIP = Paced(Chunk(b" "), per_second=50)
"""An endless body of single bytes with pauses."""


def packed(status: int, body: bytes, coding: str = "gzip", kind: str = "application/json") -> Script:
    return script(Head(status, (("content-type", kind), ("content-encoding", coding))), Chunk(body, last=True))


@lru_cache
def bomb(size: int, status: int = 200) -> Script:
    packer = zlib.compressobj(9, wbits=31)
    body = b"".join([packer.compress(b'{"data": ['), *(packer.compress(b" " * 65536) for _ in range(size // 65536))])
    return packed(status, body + packer.flush())


@pytest.fixture(params=["openai", "anthropic"])
def provider(request, own_upstream: Upstream) -> OpenAIChat | AnthropicMessages:
    made = (
        OpenAIChat("acme", lambda: Address(own_upstream.url + "/v1", "sk-test-0123"))
        if request.param == "openai"
        else AnthropicMessages("acme", base_url=own_upstream.url, api_key="sk-test-0123")
    )
    made.preload()  # else its import would be counted as ours
    return made


def wire_of(provider: OpenAIChat | AnthropicMessages):
    return openai_wire if isinstance(provider, OpenAIChat) else anthropic_wire


def refusal_of(provider) -> UpstreamError:
    with gevent.Timeout(30), pytest.raises(UpstreamError) as raised:
        list(provider.stream(QUESTION))
    return raised.value


@pytest.fixture
def memory() -> Iterator[None]:
    """Make a test fail if it allocates more than 40 MiB."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()


class TestNothingCompressed:
    def test_is_asked_for_whatever_an_sdk_would_like(self, own_upstream: Upstream, transport: Transport) -> None:
        own_upstream.answer("m", openai_wire.answer("Hel"))
        ask(transport, own_upstream.url, "m").close()
        assert own_upstream.requests("m")[0].headers["accept-encoding"] == "identity"

    def test_is_asked_for_with_a_question_or_for_a_list(self, own_upstream: Upstream, provider) -> None:
        for name, job in (("m", lambda: list(provider.stream(QUESTION))), ("GET /v1/models", provider.models)):
            own_upstream.answer(name, packed(200, gzip.compress(b'{"data": []}')))
            try:
                job()
            except UpstreamProtocolError:
                assert name == "m"  # JSON is no event stream
            assert own_upstream.requests(name)[0].headers["accept-encoding"] == "identity"


class TestARefusal:
    @pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
    def test_that_comes_compressed_is_told(self, own_upstream: Upstream, provider, coding, pack) -> None:
        own_upstream.answer("m", packed(422, pack(b'{"error": {"message": "no such thing"}}'), coding))
        error = refusal_of(provider)
        assert isinstance(error, UpstreamStatusError)
        assert (error.status, error.message.rpartition(": ")[2]) == (422, "no such thing")

    @pytest.mark.parametrize(
        "body", [b"\x1f\x8bno", gzip.compress(b'{"error": ')[:-9], b"\x8b\x0f\x80hello\x03"], ids=["no", "half", "br"]
    )
    @pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip"])
    def test_that_cannot_be_unpacked_is_one_all_the_same(self, own_upstream, provider, body, coding) -> None:
        own_upstream.answer("m", packed(429, body, coding))
        assert (refusal_of(provider).status, refusal_of(provider).code) == (429, "rate_limited")

    def test_that_would_fill_the_memory_is_read_no_further(self, own_upstream: Upstream, provider, memory) -> None:
        own_upstream.answer("m", bomb(LARGE, 503))
        assert refusal_of(provider).code == "upstream_failed"
        until(lambda: own_upstream.requests("m")[0].closed)

    @pytest.mark.parametrize("rest", [DRIP, Hang()], ids=["drips", "hangs"])
    def test_whose_body_never_ends_is_told_soon(self, own_upstream, provider, monkeypatch, rest) -> None:
        monkeypatch.setattr(exchange, "ERROR_BODY_TIMEOUT", 0.1)
        own_upstream.answer("m", script(Head(401), Chunk(b'{"error": '), rest))
        assert refusal_of(provider).status == 401
        until(lambda: own_upstream.requests("m")[0].closed)


class TestAList:
    NAME = "GET /v1/models"

    def test_that_comes_compressed_is_read(self, own_upstream: Upstream, provider) -> None:
        own_upstream.answer(self.NAME, packed(200, gzip.compress(json.dumps({"data": [{"id": "tiny"}]}).encode())))
        assert provider.models() == ["tiny"]

    def test_that_would_fill_the_memory_is_read_no_further(self, own_upstream, provider, memory) -> None:
        own_upstream.answer(self.NAME, bomb(LARGE))
        with pytest.raises(UpstreamProtocolError, match=f"more than {MAX_BUFFERED_BODY_BYTES} bytes"):
            provider.models()

    def test_of_more_models_than_anybody_has_is_cut(self, own_upstream, provider, caplog) -> None:
        own_upstream.answer(
            self.NAME, plain.json_body({"data": [{"id": f"m{n:05}"} for n in range(MAX_LISTED_MODELS + 5)]})
        )
        assert len(provider.models()) == MAX_LISTED_MODELS
        assert (
            f"acme lists {MAX_LISTED_MODELS + 5} models: only the first {MAX_LISTED_MODELS} of them are used"
            in caplog.text
        )

    def test_in_a_coding_that_is_not_known_here_is_refused_by_its_name(self, own_upstream, provider) -> None:
        own_upstream.answer(self.NAME, packed(200, b"\x8b\x0f\x80hello\x03", "br"))
        with pytest.raises(UpstreamProtocolError, match="encoded as br"):
            provider.models()

    @pytest.mark.parametrize("head", [Head(), HalfHead()], ids=["body", "head"])
    def test_that_comes_byte_by_byte_has_one_limit_for_all_of_them(self, own_upstream, transport, head) -> None:
        own_upstream.answer("m", script(head, DRIP))
        with gevent.Timeout(5), pytest.raises(httpx2.ReadTimeout, match=r"within 0\.2 s"):
            ask(transport, own_upstream.url, "m", read=0.2).read()
        until(lambda: own_upstream.requests("m")[0].closed)


class TestAStream:
    def test_that_comes_compressed_is_read_as_it_comes(self, own_upstream: Upstream, provider) -> None:
        answer = wire_of(provider).answer("Hel", "lo")
        packer = zlib.compressobj(wbits=31)
        chunks = [
            Chunk(packer.compress(step.data) + packer.flush(zlib.Z_SYNC_FLUSH))
            for step in answer.steps
            if isinstance(step, Chunk)
        ]
        head = Head(headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip")))
        own_upstream.answer("m", script(head, *chunks, Chunk(packer.flush(), last=True)))
        events = [event for batch in provider.stream(QUESTION) for event in batch]
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello"

    def test_of_comments_that_unpack_without_end_lets_others_run(self, own_upstream, provider, monkeypatch) -> None:
        head = Head(headers=(("content-type", "text/event-stream"), ("content-encoding", "gzip")))
        own_upstream.answer("m", script(head, Chunk(gzip.compress(b": hm\n\n" * 200_000), last=True)))
        turn, turns = 0, []

        def count() -> None:
            nonlocal turn
            while True:
                turn += 1
                gevent.sleep(0)

        read = exchange.HTTPExchange.read
        monkeypatch.setattr(exchange.HTTPExchange, "read", lambda self: turns.append(turn) or read(self))
        counting = gevent.spawn(count)
        with pytest.raises(UpstreamProtocolError):
            list(provider.stream(QUESTION))
        counting.kill()
        assert len(set(turns)) == len(turns) > 200_000 * 6 / 65536


def test_what_is_read_of_a_refusal_is_counted_as_it_is_unpacked(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", bomb(LARGE, 500))
    assert len(ask(transport, own_upstream.url, "m").read()) <= MAX_ERROR_BODY_BYTES + 65536
