"""The JSON in the frames of the native protocol, for the OpenAPI document. Values only."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...core.events import CancelReason, FinishReason
from ...core.partial_json.patches import Add, Append, Close
from ..openapi.operation import DONE_FRAME, EventStream, Frame, schema_name
from .response_types import ChatData, ChatFile, ChatSource, ChatUsage


class ChatText(msgspec.Struct, frozen=True):
    """The next piece of the answer's text."""

    delta: str


class ChatStart(msgspec.Struct, frozen=True):
    """The model has begun to answer.

    Args:
        id: The stream's id.
        model: The model's id, `provider/name`.
        provider: The provider's name.
    """

    id: str
    model: str
    provider: str


class ChatReasoning(msgspec.Struct, frozen=True):
    """The next piece of the model's reasoning."""

    delta: str


class ChatReasoningSignature(msgspec.Struct, frozen=True):
    """The current run of reasoning is complete.

    Args:
        signature: The provider's opaque token for the reasoning, for the next request of the conversation.
        is_redacted: Whether the provider withholds the text of the reasoning.
    """

    signature: str
    is_redacted: bool


class ChatReasoningState(msgspec.Struct, frozen=True):
    """What the provider wants back of its reasoning.

    Args:
        reasoning_state: Opaque text for the `reasoning_state` of this turn in the next request of the conversation.
    """

    reasoning_state: str


class ChatToolStart(msgspec.Struct, frozen=True):
    """The model begins to call a tool.

    Args:
        call: The number of the call within the answer, from 0.
        id: The provider's id of the call.
        name: The tool's name.
        runs_here: Whether this service runs the tool, so that its result follows; else the client does.
    """

    call: int
    id: str
    name: str
    runs_here: bool | UnsetType = UNSET


class ChatToolDelta(msgspec.Struct, frozen=True):
    """The next piece of the arguments of a tool call.

    Args:
        call: The number of the call within the answer, from 0.
        delta: JSON text.
    """

    call: int
    delta: str


class ChatToolEnd(msgspec.Struct, frozen=True):
    """A tool call is complete.

    Args:
        call: The number of the call within the answer, from 0.
        arguments: The parsed JSON value of the arguments.
    """

    call: int
    arguments: Any


class ChatToolResult(msgspec.Struct, frozen=True):
    """The application has executed a tool.

    Args:
        call: The number of the call within the answer, from 0; not of a call in the question's messages.
        id: The id of a call in the question's messages, which was approved.
        result: What the tool returned.
    """

    result: Any
    call: int | UnsetType = UNSET
    id: str | UnsetType = UNSET


class ChatToolError(msgspec.Struct, frozen=True):
    """The application has executed a tool, which failed, or has not executed it.

    Args:
        call: As in `ChatToolResult`.
        id: As in `ChatToolResult`.
        error: Why, for people.
    """

    error: str
    call: int | UnsetType = UNSET
    id: str | UnsetType = UNSET


class ChatToolProgress(msgspec.Struct, frozen=True):
    """What a tool shows before its result. It is not replayed.

    Args:
        call: As in `ChatToolResult`.
        id: As in `ChatToolResult`.
        progress: A JSON value; a later one replaces it.
    """

    progress: Any
    call: int | UnsetType = UNSET
    id: str | UnsetType = UNSET


class ChatToolApproval(msgspec.Struct, frozen=True):
    """A tool call waits until somebody has approved it, or not, in the next request.

    Args:
        call: The number of the call within the answer, from 0.
        approval: The id of the approval: the next request has it in the call's `approval`.
    """

    call: int
    approval: str


class ChatStep(msgspec.Struct, frozen=True):
    """A new step of the answer begins."""


class ChatAddPatch(Add, frozen=True, tag="add"):
    """A value begins at `path`, and replaces an earlier one there. A text, an array or an object grows until `close`.

    Args:
        path: A JSON Pointer.
        value: The value, or its beginning.
    """


class ChatAppendPatch(Append, frozen=True, tag="append"):
    """`value` continues the text at `path`.

    Args:
        path: A JSON Pointer.
        value: The next piece of the text.
    """


class ChatClosePatch(Close, frozen=True, tag="close"):
    """The text, array or object at `path` is complete.

    Args:
        path: A JSON Pointer.
    """


ChatPatch: TypeAlias = Annotated[ChatAddPatch | ChatAppendPatch | ChatClosePatch, schema_name("ChatPatch")]


class ChatPartial(msgspec.Struct, frozen=True):
    """What has changed in a growing JSON document.

    Args:
        ops: The changes, in their order.
        call: The number of the tool call whose arguments are the document; absent if the text is.
    """

    ops: list[ChatPatch]
    call: int | UnsetType = UNSET


class ChatRestart(msgspec.Struct, frozen=True):
    """The answer begins again: discard everything received so far.

    Args:
        reason: Why the previous attempt ended, in a few words.
        model: The id of the model that answers from here on, `provider/name`.
    """

    reason: str
    model: str


class ChatEnd(msgspec.Struct, frozen=True):
    """The answer is complete.

    Args:
        finish_reason: Why the model ended the answer.
    """

    finish_reason: FinishReason


class ChatError(msgspec.Struct, frozen=True):
    """The answer ended with an error.

    Args:
        code: Stable, for programs.
        message: For people.
        retryable: Whether the same request can succeed later.
    """

    code: str
    message: str
    retryable: bool


class ChatCancelled(msgspec.Struct, frozen=True):
    """The stream was cancelled before the model ended its answer.

    Args:
        reason: Why: its readers disconnected, its reader accepted no bytes, or a request stopped it.
    """

    reason: CancelReason


CHAT_STREAM = EventStream(
    "ChatFrame",
    (
        Frame("ChatTextFrame", "The next piece of the answer's text.", (ChatText,)),
        Frame("ChatStartFrame", "The model has begun to answer.", (ChatStart,), ("start",)),
        Frame(
            "ChatReasoningFrame",
            "The next piece of the model's reasoning, or its signature.",
            (ChatReasoning, ChatReasoningSignature),
            ("reasoning",),
        ),
        Frame(
            "ChatReasoningStateFrame",
            "What the provider wants back of its reasoning.",
            (ChatReasoningState,),
            ("reasoning_state",),
        ),
        Frame(
            "ChatToolFrame",
            "A tool call begins, grows, is complete, waits for approval, shows something, or has a result.",
            (
                ChatToolStart,
                ChatToolDelta,
                ChatToolEnd,
                ChatToolApproval,
                ChatToolProgress,
                ChatToolResult,
                ChatToolError,
            ),
            ("tool",),
        ),
        Frame("ChatStepFrame", "A new step of the answer begins.", (ChatStep,), ("step",)),
        Frame("ChatSourceFrame", "Something on which the answer is based.", (ChatSource,), ("source",)),
        Frame("ChatFileFrame", "A file in the answer.", (ChatFile,), ("file",)),
        Frame("ChatDataFrame", "A value of the application's own.", (ChatData,), ("data",)),
        Frame("ChatPartialFrame", "A growing JSON document has changed.", (ChatPartial,), ("partial",)),
        Frame("ChatRestartFrame", "The answer begins again.", (ChatRestart,), ("restart",)),
        Frame("ChatUsageFrame", "The tokens and the cost of the answer.", (ChatUsage,), ("usage",)),
        Frame("ChatEndFrame", "The answer is complete; `[DONE]` follows.", (ChatEnd,), ("end",)),
        Frame("ChatErrorFrame", "The answer ended with an error.", (ChatError,), ("error",)),
        Frame("ChatCancelledFrame", "The stream was cancelled.", (ChatCancelled,), ("cancelled",)),
        DONE_FRAME,
    ),
)
"""The frames of `POST /api/chat`."""
