"""Hypothesis strategies for random answers, and for each of them as servers with random oddities send it.

An answer is its text, its calls and the word that ends it. An oddity is a way to send it that means the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.providers.decoding import quirky_tool_calls
from tests.providers.decoding.quirky_tool_calls import Call, Draw, cut_in_pieces

TEXTS = st.text(alphabet='ab \n"{}ö🌊', min_size=1, max_size=6)
ENDS = {
    "stop": ["stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "FinishReason.STOP"],
    "length": ["length", "max_tokens", "MAX_TOKENS", "maxTokens", "max_output_tokens", "model_length"],
    "content_filter": ["content_filter", "content-filter", "SAFETY", "refusal", "RECITATION"],
    "tool_calls": ["tool_calls", "tool_use", "function_call", "stop", "end_turn", "eos"],
}


@dataclass
class Answer:
    """An answer: pieces of text, then tool calls, then the finish reason."""

    texts: list[str]
    calls: list[Call]
    reason: str
    word: str

    @property
    def text(self) -> str:
        return "".join(self.texts)


@dataclass
class Body:
    """The frames of an answer; it is complete after the first `whole_at` of them."""

    frames: list[bytes] = field(default_factory=list)
    whole_at: int = 0


@st.composite
def answers(draw: Draw) -> Answer:
    texts, calls = draw(st.lists(TEXTS, max_size=4)), draw(quirky_tool_calls.several())
    reason = draw(st.sampled_from(["length", "content_filter", "tool_calls" if calls else "stop"]))
    return Answer(texts, calls, reason, draw(st.sampled_from(ENDS[reason])))


def noise(draw: Draw, frames: list[bytes], more: list[bytes]) -> None:
    frames += draw(
        st.lists(st.sampled_from([b": c\n\n", b"data:\n\n", b"data: \n\n", b"data: null\n\n", *more]), max_size=2)
    )


def data(value: Any, event: str = "") -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def at_the_end(draw: Draw, body: Body, done: bytes) -> None:
    """End the stream: by the protocol's own end, by another protocol's, or only by the end of the body."""
    body.whole_at = len(body.frames)
    ending = draw(st.sampled_from(["own", "[DONE]", "cut line", "none"]))
    if ending == "own":
        body.frames.append(done)
    elif ending == "[DONE]":
        body.frames.append(
            draw(st.sampled_from([b"data: [DONE]\n\n", b"data: [DONE] \n\n", b'data: "[DONE]"\n\n', b"data:[DONE]"]))
        )
    elif ending == "cut line":
        body.frames[-1] = body.frames[-1].rstrip(b"\n")


# Chat completions


def chunk(delta: Any = None, reason: Any = None, *, key: str = "delta", index: Any = 0, **fields: Any) -> bytes:
    return data({"choices": [{"index": index, key: {} if delta is None else delta, "finish_reason": reason, **fields}]})


def as_text(draw: Draw, text: str, index: Any) -> bytes:
    match draw(st.sampled_from(["plain", "plain", "part", "parts", "text"])):
        case "plain":
            return chunk({"content": text}, index=index)
        case "part":
            return chunk({"content": {"type": "text", "text": text}}, index=index)
        case "parts":
            kind = draw(st.sampled_from(["text", "output_text"]))
            return chunk(
                {"content": [{"type": kind, "text": piece} for piece in cut_in_pieces(draw, text)]}, index=index
            )
    return data({"choices": [{"index": index, "text": text, "finish_reason": None}]})


@st.composite
def chat_bodies(draw: Draw, answer: Answer) -> Body:
    body, index = Body([chunk({"role": "assistant", "content": ""})]), draw(st.sampled_from([0, 0, None, 1, "0"]))
    in_deltas = draw(st.integers(0, len(answer.texts)))
    for text in answer.texts[:in_deltas]:
        noise(draw, body.frames, [chunk(), data({"choices": []}), data({"object": "ping"}, "ping")])
        body.frames.append(as_text(draw, text, index))
    for pieces in draw(quirky_tool_calls.in_chunks(answer.calls)):
        body.frames.append(chunk({"tool_calls": pieces}, index=index))
    is_whole = in_deltas < len(answer.texts) or draw(st.booleans())
    if is_whole:
        calls = [quirky_tool_calls.whole(call) for call in answer.calls]
        message = {"role": "assistant", "content": answer.text, **({"tool_calls": calls} if calls else {})}
        is_last = draw(st.booleans())
        body.frames.append(chunk(message, answer.word if is_last else None, key="message", index=index))
        is_whole = is_last
    if not is_whole:
        body.frames.append(chunk({}, answer.word, index=index))
    at_the_end(draw, body, b"data: [DONE]\n\n")
    return body


# Responses


def named(draw: Draw, way: str, place: int) -> Callable[..., dict[str, Any]]:
    """Return how a server refers to an item: by id, by index, or by both; also by ids that are new or all the same."""

    def names(**more: Any) -> dict[str, Any]:
        ids = {
            "new id": lambda: f"item_{draw(st.integers(place * 1000, place * 1000 + 999))}",
            "one id": lambda: "item",
        }
        id_ = ids.get(way, lambda: f"item_{place}")()
        by_id = {"item_id": id_} if way != "place" else {}
        return {**by_id, **({"output_index": place} if way != "id" else {}), **more}

    return names


@st.composite
def response_bodies(draw: Draw, answer: Answer) -> Body:
    body, output = (
        Body([data({"type": "response.created", "response": {"status": "in_progress"}}, "response.created")]),
        [],
    )
    way = draw(st.sampled_from(["both", "both", "id", "place", "new id", "one id"]))
    if way in {"id", "one id"}:
        # Otherwise one message could be mistaken for the next or its beginning: only the last piece is compared.
        answer.texts = [f"{n}{text}{n}" for n, text in enumerate(answer.texts)]
    is_late = False  # an item that is sent late is not followed by items that are sent in time
    for place, text in enumerate(answer.texts):
        item = {"type": "message", "id": f"item_{place}", "content": [{"type": "output_text", "text": text}]}
        output.append(item)
        is_late = is_late or draw(st.integers(0, 4)) == 0
        if not is_late:
            add_text_item(draw, body.frames, item, named(draw, way, place))
    for place, call in enumerate(answer.calls, len(answer.texts)):
        item = {"type": "function_call", "id": f"item_{place}", "call_id": call.id, "name": call.name}
        output.append({**item, "arguments": call.text})
        is_late = is_late or draw(st.integers(0, 4)) == 0
        if not is_late:
            add_call_item(draw, body.frames, item, call, place)
    status = {"length": "incomplete", "content_filter": "incomplete"}.get(answer.reason, "completed")
    response: dict[str, Any] = {"status": status, "output": output if is_late or draw(st.booleans()) else []}
    if status == "incomplete":
        response["incomplete_details"] = {"reason": answer.word}
    kind = f"response.{draw(st.sampled_from(['completed', status]))}"
    body.frames.append(data({"type": kind, "response": response}, kind))
    at_the_end(draw, body, b"")
    return body


def add_text_item(draw: Draw, frames: list[bytes], item: dict[str, Any], names: Callable[..., dict[str, Any]]) -> None:
    text, kinds = item["content"][0]["text"], draw(st.lists(st.sampled_from(["text", "part", "item"]), max_size=4))
    pieces = cut_in_pieces(draw, text)
    for piece in pieces if not kinds else pieces[: draw(st.integers(0, len(pieces)))]:
        noise(draw, frames, [])
        kind = "response.output_text.delta"
        frames.append(data({"type": kind, **names(content_index=0), "delta": piece}, kind))
    ends = {
        "text": ("response.output_text.done", {"text": text}),
        "part": ("response.content_part.done", {"part": item["content"][0]}),
        "item": ("response.output_item.done", {"item": item}),
    }
    for kind, end in (ends[kind] for kind in sorted(kinds, key=list(ends).index)):
        fields = names(content_index=0)
        if "item" in end:
            end = {"item": {**item, "id": fields.pop("item_id", item["id"])}}  # noqa: PLW2901
        frames.append(data({"type": kind, **fields, **end}, kind))


def add_call_item(draw: Draw, frames: list[bytes], item: dict[str, Any], call: Call, place: int) -> None:
    names, ends = (
        {"item_id": item["id"], "output_index": place},
        draw(st.sampled_from(["done", "item", "both", "none"])),
    )
    named_late = ends in {"item", "both"} and draw(st.booleans())
    added = {**item, "name": "" if named_late else call.name, "arguments": ""}
    frames.append(
        data({"type": "response.output_item.added", "output_index": place, "item": added}, "response.output_item.added")
    )
    pieces = quirky_tool_calls.arguments_in_pieces(draw, call)
    for piece in pieces if ends == "none" else pieces[: draw(st.integers(0, len(pieces)))]:
        kind = "response.function_call_arguments.delta"
        frames.append(data({"type": kind, **names, "delta": piece}, kind))
    if ends in {"done", "both"}:
        kind = "response.function_call_arguments.done"
        frames.append(data({"type": kind, **names, "arguments": quirky_tool_calls.whole_arguments(draw, call)}, kind))
    if ends in {"item", "both"}:
        done = {**item, "arguments": quirky_tool_calls.whole_arguments(draw, call)}
        frames.append(
            data(
                {"type": "response.output_item.done", "output_index": place, "item": done}, "response.output_item.done"
            )
        )


# Anthropic


def event(kind: str, **fields: Any) -> bytes:
    return data({"type": kind, **fields}, kind)


@st.composite
def message_bodies(draw: Draw, answer: Answer) -> Body:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in answer.texts]
    blocks += [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.value} for call in answer.calls]
    is_at_once = bool(blocks) and draw(st.integers(0, 5)) == 0
    content = blocks if is_at_once else []
    body = Body(
        [
            event(
                "message_start",
                message={"id": "m", "content": content, "usage": {"input_tokens": 9, "output_tokens": 1}},
            )
        ]
    )
    for index, block in enumerate([] if is_at_once else blocks):
        noise(draw, body.frames, [b"event: ping\ndata: {}\n\n", b"event: ping\ndata:\n\n"])
        if block["type"] == "text":
            add_text_block(draw, body.frames, index, block)
        else:
            add_call_block(draw, body.frames, index, answer.calls[index - len(answer.texts)])
    body.frames.append(event("message_delta", delta={"stop_reason": answer.word}, usage={"output_tokens": 7}))
    at_the_end(draw, body, event("message_stop"))
    return body


def add_text_block(draw: Draw, frames: list[bytes], index: int, block: dict[str, Any]) -> None:
    pieces = cut_in_pieces(draw, block["text"])
    first = draw(st.integers(0, len(pieces)))
    is_whole_at_end = first == 0 and draw(st.booleans())
    begun = {"type": "text", "text": "".join(pieces[:first])}
    frames.append(event("content_block_start", index=index, content_block=begun))
    deltas = [] if is_whole_at_end and draw(st.booleans()) else pieces[first:]
    frames += [
        event("content_block_delta", index=index, delta={"type": "text_delta", "text": piece}) for piece in deltas
    ]
    frames.append(event("content_block_stop", index=index, **({"content_block": block} if is_whole_at_end else {})))


def add_call_block(draw: Draw, frames: list[bytes], index: int, call: Call) -> None:
    way = draw(st.sampled_from(["pieces", "start", "text", "end", "all"]))
    given = {"start": call.value, "text": call.text}.get(way, {})
    block = {"type": "tool_use", "id": call.id, "name": call.name}
    frames.append(event("content_block_start", index=index, content_block={**block, "input": given}))
    pieces = quirky_tool_calls.arguments_in_pieces(draw, call) if way in {"pieces", "all"} else []
    frames += [
        event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece})
        for piece in pieces
    ]
    more = {"content_block": {**block, "input": call.value}} if way in {"end", "all"} else {}
    frames.append(event("content_block_stop", index=index, **more))
