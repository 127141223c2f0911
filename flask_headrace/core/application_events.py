"""The events of an application's own answers: results of tools, steps, sources, files and data. And all events.

Models send none of these: an application's generator or provider yields them beside text and the events of models.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final, TypeAlias

import msgspec

from . import exact_json
from .events import (
    AnswerRestarted,
    Event,
    ProviderEvent,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TerminalEvent,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)


class ToolResult(Event, frozen=True, gc=False, tag="tool_result"):
    """The result of a tool call that the application has executed. A later result of the same call replaces it.

    Args:
        index: The number of the call within the answer, as in its `ToolCallStarted`; -1 if `call_id` names the call.
        result: What the tool returned, as a JSON value.
        error: Why the tool failed, for people; None if it did not fail. `result` is ignored if there is an error.
        call_id: The id of a call in the question's messages, which the answer has executed; None for a call within the
            answer.
        is_denied: Whether the tool did not run because a person has not approved the call; `error` says so.
    """

    index: int = msgspec.field(name="call")
    result: Any = None
    error: str | None = None
    call_id: str | None = None
    is_denied: bool = False


class ToolProgress(Event, frozen=True, gc=False, tag="tool_progress"):
    """What a tool shows before its result. Like transient `Data`, it is sent only to readers that are connected now.

    Args:
        index: The number of the call within the answer; -1 if `call_id` names the call.
        value: A JSON value; a later one of the same call replaces it.
        call_id: The id of a call in the question's messages; None for a call within the answer.
    """

    index: int = msgspec.field(name="call")
    value: Any
    call_id: str | None = None


class ApprovalRequested(Event, frozen=True, gc=False, tag="approval_requested"):
    """A tool call waits for the approval of a person, or their denial, which the next question has.

    Args:
        index: The number of the call within the answer.
        approval: The signed id of the approval, for the `ToolApproval` of the call in the next question.
    """

    index: int = msgspec.field(name="call")
    approval: str


class StepStarted(Event, frozen=True, gc=False, tag="step_started"):
    """A new step of the answer begins, such as another question to a model after the results of its tool calls."""


class Source(Event, frozen=True, gc=False, tag="source"):
    """Something on which the answer is based: a web page if there is a `url`, else a document.

    Args:
        url: The address of the web page; None for a document.
        title: The title for readers; None for none.
        media_type: The media type of a document, such as `application/pdf`.
        filename: The file name of a document; None for none.
        id: The id of the source within the answer; None for `source-1`, `source-2` and so on.
    """

    url: str | None = None
    title: str | None = None
    media_type: str | None = None
    filename: str | None = None
    id: str | None = None


class File(Event, frozen=True, gc=False, tag="file"):
    """A file in the answer, such as a picture.

    Args:
        media_type: The media type, such as `image/png`.
        url: The file's address, possibly a `data:` URL; empty if `data` has the file.
        data: The content of the file, which readers receive as a `data:` URL.
    """

    media_type: str
    url: str = ""
    data: bytes = b""

    def source_url(self) -> str:
        """Return the address of the file: `url`, or a `data:` URL with the content."""
        return self.url or f"data:{self.media_type};base64,{b64encode(self.data).decode()}"


class Data(Event, frozen=True, gc=False, tag="data"):
    """A value of the application's own, for its page.

    Args:
        name: What the value is, in the application's words: letters, digits, `.`, `_` and `-`.
        value: A JSON value.
        id: The id of the value; a later one of the same name and id replaces it. None for a value of its own.
        transient: Whether only those who read now get the value: it is neither replayed nor a part of the answer.
    """

    name: str
    value: Any
    id: str | None = None
    transient: bool = False


class OmittedEvent(Event, frozen=True, gc=False, tag="omitted"):
    """Stands for transient data that are not replayed, so that the numbers of events stay. Readers never receive it."""


APPLICATION_EVENTS: Final = (ToolResult, ToolProgress, ApprovalRequested, StepStarted, Source, File, Data)
"""The classes of events that only an application yields, for `isinstance`."""

OMITTED: Final = OmittedEvent()

StreamEvent: TypeAlias = (
    ResponseStarted
    | TextDelta
    | ReasoningDelta
    | ReasoningSignature
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallCompleted
    | ToolResult
    | ToolProgress
    | ApprovalRequested
    | StepStarted
    | Source
    | File
    | Data
    | OmittedEvent
    | AnswerRestarted
    | ProviderEvent
    | Usage
    | TerminalEvent
)
"""Any event of a stream."""

_SIZED_EVENTS = {ProviderEvent, ToolResult, ToolProgress, Source, File, Data}
_TRANSIENT = {Data, ToolProgress}
_json = exact_json.encode


def is_transient(event: Event) -> bool:
    """Whether an event goes only to those who read now."""
    return (type(event) is Data and event.transient) or type(event) is ToolProgress


def without_transient(events: list[Event]) -> list[Event]:
    """Return events as they are replayed: with `OMITTED` in place of transient data."""
    if _TRANSIENT.isdisjoint(map(type, events)):
        return events
    return [OMITTED if is_transient(event) else event for event in events]


def data_size(events: list[Event]) -> int:
    """Return the approximate size of what events contain beside the model's text, in bytes."""
    if _SIZED_EVENTS.isdisjoint(map(type, events)):
        return 0
    return sum([_size_of(event) for event in events])


def _size_of(event: Event) -> int:
    match event:
        case ProviderEvent(data=data):
            return len(data)
        case File(url=url, data=content):
            return len(url) + len(content)
        case ToolResult() | ToolProgress() | Source() | Data():
            return len(_json(event))
        case _:
            return 0
