"""The messages of `useChat` in versions 3.4 to 4.3 of the Vercel AI SDK. Values only.

From 4.1 on, messages have `parts`, which are ordered; earlier ones have `content` and `toolInvocations`. Fields for the
page alone are accepted and ignored.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from ...providers.chat_request import Json


class _StrictStruct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Base class: unknown fields are rejected, and names are in camelCase."""


class Attachment(_StrictStruct, frozen=True):
    """A file that the user has attached to a message."""

    url: str
    content_type: str | None = None
    name: str | None = None


class _ToolInvocation(_StrictStruct, frozen=True, tag_field="state", kw_only=True):
    tool_call_id: str
    tool_name: str
    args: Json = {}  # msgspec copies the default for each value
    step: int = 0


class PartialToolInvocation(_ToolInvocation, frozen=True, tag="partial-call", kw_only=True):
    """A tool call whose arguments were cut off."""

    args: Any = None


class PendingToolInvocation(_ToolInvocation, frozen=True, tag="call", kw_only=True):
    """A tool call without a result."""


class CompletedToolInvocation(_ToolInvocation, frozen=True, tag="result", kw_only=True):
    """A tool call with its result."""

    result: Any = None


ToolInvocation: TypeAlias = PartialToolInvocation | PendingToolInvocation | CompletedToolInvocation
FullToolInvocation: TypeAlias = PendingToolInvocation | CompletedToolInvocation


class TextUIPart(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """A text part."""

    text: str


class ReasoningTextDetail(_StrictStruct, frozen=True, tag_field="type", tag="text"):
    """Reasoning text and the provider's signature of it."""

    text: str
    signature: str | None = None


class ReasoningRedactedDetail(_StrictStruct, frozen=True, tag_field="type", tag="redacted"):
    """Encrypted reasoning."""

    data: str


class ReasoningUIPart(_StrictStruct, frozen=True, tag_field="type", tag="reasoning"):
    """The model's reasoning; before 4.1.46 without details."""

    reasoning: str
    details: tuple[ReasoningTextDetail | ReasoningRedactedDetail, ...] = ()


class ToolInvocationUIPart(_StrictStruct, frozen=True, tag_field="type", tag="tool-invocation"):
    """A tool call part."""

    tool_invocation: ToolInvocation


class FileUIPart(_StrictStruct, frozen=True, tag_field="type", tag="file"):
    """A file part, in base64."""

    mime_type: str
    data: str


class SourceUIPart(_StrictStruct, frozen=True, tag_field="type", tag="source"):
    """A source of the answer; for the page alone."""

    source: Any


class StepStartUIPart(_StrictStruct, frozen=True, tag_field="type", tag="step-start"):
    """The beginning of a step; ignored, since each tool call has its own step number."""


class V4Message(_StrictStruct, frozen=True, rename=None):
    """One message."""

    role: Literal["system", "user", "assistant", "data"]
    content: str = ""
    parts: tuple[
        TextUIPart | ReasoningUIPart | ToolInvocationUIPart | FileUIPart | SourceUIPart | StepStartUIPart, ...
    ] = ()
    toolInvocations: tuple[ToolInvocation, ...] = ()  # noqa: N815  # other fields are in snake case
    experimental_attachments: tuple[Attachment, ...] = ()
    # Fields for the page alone, and fields whose content the parts repeat; ignored.
    id: Any = None
    createdAt: Any = None  # noqa: N815
    revisionId: Any = None  # noqa: N815
    internalUpdateId: Any = None  # noqa: N815
    annotations: Any = None
    data: Any = None
    reasoning: Any = None
