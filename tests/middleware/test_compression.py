"""Flask-Compress, and compression that an application writes itself: streams pass at once, and no body is cut."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

import brotli
import pytest
from flask_compress.compat import compression

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, Answer
from tests.support.upstream import Gate, Upstream, openai_wire

CODE = """
import gzip
import zlib

from flask_compress import Compress

OPTIONS = {
    "defaults": {},
    "whole": {"COMPRESS_STREAMS": False},
    "events": {"COMPRESS_MIMETYPES": ["text/event-stream", "text/plain", "application/json"], "COMPRESS_MIN_SIZE": 0},
    "gzipped": {"COMPRESS_ALGORITHM_STREAMING": ["gzip"], "COMPRESS_MIN_SIZE": 0},
}


def gzipped_response(response):
    if "gzip" not in request.headers.get("Accept-Encoding", "") or "Content-Encoding" in response.headers:
        return response
    response.set_data(gzip.compress(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = len(response.get_data())
    return response


def careless_response(response):
    response.set_data(gzip.compress(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    return response


def gzipped_pieces(response):
    def pieces(chunks):
        compressor = zlib.compressobj(wbits=31)
        for chunk in chunks:
            yield compressor.compress(chunk) + compressor.flush(zlib.Z_SYNC_FLUSH)
        yield compressor.flush()

    response.response = pieces(response.iter_encoded())
    response.headers.pop("Content-Length", None)  # which every whole response of Flask has
    response.headers["Content-Encoding"] = "gzip"
    return response


def gzipped_application(application):
    def call(environ, start_response):
        def start(status, headers, *rest):
            headers = [header for header in headers if header[0].lower() != "content-length"]
            return start_response(status, [*headers, ("Content-Encoding", "gzip")], *rest)

        pieces = zlib.compressobj(wbits=31)
        for chunk in application(environ, start):
            yield pieces.compress(chunk) + pieces.flush(zlib.Z_SYNC_FLUSH)
        yield pieces.flush()

    return call


for hold in (True, False):
    late = "" if hold else "late-"
    for name, options in OPTIONS.items():
        compressed = mount(late + name, hold_request=hold)
        compressed.config.update(options)
        Compress(compressed)
    mount(late + "handwritten", hold_request=hold).after_request(gzipped_response)
    mount(late + "careless", hold_request=hold).after_request(careless_response)
    mount(late + "pieces", hold_request=hold).after_request(gzipped_pieces)
    mount(late + "wsgi", gzipped_application, hold_request=hold)
"""

EXTENSION = ("defaults", "whole", "events", "gzipped", "handwritten")
HOLDING = ("", "late-")
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": compression.zstd.decompress,
    "deflate": zlib.decompress,
}
TEXT = "one " + "word " * 300


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("compressed"), CODE, upstream) as running:
        yield running


STREAMS = {
    "/api/chat": {"messages": QUESTION},
    "/v1/chat/completions": {"messages": QUESTION, "stream": True},
    "/v1/responses": {"input": "hi", "stream": True},
    "/v1/messages": {"messages": QUESTION, "max_tokens": 9, "stream": True},
    "/ai/chat": {"id": "chat", "messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]},
    "/ai/text": {"messages": QUESTION},
    "/ai/completion": {"prompt": "hi"},
    "/ai/object": {"prompt": "hi", "schema": {"type": "object"}},
    "/ai/v4/chat": {"messages": QUESTION},
}
"""The streams of all protocols: event streams and plain text."""


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize("late", HOLDING)
@pytest.mark.parametrize("name", EXTENSION)
def test_a_stream_is_not_compressed_and_not_held_back(
    name: str, late: str, path: str, host: MountedHost, upstream: Upstream
) -> None:
    model = f"{late}{name}{path}".replace("/", "-")
    words = ('{"a": "one', Gate(model), '"}') if path == "/ai/object" else ("one", Gate(model), "two")
    upstream.answer(model, openai_wire.answer(*words))
    body = {"model": f"openai/{model}", **STREAMS[path]}
    with host.sending(late + name, path, body, headers={"Accept-Encoding": ", ".join(DECODERS)}) as reading:
        headers = {name.lower() for name, _ in reading.response().getheaders()}
        got = reading.until(b"one")
        upstream.open_gate(model)
        got += b"".join(reading.chunks())
    assert not {"content-encoding", "content-length"} & headers
    assert (b'"}' if path == "/ai/object" else b"two") in got


def decoded(answer: Answer) -> Answer:
    coding = answer.headers.get("content-encoding")
    if (length := answer.headers.get("content-length")) is not None:
        assert int(length) == len(answer.body)
    return answer if coding is None else Answer(answer.status, answer.headers, DECODERS[coding](answer.body))


@pytest.mark.parametrize("coding", [*DECODERS, "gzip, deflate, br, zstd", "identity", "*"])
@pytest.mark.parametrize("late", HOLDING)
@pytest.mark.parametrize("name", EXTENSION)
def test_whole_answers_errors_and_lists_are_what_their_headers_say(
    name: str, late: str, coding: str, host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer("long", openai_wire.answer(TEXT))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))
    headers = {"Accept-Encoding": coding}

    def ask(path: str, model: str) -> Answer:
        body = {"model": f"openai/{model}", "messages": QUESTION, "stream": False}
        return decoded(host.send(late + name, path, body, headers=headers))

    assert ask("/api/chat", "long").json["text"] == TEXT
    assert ask("/v1/chat/completions", "long").json["choices"][0]["message"]["content"] == TEXT
    busy = ask("/v1/chat/completions", "busy")
    assert (busy.status, busy.headers["retry-after"]) == (429, "7")
    assert busy.error["code"]
    assert decoded(host.send(late + name, "/api/models", method="GET", headers=headers)).json["models"]
    assert b"html" in decoded(host.send(late + name, "/", method="GET", headers=headers)).body
    assert "Traceback" not in host.log()


@pytest.mark.parametrize("late", HOLDING)
@pytest.mark.parametrize("name", ["careless", "pieces"])
def test_a_compressor_that_takes_everything_compresses_everything(
    name: str, late: str, host: MountedHost, upstream: Upstream
) -> None:
    upstream.answer("long", openai_wire.answer(TEXT))
    upstream.answer("busy", openai_wire.error(429, retry_after=7))
    streamed = decoded(host.ask(late + name, "long"))
    assert (streamed.text, streamed.is_done) == (TEXT, True)
    assert decoded(host.ask(late + name, "long", stream=False)).json["text"] == TEXT
    for fields in ({}, {"stream": False}):
        busy = decoded(host.ask(late + name, "busy", **fields))
        assert (busy.status, busy.headers["retry-after"]) == (429, "7")
        assert busy.error["code"] == "rate_limited"


@pytest.mark.parametrize("late", HOLDING)
@pytest.mark.parametrize("name", ["wsgi", "pieces"])
def test_a_compressor_that_flushes_each_piece_passes_each_on(
    name: str, late: str, host: MountedHost, upstream: Upstream
) -> None:
    model = late + name
    upstream.answer(model, openai_wire.answer("one", Gate(model), "two"))
    with host.asking(model, model) as reading:
        decompressor = zlib.decompressobj(wbits=31)
        got = b""
        for data in reading.chunks():
            got += decompressor.decompress(data)
            if b"one" in got:
                upstream.open_gate(model)
    assert got.endswith(b"data: [DONE]\n\n")
    assert b"two" in got
    assert host.wait_for_end(model) == ["done", "stop"]
