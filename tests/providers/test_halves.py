"""Characters that a server has cut in two, in all the places where that can be."""

from __future__ import annotations

import json

import pytest
from flask_headrace.providers.halves import Halves
from flask_headrace.streaming.errors import UpstreamBroken
from flask_headrace.streaming.sse import Frame

CAUSE = ValueError("no JSON")


def mended(*frames: str) -> list[str]:
    halves = Halves()
    return [halves.mended(Frame(b"message", data.encode()), "acme", CAUSE).data.decode() for data in frames]


@pytest.mark.parametrize(
    ("frames", "texts"),
    [
        ([r'"a\ud83c"', r'"\udf0ab"'], ["a", "🌊b"]),
        ([r'"\uD83C"', r'"\uDF0A\ud83c"', r'"\udf0a"'], ["", "🌊", "🌊"]),
        ([r'["a\ud83c","\ud83c"]', r'["\udf0a","\udf0a"]'], [["a", ""], ["🌊", "🌊"]]),
        ([r'"a\ud83cb"'], ["a\ufffdb"]),
        ([r'"\udf0a"'], ["\ufffd"]),
        ([r'"a\ud83c"', r'"b\udf0a"'], ["a", "b\ufffd"]),
        ([r'"\ud83c\ud83c\udf0a"'], ["\ufffd🌊"]),
        ([r'"\\ud83c\"\udf0a"'], ['\\ud83c"\ufffd']),
        ([r'"\\\ud83c"', r'"\udf0a"'], ["\\", "🌊"]),
    ],
)
def test_become_whole(frames: list[str], texts: list) -> None:
    assert [json.loads(data) for data in mended(*frames)] == texts


@pytest.mark.parametrize("data", ['"a', r'"\\ud83c"', r'{"a":"\ud83c\udf0a"', '"\xff"', r'"\u12"'])
def test_that_are_whole_leave_a_frame_unreadable_for_its_own_reason(data: str) -> None:
    with pytest.raises(UpstreamBroken, match="no JSON"):
        mended(data)
