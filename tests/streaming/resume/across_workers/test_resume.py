"""A stream is resumed after any event, on any worker: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import re
import threading

import pytest

from tests.streaming.resume.across_workers.stage import (
    WORDS,
    Pair,
    Steady,
    beyond,
    check_whole,
    frames,
    gated,
    numbers,
    read,
    stream_id,
)
from tests.support.reader import Reading
from tests.support.upstream import Burst, Ended, Gate, Paced, Upstream, openai_wire

SETTINGS = {"HEADRACE_RESUME_GRACE": "20"}


def test_the_frames_of_a_resumable_stream_are_numbered_without_a_gap(pair: Pair, upstream: Upstream) -> None:
    upstream.answer("numbered", openai_wire.answer("a", "b", "c"))
    reading = pair.ask(0, "numbered")
    id_ = stream_id(reading)
    body = read(reading).body
    check_whole(body)
    incarnation = re.match(rb"id: 1(-[0-9a-f]{8})\n", body)[1]
    unmarked = body.replace(incarnation + b"\n", b"\n")
    assert unmarked.startswith(b'id: 1\nevent: start\ndata: {"id":"' + id_.encode())
    assert b'\n\nid: 2\ndata: {"delta":"a"}\n\nid: 3\ndata: {"delta":"b"}\n\n' in unmarked
    assert numbers(body) == [1, 2, 3, 4, 5, 6]
    assert len(id_) >= 22  # 128 bits


@pytest.mark.parametrize("worker", [0, 1], ids=["the same worker", "another worker"])
@pytest.mark.parametrize("after", [None, 0, 1, 7, 20, 21])
def test_the_rest_of_a_stream_is_byte_for_byte_what_a_reader_has_who_never_left(
    pair: Pair, upstream: Upstream, worker: int, after: int | None
) -> None:
    name = f"rest {worker} {after} {pair.services[0].port}"
    upstream.answer(name, gated(name))
    never_left = Steady(pair.ask(0, name))
    never_left.has(b"word 19 ")
    id_ = never_left.id
    by_header = Steady(pair.follow(worker, id_, after))
    by_query = Steady(pair.follow(worker, id_, query=f"?last_event_id={after or ''}"))
    for reader in (by_header, by_query) if (after or 0) < 21 else ():
        reader.has(b"word 19 ")
    upstream.open_gate(name)
    whole = never_left.read()
    check_whole(whole)
    assert len(numbers(whole)) == 43
    for reader in (by_header, by_query):
        assert frames(reader.read()) == beyond(whole, after or 0)
    assert read(pair.follow(worker, id_, after)).body == beyond(whole, after or 0)
    assert len(upstream.requests(name)) == 1


def test_the_header_goes_before_the_query_as_eventsource_needs_it(pair: Pair, upstream: Upstream) -> None:
    upstream.answer("both", openai_wire.answer("a", "b"))
    reading = pair.ask(0, "both")
    id_ = stream_id(reading)
    whole = read(reading).body
    assert read(pair.follow(1, id_, 3, query="?last_event_id=1")).body == beyond(whole, 3)


@pytest.mark.parametrize("worker", [0, 1])
def test_any_number_of_readers_have_the_same_at_once(pair: Pair, upstream: Upstream, worker: int) -> None:
    name = f"many {worker} {pair.services[0].port}"
    upstream.answer(name, gated(f"{name} 1", f"{name} 2"))
    first = Steady(pair.ask(0, name))
    id_ = first.id
    early = [Steady(pair.follow(worker, id_)) for _ in range(4)]
    upstream.open_gate(f"{name} 1")
    first.has(b"id: 41-")
    late = [Steady(pair.follow(worker, id_)) for _ in range(4)]
    upstream.open_gate(f"{name} 2")
    whole = first.read()
    check_whole(whole)
    for reader in (*early, *late):
        assert reader.read() == whole


def test_readers_that_drop_and_come_back_anywhere_lose_nothing_and_get_nothing_twice(
    pair: Pair, upstream: Upstream
) -> None:
    name = f"dropping {pair.services[0].port}"
    upstream.answer(name, openai_wire.answer(Paced(WORDS, per_second=150, count=450)))
    never_left = Steady(pair.ask(0, name))
    id_ = never_left.id
    got: list[bytes] = []
    readers = [threading.Thread(target=lambda n=n: got.append(dropping(pair, id_, n))) for n in range(100)]
    for reader in readers:
        reader.start()
    whole = never_left.read()
    for reader in readers:
        reader.join(30)
    check_whole(whole)
    assert len(got) == 100
    assert set(got) == {whole}
    assert len(upstream.requests(name)) == 1


def dropping(pair: Pair, id_: str, seed: int) -> bytes:
    """Read a stream in pieces, leaving in the middle of frames at random, and return the frames that came whole."""
    chance = random.Random(seed)
    body, last = b"", 0
    while b"data: [DONE]" not in body:
        most = chance.randrange(1, 6000)
        # Which worker takes it is left to chance, as it is in life.
        service = pair.service(chance.randrange(2))
        headers = {"Last-Event-ID": str(last)} if last else {}
        got = b""
        with Reading(f"{service.url}/api/streams/{id_}", method="GET", headers=headers) as reading:
            for data in reading.chunks():
                got += data
                if len(got) >= most:
                    break
            if chance.random() < 0.5:
                reading.reset()
        whole, blank, _ = got[:most].rpartition(b"\n\n")
        body += beyond(whole + blank)
        last = max([last, *numbers(whole)])
    return body


class TestCursor:
    @pytest.mark.parametrize(
        "cursor", ["x", "-1", "1.5", "1e3", "0x10", "१", "7-", "7-3F9A0C1E", "7-3f9a", "99999999999999999999"]
    )
    def test_that_is_no_number_is_refused_before_any_byte(self, pair: Pair, upstream: Upstream, cursor: str) -> None:
        upstream.answer("cursor", openai_wire.answer("a"))
        reading = pair.ask(0, "cursor")
        id_ = stream_id(reading)
        read(reading)
        answer = read(pair.follow(0, id_, query="?last_event_id=" + "".join(f"%{b:02x}" for b in cursor.encode())))
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")

    @pytest.mark.parametrize("worker", [0, 1])
    def test_beyond_the_end_is_refused(self, pair: Pair, upstream: Upstream, worker: int) -> None:
        name = f"beyond {worker} {pair.services[0].port}"
        upstream.answer(name, gated(name))
        reading = Steady(pair.ask(0, name))
        id_ = reading.id
        reading.has(b"word 19 ")
        # Elsewhere it may be an event that is still on its way into the store.
        answer = read(pair.follow(worker, id_, 22))
        expected = (400, "invalid_request") if worker == 0 else (503, "store_unavailable")
        assert (answer.status, answer.error["code"]) == expected
        upstream.open_gate(name)
        reading.read()
        answer = read(pair.follow(worker, id_, 44))
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")

    @pytest.mark.parametrize("worker", [0, 1])
    def test_at_the_end_of_what_has_ended_is_204_and_nothing(self, pair: Pair, upstream: Upstream, worker: int) -> None:
        upstream.answer("over", openai_wire.answer("a"))
        reading = pair.ask(0, "over")
        id_ = stream_id(reading)
        last = numbers(read(reading).body)[-1]
        answer = read(pair.follow(worker, id_, last))
        assert (answer.status, answer.body) == (204, b"")


class TestUnknownStream:
    @pytest.mark.parametrize("id_", ["no-such-stream-at-all", "%00", "%ff", "a%20b", "x" * 3000])
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_is_404(self, pair: Pair, id_: str, method: str) -> None:
        answer = read(pair.reading(0, f"/api/streams/{id_}", method=method))
        assert (answer.status, answer.error["code"]) == (404, "stream_not_found")

    def test_is_what_a_plain_stream_is(self, pair: Pair, upstream: Upstream) -> None:
        upstream.answer("plain", gated("plain"))
        reading = Steady(pair.ask(0, "plain", resumable=False))
        id_ = reading.id
        for worker in (0, 1):
            assert read(pair.follow(worker, id_)).status == 404
            assert pair.stop(worker, id_).status == 404
        upstream.open_gate("plain")
        assert b"id: " not in reading.read().replace(b'"id"', b"")


class TestSameId:
    def test_at_the_same_moment_on_both_workers_asks_the_model_once(self, pair: Pair, upstream: Upstream) -> None:
        for round_ in range(6):
            name = f"same {round_} {pair.services[0].port}"
            upstream.answer(name, gated(name))
            readers: list[Steady] = []

            def begin(worker: int, name: str = name, readers: list[Steady] = readers) -> None:
                readers.append(Steady(Reading(pair.service(worker).url + "/api/chat", question(name))))

            asking = [threading.Thread(target=begin, args=[number % 2]) for number in range(4)]
            for one in asking:
                one.start()
            for one in asking:
                one.join(10)
            upstream.wait_for(lambda name=name: upstream.requests(name)[0].at_gate)
            upstream.open_gate(name)
            bodies = {reader.read() for reader in readers}
            assert len(bodies) == 1
            check_whole(bodies.pop())
            assert len(upstream.requests(name)) == 1

    @pytest.mark.parametrize("worker", [0, 1])
    def test_follows_the_first_from_its_beginning_also_after_its_end(
        self, pair: Pair, upstream: Upstream, worker: int
    ) -> None:
        name = f"again {worker} {pair.services[0].port}"
        upstream.answer(name, gated(name))
        own = {"id": f"chosen-by-client-{worker}"}
        first = Steady(pair.ask(0, name, **own))
        first.has(b"word 19 ")
        second = Steady(pair.ask(worker, name, **own))
        second.has(b"word 19 ")
        upstream.open_gate(name)
        assert first.read() == second.read() == read(pair.ask(worker, name, **own)).body
        assert len(upstream.requests(name)) == 1

    @pytest.mark.parametrize("worker", [0, 1])
    def test_with_another_body_is_409(self, pair: Pair, upstream: Upstream, worker: int) -> None:
        upstream.answer("other body", openai_wire.answer("a"))
        own = {"id": f"with-another-body-{worker}"}
        read(pair.ask(0, "other body", **own))
        answer = read(pair.ask(worker, "other body", **own, temperature=1))
        assert (answer.status, answer.error["code"]) == (409, "stream_conflict")

    @pytest.mark.parametrize("id_", ["short", "x" * 65, "with spaces in it, yes", "../../../../etc/passwd", ""])
    def test_that_is_not_as_it_should_be_is_400(self, pair: Pair, id_: str) -> None:
        answer = read(pair.ask(0, "x", id=id_))
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")

    def test_without_resumable_is_400(self, pair: Pair) -> None:
        answer = read(pair.ask(0, "x", id="chosen-by-the-client", resumable=False))
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")


def question(name: str) -> dict[str, object]:
    messages = [{"role": "user", "content": "hi"}]
    return {"model": f"openai/{name}", "messages": messages, "resumable": True, "id": f"id-of-{name}".replace(" ", "_")}


class TestWhole:
    @pytest.mark.parametrize("worker", [0, 1])
    def test_answer_can_be_had_again_as_one_object(self, pair: Pair, upstream: Upstream, worker: int) -> None:
        name = f"whole {worker} {pair.services[0].port}"
        upstream.answer(name, openai_wire.answer("one ", "two"))
        own = {"id": f"a-whole-answer-{worker}", "stream": False}
        first = read(pair.ask(0, name, **own))
        assert first.json["text"] == "one two"
        again = read(pair.ask(worker, name, **own))
        assert again.json == first.json
        assert first.json["id"] == own["id"]
        assert b'"one "' in read(pair.follow(worker, own["id"])).body
        assert len(upstream.requests(name)) == 1

    @pytest.mark.parametrize("worker", [0, 1])
    def test_answer_that_was_stopped_is_409_for_all(self, pair: Pair, upstream: Upstream, worker: int) -> None:
        name = f"stopped {worker} {pair.services[0].port}"
        upstream.answer(name, openai_wire.answer(Burst(WORDS, 5), Gate(name)))
        own = {"id": f"a-stopped-answer-{worker}", "stream": False}
        first, second = pair.ask(0, name, **own), pair.ask(worker, name, **own)
        upstream.wait_for(lambda: upstream.requests(name)[0].at_gate)
        assert pair.stop(worker, own["id"]).status == 204
        for answer in (read(first), read(second)):
            assert (answer.status, answer.error["code"]) == (409, "cancelled")
        assert upstream.ended(name).ended is Ended.ABORTED
