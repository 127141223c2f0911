"""The decoder of event streams, after section 9.2 of the HTML standard.

The classes are named after the vectors of web-platform-tests (eventsource/format-*), whose bytes they feed.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.core.sse import EventTooLargeError, ServerSentEvent, SSEDecoder, encode_event
from tests.support.effort import effort_of_steps


def decode(*pieces: bytes) -> list[ServerSentEvent]:
    """Feed the pieces to a new decoder."""
    decoder = SSEDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)]


def data(*pieces: bytes) -> list[bytes]:
    return [frame.data for frame in decode(*pieces)]


def one_by_one(whole: bytes) -> list[bytes]:
    return [whole[at : at + 1] for at in range(len(whole))]


class TestFormatComments:
    def test_are_skipped_also_between_the_lines_of_a_frame(self) -> None:
        long = b"x" * 2049
        stream = b"data:1\r:\0\n:\r\ndata:2\n:%b\rdata:3\n:data:fail\r:%b\ndata:4\n\n" % (long, long)
        assert data(stream) == [b"1\n2\n3\n4"]

    def test_by_themselves_are_no_frame(self) -> None:
        assert decode(b": keep-alive\n\n: keep-alive\n\n") == []

    def test_that_end_at_one_newline_leave_the_next_frame_whole(self) -> None:
        assert data(b": keep-alive\n", b"data: 1\n\n") == [b"1"]


class TestFormatBom:
    def test_one_at_the_start_is_dropped_and_a_later_one_is_not(self) -> None:
        assert data(b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n") == [b"1", b"3"]

    def test_of_two_at_the_start_one_is_dropped(self) -> None:
        assert data(b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n") == [b"2", b"3"]

    def test_may_come_in_pieces(self) -> None:
        assert data(b"\xef", b"\xbb", b"", b"\xbfdata:1\n\n") == [b"1"]

    def test_bytes_that_only_begin_like_one_stay(self) -> None:
        assert decode(b"\xef", b"\xbbdata:1\n\ndata:2\n\n") == [ServerSentEvent(b"message", b"2")]


class TestFormatNewlines:
    def test_may_all_be_mixed(self) -> None:
        assert data(b"data:test\r\ndata\ndata:test\r\n\r") == [b"test\n\ntest"]

    @pytest.mark.parametrize(
        "both", [b"\n\n", b"\n\r", b"\n\r\n", b"\r\r", b"\r\r\n", b"\r\n\n", b"\r\n\r", b"\r\n\r\n"]
    )
    def test_any_two_of_them_dispatch(self, both: bytes) -> None:
        assert data(b"data:1" + both + b"data:2\n\n") == [b"1", b"2"]

    def test_a_pair_cut_in_the_middle_is_one_line_end(self) -> None:
        assert data(b"data:1\r", b"\ndata:2\r", b"\n\r", b"\ndata:3\r\n\r\n") == [b"1\n2", b"3"]

    def test_a_newline_that_follows_no_return_counts_also_where_its_piece_holds_one(self) -> None:
        assert data(b"data:1", b"\n\r", b"data:2\n\n") == [b"1", b"2"]

    def test_a_pair_cut_by_an_empty_piece_is_one_line_end(self) -> None:
        assert data(b"data:1\r", b"", b"\ndata:2\n\n") == [b"1\n2"]

    @pytest.mark.parametrize("end", [b"\r\r", b"\n\r", b"\r\n\r"])
    def test_a_return_at_the_end_dispatches_without_waiting_for_a_newline(self, end: bytes) -> None:
        decoder = SSEDecoder()
        assert [frame.data for frame in decoder.feed(b"data:1" + end)] == [b"1"]
        assert [frame.data for frame in decoder.feed(b"\ndata:2\n\n")] == [b"2"]

    @pytest.mark.parametrize("other", ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c"])
    def test_no_other_character_ends_a_line(self, other: str) -> None:
        assert data(f"data: a{other}b\n\n".encode()) == [f"a{other}b".encode()]


class TestFormatDataBeforeFinalEmptyLine:
    def test_is_not_dispatched(self) -> None:
        assert data(b"retry:1000\ndata:test1\n\nid:test\ndata:test2") == [b"test1"]

    def test_is_not_dispatched_after_one_line_end_either(self) -> None:
        assert data(b"data:test1\n\ndata:test2\n") == [b"test1"]


class TestFormatFieldParsing:
    def test_takes_the_name_to_the_letter(self) -> None:
        stream = (
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\n"
            b"da-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n"
        )
        assert data(stream) == [b"\0\n 2\n1\n3\n\n4"]

    def test_of_data_without_a_colon_gives_an_empty_line(self) -> None:
        assert data(b"data:\n\ndata\ndata\n\ndata:test\n\n") == [b"", b"\n", b"test"]

    def test_leaves_later_colons_in_the_value(self) -> None:
        assert data(b"data: a: b\n\n") == [b"a: b"]


class TestFormatLeadingSpace:
    def test_one_is_dropped_and_a_tab_is_not(self) -> None:
        assert data(b"data:\ttest\rdata: \ndata:test\n\n") == [b"\ttest\n\ntest"]

    def test_of_two_one_stays(self) -> None:
        assert data(b"data:  x\n\n") == [b" x"]


class TestFormatFieldEvent:
    def test_names_its_own_frame_only(self) -> None:
        assert decode(b"event:test\ndata:x\n\ndata:x\n\n") == [
            ServerSentEvent(b"test", b"x"),
            ServerSentEvent(b"message", b"x"),
        ]

    def test_empty_means_message(self) -> None:
        assert decode(b"event: \ndata:data\n\n") == [ServerSentEvent(b"message", b"data")]

    def test_given_twice_counts_the_last_time(self) -> None:
        assert decode(b"event: a\nevent: b\ndata: x\n\n") == [ServerSentEvent(b"b", b"x")]

    def test_without_data_is_no_frame(self) -> None:
        assert decode(b"event: ping\n\n") == []


class TestFormatFieldUnknown:
    def test_is_skipped(self) -> None:
        stream = b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n"
        assert data(stream) == [b"test\n\ntest"]

    def test_id_and_retry_are_skipped_too(self) -> None:
        assert data(b"id: 7\nretry: 3000\ndata: x\n\n") == [b"x"]


class TestFormatNullCharacter:
    def test_is_data_like_any_other(self) -> None:
        assert data(b"data:\0\n\n\n\n") == [b"\0"]


class TestFormatUtf8:
    def test_passes_whole_however_it_is_cut(self) -> None:
        stream = "data:ok…🌊\n\n".encode()
        assert data(stream) == data(*one_by_one(stream)) == ["ok…🌊".encode()]


class TestCuts:
    tokens = st.sampled_from(
        [
            b"data:",
            b"data: ",
            b"event: ",
            b"id: 7",
            b": c",
            b"x",
            b"{}",
            b"error: ",
            b"\n",
            b"\n\n",
            b"\r",
            b"\r\n",
            b"\xef\xbb\xbf",
            b"\0",
        ]
    )
    streams = st.lists(tokens | st.binary(max_size=4), max_size=40).map(b"".join)

    @given(streams, st.data())
    def test_anywhere_give_the_same_frames(self, stream: bytes, draw: st.DataObject) -> None:
        places = sorted(draw.draw(st.lists(st.integers(0, len(stream)))))
        edges = [0, *places, len(stream)]
        assert decode(*(stream[a:b] for a, b in pairwise(edges))) == decode(stream)

    @given(streams)
    def test_everywhere_give_the_same_frames(self, stream: bytes) -> None:
        assert decode(*one_by_one(stream)) == decode(stream)

    @given(streams)
    def test_give_what_reading_line_by_line_gives(self, stream: bytes) -> None:
        assert decode(stream) == line_by_line(stream)

    def test_a_frame_may_come_in_a_thousand_pieces(self) -> None:
        body = b"".join(b"%04d" % n for n in range(1000))
        pieces = [b"data: ", *(body[at : at + 4] for at in range(0, 4000, 4)), b"\n\n"]
        assert data(*pieces) == [body]


def line_by_line(stream: bytes) -> list[ServerSentEvent]:
    """Decode a complete stream exactly as the standard says, and also accept errors without a field."""
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    frames, event, held = [], b"", []
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if held:
                frames.append(ServerSentEvent(event or b"message", b"\n".join(held)))
            event, held = b"", []
        elif name == b"event":
            event = value
        elif name == b"data":
            held.append(value)
        elif line.startswith(b"{"):
            held.append(line)
        elif name == b"error":
            held.append(b'{"error":%b}' % line.partition(b":")[2])
    return frames


class TestBound:
    def test_a_frame_over_it_is_refused(self) -> None:
        decoder = SSEDecoder(max_event_bytes=100)
        decoder.feed(b"data: " + b"x" * 94)
        with pytest.raises(EventTooLargeError, match="100 bytes"):
            decoder.feed(b"x")

    def test_a_frame_that_just_fits_is_taken(self) -> None:
        decoder = SSEDecoder(max_event_bytes=100)
        assert decoder.feed(b"data: " + b"x" * 94) == []
        assert decoder.feed(b"\n\n") == [ServerSentEvent(b"message", b"x" * 94)]

    def test_counts_each_frame_anew(self) -> None:
        decoder = SSEDecoder(max_event_bytes=100)
        for _ in range(100):
            assert len(decoder.feed(b"data: " + b"x" * 80) + decoder.feed(b"\n\n")) == 1

    def test_holds_for_lines_without_any_blank_one(self) -> None:
        decoder = SSEDecoder(max_event_bytes=1000)
        for _ in range(100):
            decoder.feed(b": waiting\n")
        with pytest.raises(EventTooLargeError):
            decoder.feed(b"x")

    def test_small_pieces_take_work_in_proportion_to_their_number(self) -> None:
        few, many = (effort_of_steps(partial(feed_pieces, number)) for number in (2_000, 8_000))
        assert many < 6 * few  # 4 in proportion, 16 where each piece was joined to all before it

    def test_small_pieces_take_no_more_memory_than_a_large_one(self) -> None:
        decoder, pieces = SSEDecoder(), 100_000
        tracemalloc.start()
        try:
            for n in range(pieces):
                decoder.feed(b"%05d" % n)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 5 * pieces * 2


def feed_pieces(number: int) -> Iterator[None]:
    """Feed one event in so many pieces, one at each step."""
    decoder = SSEDecoder()
    for _ in range(number):
        decoder.feed(b"12345678")
        yield


def test_named_writes_what_the_decoder_reads() -> None:
    assert encode_event(b"usage", b'{"a":1}') == b'event: usage\ndata: {"a":1}\n\n'
    assert decode(encode_event(b"usage", b'{"a":1}')) == [ServerSentEvent(b"usage", b'{"a":1}')]
