"""OpenAI's Responses API as bytes, in the shapes of the published API reference. Refusals are those of `openai_wire`.

A frame is a `Chunk`, so frames and steps can be mixed: `answer("Hello", Gate("more"), " world")`. All frames have the
same `sequence_number`, so that a frame has the same bytes at every place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.support.upstream.openai_wire import CREATED, ERRORS, HEAD, MODEL, REQUEST_ID, error, model_list
from tests.support.upstream.pieces import USAGE, Piece, Reasoning, Refusal, Tokens, ToolCall
from tests.support.upstream.plain import compact, json_body
from tests.support.upstream.steps import FINISH, Chunk, Close, Script, Step, script

__all__ = [
    "ENDPOINT", "ERRORS", "FINISHES", "HEAD", "PING", "UNKNOWN", "answer", "deltas", "ending", "error", "error_frame",
    "failed", "failing_after", "frame", "message", "model_list", "opening", "text",
]  # fmt: skip

ID = "resp_0a4c81d7f2b6e935006a1f0c3be4d88190"
ENDPOINT = "/v1/responses"
FINISHES = ("completed", "max_output_tokens", "completed", "content_filter")
SEQUENCE_NUMBER = 7


@dataclass(frozen=True)
class Item:
    """A kind of output item: its fields, its part, and the events of one piece."""

    item: dict[str, Any]
    part: str
    field: str
    delta: str

    @property
    def is_call(self) -> bool:
        """Whether the item is a function call, which has no parts."""
        return not self.part


MESSAGE = {"type": "message", "role": "assistant", "phase": "final_answer"}
TEXT = Item(MESSAGE, "output_text", "text", "response.output_text")
REFUSAL = Item(MESSAGE, "refusal", "refusal", "response.refusal")
REASONING = Item({"type": "reasoning", "summary": []}, "summary_text", "text", "response.reasoning_summary_text")
PARTS = {"summary_text": "response.reasoning_summary_part"}


def frame(kind: str, *, deltas: int = 0, **fields: Any) -> Chunk:
    """Return an SSE frame of an event."""
    body = {"type": kind, "sequence_number": SEQUENCE_NUMBER, **fields}
    return Chunk(b"event: %s\ndata: %s\n\n" % (kind.encode(), compact(body)), deltas)


PING = frame("keepalive")
UNKNOWN = frame("response.output_text.annotation.added", annotation={"type": "url_citation"}, delta=[1], item="none")


def opening() -> Chunk:
    """Return the frames that come first, both with the whole response as it is then."""
    started = _response("in_progress")
    created, in_progress = (frame(f"response.{kind}", response=started) for kind in ("created", "in_progress"))
    return Chunk(created.data + in_progress.data)


def text(content: str, index: int = 0) -> Chunk:
    """Return a frame of a text delta."""
    return _delta(TEXT, content, index)


def ending(reason: str, usage: Tokens | None = USAGE, output: tuple[Any, ...] = ()) -> Chunk:
    """Return the last frame: that the response is complete, or for which reason it is not."""
    if reason == "completed":
        return frame("response.completed", response=_response("completed", usage=usage, output=output))
    fields = {"incomplete_details": {"reason": reason}}
    return frame("response.incomplete", response=_response("incomplete", usage=usage, output=output, **fields))


def failed(message: str | None = None, code: str = "server_error", usage: Tokens | None = None) -> Chunk:
    """Return the frame that ends a response which failed."""
    why = {"code": code, "message": message or ERRORS[500][2]}
    return frame("response.failed", response=_response("failed", usage=usage, error=why))


def error_frame(message: str | None = None, code: str | None = "server_error") -> Chunk:
    """Return the `error` event of a failure inside a stream."""
    return frame("error", code=code, message=message or ERRORS[500][2], param=None)


def deltas(*pieces: Piece | Step) -> list[Step]:
    """Return the frames of an answer's pieces, item by item; a step among them stays in the item around it."""
    steps: list[Step] = []
    index, current, text = -1, None, ""
    for piece in pieces:
        if not isinstance(piece, (str, Reasoning, Refusal, ToolCall)):
            steps.append(piece)
            continue
        item = _item(piece)
        if item != current or item.is_call:
            steps += _item_end(current, text, index)
            index, current, text = index + 1, item, ""
            steps += _item_start(item, index)
        for content in _texts_of(piece):
            steps.append(_delta(item, content, index))
            text += content
    return steps + _item_end(current, text, index)


def answer(
    *pieces: Piece | Step, finish: str | None = "completed", usage: Tokens | tuple[int, int] | None = USAGE
) -> Script:
    """Return a whole answer, streamed; a request that does not stream gets it as one JSON object.

    `finish=None` leaves the last frame out, `usage=None` the usage; the body still ends.
    """
    counted = None if usage is None else Tokens(*usage)
    end = FINISH if finish is None else replace(ending(finish, counted, _output(*pieces)), last=True)
    steps = [HEAD, opening(), *deltas(*pieces), end]
    return Script(tuple(steps), whole=message(*pieces, finish=finish, usage=usage))


def message(
    *pieces: Piece | Step, finish: str | None = "completed", usage: Tokens | tuple[int, int] | None = USAGE
) -> Script:
    """Return a whole answer as one JSON object; steps among the pieces come before it."""
    steps = [p for p in pieces if not isinstance(p, (str, Reasoning, Refusal, ToolCall))]
    counted = None if usage is None else Tokens(*usage)
    body = _response("completed", usage=counted, output=_output(*pieces))
    if finish not in {"completed", None}:
        body |= {"status": "incomplete", "incomplete_details": {"reason": finish}}
    return script(*steps, *json_body(body, 200, REQUEST_ID).steps)


def failing_after(count: int, error: Chunk | None = None) -> Script:
    """Return an answer that sends so many deltas, then an error event, then closes."""
    words = _item_start(TEXT, 0) + [text(f"{n} ") for n in range(count)] if count else []
    return script(HEAD, opening(), *words, replace(error or error_frame(), last=True), Close())


def _item(piece: Piece) -> Item:
    match piece:
        case ToolCall(id=number, name=name):
            called = {"type": "function_call", "call_id": number, "name": name}
            return Item(called, "", "arguments", "response.function_call_arguments")
        case Reasoning():
            return REASONING
        case Refusal():
            return REFUSAL
        case _:
            return TEXT


def _texts_of(piece: Piece) -> tuple[str, ...]:
    match piece:
        case ToolCall(arguments=arguments):
            return arguments
        case Reasoning(text) | Refusal(text):
            return (text,)
        case _:
            return (piece,)


def _id(item: Item, index: int) -> str:
    return f"{item.item['type'][:4]}_0a4c81d7f2b6e935{index:02}"


def _place(item: Item, index: int) -> dict[str, Any]:
    part = {"summary_index" if item is REASONING else "content_index": 0}
    return {"item_id": _id(item, index), "output_index": index, **({} if item.is_call else part)}


def _delta(item: Item, content: str, index: int) -> Chunk:
    return frame(f"{item.delta}.delta", **_place(item, index), delta=content, **_logprobs(item), deltas=1)


def _logprobs(item: Item) -> dict[str, Any]:
    return {"logprobs": []} if item is TEXT else {}


def _item_start(item: Item, index: int) -> list[Step]:
    added = frame("response.output_item.added", output_index=index, item=_as(item, index, "", "in_progress"))
    if item.is_call:
        return [added]
    kind = PARTS.get(item.part, "response.content_part")
    return [added, frame(f"{kind}.added", **_place(item, index), part=_part(item, ""))]


def _item_end(item: Item | None, text: str, index: int) -> list[Step]:
    if item is None:
        return []
    kind, place = PARTS.get(item.part, "response.content_part"), _place(item, index)
    part = [] if item.is_call else [frame(f"{kind}.done", **place, part=_part(item, text))]
    done = frame("response.output_item.done", output_index=index, item=_as(item, index, text, "completed"))
    return [frame(f"{item.delta}.done", **place, **{item.field: text}, **_logprobs(item)), *part, done]


def _part(item: Item, text: str) -> dict[str, Any]:
    annotations = {"annotations": [], "logprobs": []} if item is TEXT else {}
    return {"type": item.part, **annotations, item.field: text}


def _as(item: Item, index: int, text: str, status: str) -> dict[str, Any]:
    written: dict[str, Any] = {"id": _id(item, index), **item.item}
    if item.is_call:
        return {**written, "status": status, "arguments": text}
    parts = [_part(item, text)] if status == "completed" else []
    return {**written, "summary": parts} if item is REASONING else {**written, "status": status, "content": parts}


def _output(*pieces: Piece | Step) -> tuple[Any, ...]:
    items: list[tuple[Item, str]] = []
    for piece in pieces:
        if isinstance(piece, (str, Reasoning, Refusal, ToolCall)):
            item, text = _item(piece), "".join(_texts_of(piece))
            if items and items[-1][0] == item and not item.is_call:
                text = items.pop()[1] + text
            items.append((item, text))
    return tuple(_as(item, index, text, "completed") for index, (item, text) in enumerate(items))


def _response(
    status: str, *, usage: Tokens | None = None, output: tuple[Any, ...] = (), **fields: Any
) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": MODEL,
        "output": list(output),
        "parallel_tool_calls": True,
        "reasoning": {"effort": "low", "summary": "detailed"},
        "store": False,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "usage": _usage(usage),
        **fields,
    }


def _usage(usage: Tokens | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
