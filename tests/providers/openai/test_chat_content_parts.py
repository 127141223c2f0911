"""Chat completions whose content is a list of parts: text, reasoning, and parts that are ignored."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.core.events import Completed, ReasoningDelta, TextDelta
from tests.providers.openai.test_chat_decoder import DONE, STOP, decode, frame


def thought(*texts: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text} for text in texts]}


class TestContentInParts:
    """The format of Mistral's reasoning models: https://docs.mistral.ai/capabilities/reasoning."""

    def test_is_reasoning_and_text_in_their_order(self) -> None:
        text = {"type": "text", "text": "Hel"}
        answer = decode(
            frame({"role": "assistant", "content": ""}),
            frame({"content": [thought("so")]}),
            frame({"content": [thought(" it", " is"), text]}),
            frame({"content": "lo"}, "stop"),
            DONE,
        )
        thoughts = [ReasoningDelta(text) for text in ("so", " it", " is")]
        assert answer.events == [*thoughts, TextDelta("Hel"), TextDelta("lo"), Completed("stop")]

    @pytest.mark.parametrize(
        "part",
        [
            {"type": "reference", "reference_ids": [1, "b"]},
            {"type": "image_url", "image_url": {"url": "https://x"}},
            {"type": "novel", "text": {"deep": [1]}, "thinking": 7},
            {"type": "text", "text": None},
            {"type": "text", "text": ""},
            {"type": "thinking", "thinking": []},
            {"type": "thinking", "thinking": [{"type": "reference", "reference_ids": [1]}]},
            {"type": ["text"]},
            {},
            7,
            None,
        ],
        ids=str,
    )
    def test_is_read_without_the_parts_that_nobody_knows(self, part: Any) -> None:
        answer = decode(frame({"content": [part, {"type": "text", "text": "a"}]}), STOP, DONE)
        assert (answer.events, answer.error) == ([TextDelta("a"), Completed("stop")], None)

    def test_may_have_a_thought_as_text(self) -> None:
        assert decode(frame({"content": [{"type": "thinking", "thinking": "hm"}]}), DONE).reasoning == "hm"

    def test_may_be_nothing(self) -> None:
        assert decode(frame({"content": []}), STOP, DONE).events == [Completed("stop")]

    def test_may_cut_a_character_in_half(self) -> None:
        first, second = (frame({"content": [thought(half)]}) for half in ("a<", ">b"))
        answer = decode(first.replace(b"<", rb"\ud83c"), second.replace(b">", rb"\udf0a"), STOP, DONE)
        assert (answer.reasoning, answer.error) == ("a🌊b", None)
