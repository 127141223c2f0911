"""The messages of `useChat` as the Vercel AI SDK's versions 3.4 to 4.3 post them.

Since 4.1 they have `parts`, in which everything stands in its order; before, there are `content` and `toolInvocations`.
Fields that are for the page alone are named here and left out.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json


class _StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What all of it has in common: read strictly, in JavaScript's names."""


class Attachment(_StrictStruct, frozen=True):
    """A file that the user has added to a message."""

    url: str
    content_type: str | None = None
    name: str | None = None


class _ToolInvocation(_StrictStruct, frozen=True, tag_field="state", kw_only=True):
    tool_call_id: str
    tool_name: str
    args: Json = {}  # msgspec gives each value one of its own
    step: int = 0


class PartialToolInvocation(_ToolInvocation, frozen=True, tag="partial-call", kw_only=True):
    """A tool call that was cut off in its arguments."""

    args: Any = None


class PendingToolInvocation(_ToolInvocation, frozen=True, tag="call", kw_only=True):
    """A tool call that nothing has answered."""


class CompletedToolInvocation(_ToolInvocation, frozen=True, tag="result", kw_only=True):
    """A tool call and what the tool returned."""

    result: Any = None


ToolInvocation: TypeAlias = PartialToolInvocation | PendingToolInvocation | CompletedToolInvocation
FullToolInvocation: TypeAlias = PendingToolInvocation | CompletedToolInvocation


class TextUIPart(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A run of text."""

    text: str


class ReasoningTextDetail(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A run of reasoning, and what its provider knows it by."""

    text: str
    signature: str | None = None


class ReasoningRedactedDetail(_StrictStruct, frozen=True, tag_field="type", tag="redacted"):
    """Reasoning that its provider keeps to itself."""

    data: str


class ReasoningUIPart(_StrictStruct, frozen=True, tag_field="type", tag="reasoning"):
    """What the model thought; before 4.1.46 without details."""

    reasoning: str
    details: tuple[ReasoningTextDetail | ReasoningRedactedDetail, ...] = ()


class ToolInvocationUIPart(_StrictStruct, frozen=True, tag_field="type", tag="tool-invocation"):
    """A tool call among the parts."""

    tool_invocation: ToolInvocation


class FileUIPart(_StrictStruct, frozen=True, tag_field="type", tag="file"):
    """A file among the parts, in base64."""

    mime_type: str
    data: str


class SourceUIPart(_StrictStruct, frozen=True, tag_field="type", tag="source"):
    """Where an answer comes from: for the page alone."""

    source: Any


class StepStartUIPart(_StrictStruct, frozen=True, tag_field="type", tag="step-start"):
    """The mark of a step: tool calls tell theirs themselves."""


class V4Message(_StrictStruct, frozen=True, rename=None):
    """One message."""

    role: Literal["system", "user", "assistant", "data"]
    content: str = ""
    parts: tuple[
        TextUIPart | ReasoningUIPart | ToolInvocationUIPart | FileUIPart | SourceUIPart | StepStartUIPart, ...
    ] = ()
    toolInvocations: tuple[ToolInvocation, ...] = ()  # noqa: N815  # its neighbour is written otherwise
    experimental_attachments: tuple[Attachment, ...] = ()
    # What is for the page alone, and what the parts say again.
    id: Any = None
    createdAt: Any = None  # noqa: N815
    revisionId: Any = None  # noqa: N815
    internalUpdateId: Any = None  # noqa: N815
    annotations: Any = None
    data: Any = None
    reasoning: Any = None
