"""Parts that all streams of a process share, used by many threads at once: results never mix."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_headrace.blueprints.ai_sdk.data_stream_v1_encoder import DataStreamV1Encoder
from flask_headrace.blueprints.ai_sdk.ui_message_encoder import UIMessageEncoder
from flask_headrace.blueprints.encoding.base import StreamEncoder
from flask_headrace.blueprints.native import encoder as native_encoder
from flask_headrace.core.events import (
    Completed,
    Event,
    ResponseStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.streaming.resume.event_codec import decode, encode

THREADS = 16


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Let the interpreter switch threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(job: Callable[[int], bool]) -> bool:
    """Return whether a job succeeds in each of many threads at once."""
    with ThreadPoolExecutor(THREADS) as threads:
        return all(threads.map(job, range(THREADS)))


def events_of(number: int) -> list[Event]:
    word = f"word {number} \n ö🌊 " * (1 + number * 40)
    call = [ToolCallStarted(0, f"call-{number}", word), ToolCallDelta(0, f'{{"a": {number}')]
    return [ResponseStarted(str(number), word, "p"), TextDelta(word), *call, Usage(number, 2), Completed("stop")]


def test_events_are_written_and_read_by_many_threads() -> None:
    def is_right(number: int) -> bool:
        events = events_of(number)
        return all(decode(encode(events)) == events for _ in range(150))

    assert in_threads(is_right)


@pytest.mark.parametrize(
    "make_encoder",
    [lambda: native_encoder, lambda: UIMessageEncoder("m"), DataStreamV1Encoder],
    ids=["native", "ui", "data"],
)
def test_frames_are_written_by_many_threads(make_encoder: Callable[[], StreamEncoder]) -> None:
    answers = [[TextDelta(f"word {number} ö🌊 " * (1 + number * 40))] for number in range(THREADS)]
    alone = [make_encoder().encode(events, None) for events in answers]  # type: ignore[arg-type]

    def is_right(number: int) -> bool:
        return all(make_encoder().encode(answers[number], None) == alone[number] for _ in range(150))  # type: ignore[arg-type]

    assert in_threads(is_right)


FIRST_USE = """
import sys, threading
import msgspec

sys.setswitchinterval(1e-6)
for number in range(100):
    inner = msgspec.defstruct("Inner", [("x", int), ("y", list[str])])
    middle = msgspec.defstruct("Middle", [("i", inner), ("j", dict[str, inner])])
    outer = msgspec.defstruct("Outer", [("a", str), ("b", list[middle]), ("c", inner)])
    data = b'{"a":"q","b":[{"i":{"x":1,"y":["a"]},"j":{"k":{"x":2,"y":[]}}}],"c":{"x":3,"y":["z"]}}'
    together = threading.Barrier(8)

    def read():
        together.wait(10)
        assert msgspec.json.decode(data, type=outer).b[0].j["k"].x == 2

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("read")
"""


def test_a_type_may_be_read_first_by_many_threads() -> None:
    """msgspec before 0.23 crashes the process here."""
    run = subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout) == (0, "read\n"), run.stderr
