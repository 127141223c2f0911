"""The kinds of runs in a response, of text and of reasoning, and how the frames of each are named. Values only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .output_items import reasoning_part, refusal_part, summary_part, text_part
from .request_echo import Json


class RunFormat(NamedTuple):
    """How a run of text or of reasoning is encoded.

    Args:
        part: The prefix of the names of part frames.
        text: The prefix of the names of text frames.
        part_fields: Fields of all frames that locate the part.
        text_fields: Further fields of text frames.
        part_object: Returns the part object of a text.
        whole_field: The field with the whole text, in the last text frame.
    """

    part: str
    text: str
    part_fields: Json
    text_fields: Json
    part_object: Callable[[str], Json]
    whole_field: str = "text"


TEXT_RUN = RunFormat("response.content_part", "response.output_text", {"content_index": 0}, {"logprobs": []}, text_part)
SUMMARY_RUN = RunFormat(
    "response.reasoning_summary_part", "response.reasoning_summary_text", {"summary_index": 0}, {}, summary_part
)
REASONING_RUN = RunFormat("response.content_part", "response.reasoning_text", {"content_index": 0}, {}, reasoning_part)
REFUSAL_RUN = RunFormat(
    "response.content_part", "response.refusal", {"content_index": 0}, {}, refusal_part, whole_field="refusal"
)

RUN_FORMATS = {
    "output_text": TEXT_RUN,
    "refusal": REFUSAL_RUN,
    "summary_text": SUMMARY_RUN,
    "reasoning_text": REASONING_RUN,
}
"""How runs are encoded, by the type of their part."""
