"""The answer of one stream, for the application: what readers were sent, how it ended, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from gevent import sleep
from msgspec import Struct

from .core import exact_json
from .core.answer import CollectedAnswer, ToolCallBlock
from .core.application_events import Data, File, Source
from .core.events import Completed, Usage
from .core.exact_json import ExactDecoder, to_builtins
from .core.partial_json import JSONError, PartialJSON, apply
from .providers.answer_messages import answer_messages, call_of, complete_calls
from .providers.chat_request import ToolCall
from .streaming.recording import Recording

WHOLE_REASONS = frozenset({"stop", "tool_calls"})
"""Finish reasons of answers that the model has ended by itself."""

PARSED_CHARS = 16 * 1024
"""Characters of an answer that are searched for its document before other greenlets run."""

_decode = ExactDecoder[Any](Any).decode


class AnsweredToolCall(ToolCall, frozen=True, gc=False):
    """A tool call that the application has executed; see `ToolResult` for `result` and `error`."""

    result: Any = None
    error: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What was answered to a question: what its readers were sent, and no more.

    Numbers with more digits than a float has are floats that keep their digits where `messages` go into another
    question. `json` writes them like other floats; msgspec does so with `enc_hook=float`.

    Args:
        id: The id of the stream.
        owner: The id of the user who asked; empty for no owner.
        chat: The id of the conversation that the view has given; empty for none.
        model: The model that answered, as readers name it: `provider/name`, or an alias.
        provider: The name of the provider.
        protocol: The protocol of the request: `native`, `openai`, `openai-responses`, `anthropic`, `ai-sdk`,
            `ai-sdk-v4` or `text`.
        request_id: The id of the request, in its response header `x-request-id`; empty for none.
        question: The messages of the question, without system messages, in the form that `Headrace.stream` takes.
            Empty for `stream_from`, and if the stream ended on another worker and the question had more than 256 KiB.
        text: The text of the answer.
        reasoning: The text of the model's reasoning.
        tool_calls: The complete tool calls: each that the application has executed is an `AnsweredToolCall`.
        sources: What the answer is based on.
        files: The files in the answer.
        data: The application's values, without transient ones; of several with the same name and id, the last.
        document: The JSON value of a structured answer, without the sentences and fences around it; None if the answer
            is none, or is not complete. Numbers whose digits no float has, here and in tool calls, are a subclass of
            `float`: `Headrace.stream` sends them on with their digits, and `json.dumps` writes the nearest float.
        end: `done`, `failed` or `cancelled`.
        reason: The finish reason if `done`, the error code if `failed`, the reason of the cancellation if `cancelled`.
        is_whole: Whether the model has ended the answer by itself and readers were sent all of it: not if it was cut at
            its limit of tokens or by a filter, failed, was stopped, or if its reader left before its end.
        is_cut: Whether the end of `text`, `reasoning` and `tool_calls` is missing here, because the answer is larger
            than HEADRACE_STORE_STREAM.
        usage: Tokens and cost.
        started_at: When the stream was opened, in seconds since 1970.
        ended_at: When it ended, in seconds since 1970.
        first_token_seconds: Seconds from opening to the first event; None if there was no event.
        messages: The messages that the answer adds to the conversation, in the form that `Headrace.stream` takes:
            the next question is `[*answer.question, *answer.messages, {"role": "user", …}]`. They have the
            `reasoning_state` of the answer, if there is one, and the results of tools that the application has
            executed. Empty if nothing was answered.
        context: The value that the view has given as `context`.
        asked: The messages that the question adds to the conversation: its last one, or the results of the last calls
            without those of tools that run here. Empty for a question that only answers approvals. A history grows by
            `[*answer.asked, *answer.messages]`.
    """

    id: str
    owner: str
    chat: str
    model: str
    provider: str
    protocol: str
    request_id: str
    question: tuple[Mapping[str, Any], ...]
    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    document: Any
    end: Literal["done", "failed", "cancelled"]
    reason: str
    is_whole: bool
    is_cut: bool
    usage: Usage
    started_at: float
    ended_at: float
    first_token_seconds: float | None
    messages: tuple[Mapping[str, Any], ...]
    context: Any
    sources: tuple[Source, ...] = ()
    files: tuple[File, ...] = ()
    data: tuple[Data, ...] = ()
    asked: tuple[Mapping[str, Any], ...] = ()


def recorded_fields(recording: Recording) -> dict[str, Any]:
    """Return the fields of an `Answer` that a recording has."""
    answer, subject = recording.answer, recording.subject
    completed = answer.completed
    is_whole = completed is not None and completed.finish_reason in WHOLE_REASONS and not recording.is_cut
    return {
        "chat": subject.chat,
        "protocol": subject.protocol,
        "question": subject.question,
        "asked": tuple([subject.question[place] for place in subject.added]),
        "context": subject.context,
        "text": answer.text(),
        "reasoning": answer.reasoning(),
        "tool_calls": tuple([_with_result(block) for block in complete_calls(answer.blocks)]),
        "sources": tuple([source for _, source in answer.sources]),
        "files": tuple(answer.files),
        "data": tuple(answer.data()),
        "document": _document(answer, completed) if subject.is_document else None,
        "is_whole": is_whole,
        "is_cut": recording.is_cut,
        "messages": tuple([to_builtins(message) for message in answer_messages(answer)]),
    }


def _with_result(block: ToolCallBlock) -> ToolCall:
    call = call_of(block)
    if (result := block.result) is None:
        return call
    return AnsweredToolCall(call.id, call.name, call.arguments, result=result.result, error=result.error)


def _document(answer: CollectedAnswer, completed: Completed | None) -> Any:  # noqa: ANN401  # a JSON value
    if completed is None:
        return None
    text = answer.text()
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _document_inside(text)


def _document_inside(text: str) -> Any:  # noqa: ANN401  # a JSON value
    """Return the document in a text with sentences or a fence around it, by the rule for readers; None for none."""
    parser, patches = PartialJSON(parse_number=exact_json.parse_number), []
    try:
        for start in range(0, len(text), PARSED_CHARS):
            patches += parser.feed(text[start : start + PARSED_CHARS])
            sleep(0)
        return apply(msgspec.UNSET, [*patches, *parser.end()])
    except JSONError:
        return None
