"""Input beyond the grammar that the SSE decoder accepts from upstreams: an unfinished last event, and bare errors."""

from __future__ import annotations

import pytest

from flask_headrace.core.sse import ServerSentEvent, SSEDecoder
from tests.core.test_sse import decode, one_by_one


class TestRest:
    def rest(self, *pieces: bytes) -> ServerSentEvent | None:
        decoder = SSEDecoder()
        assert [frame for piece in pieces for frame in decoder.feed(piece)] == []
        return decoder.flush()

    @pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n", b"\nid: 7", b"\n: c"])
    def test_is_the_frame_that_had_begun_when_the_stream_ended(self, end: bytes) -> None:
        stream = b"event: e\ndata: 1\ndata: 2" + end
        assert self.rest(stream) == self.rest(*one_by_one(stream)) == ServerSentEvent(b"e", b"1\n2")

    @pytest.mark.parametrize("stream", [b"", b"\xef\xbb", b"event: e", b"event: e\n", b"data", b"data:", b": c"])
    def test_is_none_where_nothing_of_its_data_has_come(self, stream: bytes) -> None:
        assert self.rest(stream) is None

    def test_is_none_behind_a_whole_frame(self) -> None:
        decoder = SSEDecoder()
        assert decoder.feed(b"data: 1\n\n") == [ServerSentEvent(b"message", b"1")]
        assert decoder.flush() is None


class TestFailureWithoutAField:
    """An error without an SSE field, as llama.cpp and the error handlers of some gateways write it."""

    def test_that_is_a_bare_object_is_a_frame(self) -> None:
        assert decode(b'data: 1\n\n{"error":{"message":"boom"}}\n\n')[1:] == [
            ServerSentEvent(b"message", b'{"error":{"message":"boom"}}')
        ]

    def test_that_has_its_own_field_is_a_frame_with_the_error_in_it(self) -> None:
        assert decode(b'error: {"code":500}\n\n') == [ServerSentEvent(b"message", b'{"error": {"code":500}}')]
