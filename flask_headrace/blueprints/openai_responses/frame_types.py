"""The events of OpenAI's Responses API, for the OpenAPI document. Values only.

A provider of the same API may send events of further types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias, Union

import msgspec

from ...providers.chat_request import Json
from ..openapi.operation import EventStream, Frame, schema_name
from .item_types import OutputItem, OutputPart, SummaryTextPart
from .response_types import ResponseObject

Fields: TypeAlias = Sequence[tuple[str, Any]]

_RESPONSE: Fields = [("response", ResponseObject)]
_ITEM: Fields = [("output_index", int), ("item", OutputItem)]
_PLACE: Fields = [("item_id", str), ("output_index", int)]
_CONTENT: Fields = [*_PLACE, ("content_index", int)]
_SUMMARY: Fields = [*_PLACE, ("summary_index", int)]
_DELTA: Fields = [("delta", str)]
_TEXT: Fields = [("text", str)]
_LOGPROBS: Fields = [("logprobs", list[Json])]

EVENTS: Mapping[str, tuple[str, Fields]] = {
    "response.created": ("The response has begun.", _RESPONSE),
    "response.in_progress": ("The model answers.", _RESPONSE),
    "response.output_item.added": ("An item begins.", _ITEM),
    "response.output_item.done": ("An item is complete.", _ITEM),
    "response.content_part.added": ("A part of an item begins.", [*_CONTENT, ("part", OutputPart)]),
    "response.content_part.done": ("A part of an item is complete.", [*_CONTENT, ("part", OutputPart)]),
    "response.output_text.delta": ("The next piece of a text.", [*_CONTENT, *_LOGPROBS, *_DELTA]),
    "response.output_text.done": ("A text is complete.", [*_CONTENT, *_LOGPROBS, *_TEXT]),
    "response.output_text.annotation.added": (
        "The provider has annotated a text.",
        [*_CONTENT, ("annotation_index", int), ("annotation", Json)],
    ),
    "response.refusal.delta": ("The next piece of a refusal.", [*_CONTENT, *_DELTA]),
    "response.refusal.done": ("A refusal is complete.", [*_CONTENT, ("refusal", str)]),
    "response.reasoning_summary_part.added": ("A summary begins.", [*_SUMMARY, ("part", SummaryTextPart)]),
    "response.reasoning_summary_part.done": ("A summary is complete.", [*_SUMMARY, ("part", SummaryTextPart)]),
    "response.reasoning_summary_text.delta": ("The next piece of a summary.", [*_SUMMARY, *_DELTA]),
    "response.reasoning_summary_text.done": ("The text of a summary is complete.", [*_SUMMARY, *_TEXT]),
    "response.reasoning_text.delta": ("The next piece of the reasoning.", [*_CONTENT, *_DELTA]),
    "response.reasoning_text.done": ("The text of the reasoning is complete.", [*_CONTENT, *_TEXT]),
    "response.function_call_arguments.delta": ("The next piece of a call's arguments.", [*_PLACE, *_DELTA]),
    "response.function_call_arguments.done": (
        "The arguments of a call are complete.",
        [*_PLACE, ("name", str), ("arguments", str)],
    ),
    "response.custom_tool_call_input.delta": ("The next piece of a call's free text.", [*_PLACE, *_DELTA]),
    "response.custom_tool_call_input.done": ("The free text of a call is complete.", [*_PLACE, ("input", str)]),
    "response.completed": ("The response is complete.", _RESPONSE),
    "response.incomplete": ("The response ended at a limit, or by a filter.", _RESPONSE),
    "response.failed": ("The response failed.", _RESPONSE),
}
"""The types of all events, each with a description and the fields beside `type` and `sequence_number`."""


def _event_type(name: str, description: str, fields: Fields) -> type[msgspec.Struct]:
    words = re.split(r"[._]", name)
    return msgspec.defstruct(
        "".join(word.capitalize() for word in [*words, "event"]),
        [*fields, ("sequence_number", int)],
        tag_field="type",
        tag=name,
        frozen=True,
        namespace={"__doc__": description},
    )


RESPONSE_EVENT_TYPES = tuple(_event_type(name, *described) for name, described in EVENTS.items())
"""The types of all events."""

ResponseStreamEvent: Any = Annotated[
    Union[RESPONSE_EVENT_TYPES],  # noqa: UP007  # the members are not known to type checkers
    schema_name("ResponseStreamEvent", None),
]

RESPONSE_STREAM = EventStream(
    "ResponseFrame", (Frame("ResponseFrame", "An event of a response.", (ResponseStreamEvent,), None),)
)
"""The frames of `POST /v1/responses`."""
