"""The frames of the AI SDK's UI message stream, for the OpenAPI document. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, Union

import msgspec
from msgspec import UNSET, UnsetType

from ...providers.chat_request import Json
from ..openapi.operation import DONE_FRAME, EventStream, Frame, schema_name
from .application_frames import DATA_PREFIX
from .ui_frames import FINISH_REASONS, RESTART_PART_TYPE


class UIRestart(msgspec.Struct, frozen=True):
    """The answer begins again.

    Args:
        reason: Why the previous attempt ended, in a few words.
        model: The id of the model that answers from here on, `provider/name`.
    """

    reason: str
    model: str


Field: TypeAlias = tuple[str, Any] | tuple[str, Any, Any]
Fields: TypeAlias = Sequence[Field]

_ID: Fields = [("id", str)]
_DELTA: Fields = [("id", str), ("delta", str)]
_METADATA: Field = ("messageMetadata", Json)
_SIGNATURE: Field = ("providerMetadata", Json | UnsetType, UNSET)
_SOURCE: Field = ("sourceId", str)
_CALL: Fields = [("toolCallId", str), ("toolName", str)]

FRAMES: Mapping[str, tuple[str, Fields]] = {
    "start": ("The message begins.", [_METADATA, ("messageId", str | UnsetType, UNSET)]),
    "start-step": ("A step begins: the answer to one request to a model.", []),
    "text-start": ("A text begins.", _ID),
    "text-delta": ("The next piece of a text.", _DELTA),
    "text-end": ("A text is complete.", _ID),
    "reasoning-start": ("Reasoning begins.", [*_ID, _SIGNATURE]),
    "reasoning-delta": ("The next piece of the model's reasoning.", _DELTA),
    "reasoning-end": ("Reasoning is complete.", [*_ID, _SIGNATURE]),
    "tool-input-start": ("A tool call begins.", _CALL),
    "tool-input-delta": ("The next piece of a call's arguments.", [("toolCallId", str), ("inputTextDelta", str)]),
    "tool-input-available": ("A tool call is complete.", [*_CALL, ("input", Any)]),
    "tool-input-error": ("A tool call is incomplete.", [*_CALL, ("input", Any), ("errorText", str)]),
    "tool-output-available": (
        "A tool that runs here has returned, or shows how far it is (`preliminary`).",
        [("toolCallId", str), ("output", Any), ("preliminary", bool | UnsetType, UNSET)],
    ),
    "tool-output-error": ("A tool that runs here failed.", [("toolCallId", str), ("errorText", str)]),
    "tool-output-denied": ("A tool did not run, since the user has denied it.", [("toolCallId", str)]),
    "tool-approval-request": (
        "A call of a tool that runs here waits for approval.",
        [("approvalId", str), ("toolCallId", str)],
    ),
    "source-url": (
        "A web page that the answer is based on.",
        [_SOURCE, ("url", str), ("title", str | UnsetType, UNSET)],
    ),
    "source-document": (
        "A document that the answer is based on.",
        [_SOURCE, ("mediaType", str), ("title", str), ("filename", str | UnsetType, UNSET)],
    ),
    "file": ("A file in the answer.", [("mediaType", str), ("url", str)]),
    RESTART_PART_TYPE: ("The step before is void.", [("data", UIRestart)]),
    "reset-step": ("The parts of this step are void.", []),
    "message-metadata": ("Further metadata of the message.", [_METADATA]),
    "finish-step": ("A step is complete.", []),
    "finish": (
        "The message is complete.",
        [("finishReason", Literal[tuple(dict.fromkeys(FINISH_REASONS.values()))]), _METADATA],
    ),
    "error": ("The answer ended with an error.", [("errorText", str)]),
    "abort": ("The answer was stopped.", [("reason", str | UnsetType, UNSET)]),
}
"""The types of all frames but those of `UIDataChunk`, each with a description and the fields beside `type`."""


def _frame_type(name: str, description: str, fields: Fields) -> type[msgspec.Struct]:
    words = "".join(word.capitalize() for word in name.split("-"))
    return msgspec.defstruct(
        f"UI{words}Chunk", fields, tag_field="type", tag=name, frozen=True, namespace={"__doc__": description}
    )


FRAME_TYPES = tuple(_frame_type(name, *described) for name, described in FRAMES.items())
"""The types of all frames."""

UIMessageChunk: Any = Annotated[
    Union[FRAME_TYPES],  # noqa: UP007  # the members are not known to type checkers
    schema_name("UIMessageChunk"),
]


class UIDataChunk(msgspec.Struct, frozen=True):
    """A value of the application's own.

    Args:
        type: `data-` and the name that the application has given.
        data: The value.
        id: The id of the value; a later one of the same type and id replaces it.
        transient: Whether the value is no part of the message.
    """

    type: Annotated[str, msgspec.Meta(pattern=f"^{DATA_PREFIX}")]
    data: Any
    id: str | UnsetType = UNSET
    transient: bool | UnsetType = UNSET


UI_MESSAGE_STREAM = EventStream(
    "UIMessageFrame",
    (
        Frame("UIMessageChunkFrame", "A chunk of a message.", (UIMessageChunk,)),
        Frame("UIDataChunkFrame", "A value of the application's own, as a part of a message.", (UIDataChunk,)),
        DONE_FRAME,
    ),
)
"""The frames of `POST /ai/chat` and `POST /ai/completion`."""
