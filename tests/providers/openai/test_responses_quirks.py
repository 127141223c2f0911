"""Responses of gateways and servers that send content only in later events, or more than once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import Completed, Failed, TextDelta, Usage
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from tests.providers.decoding.decoding import Answer

DONE, X = b"data: [DONE]\n\n", '{"x":1}'


def frame(kind: str, **fields: Any) -> bytes:
    name = f"response.{kind}"
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps({"type": name, **fields}).encode())


def decode(*pieces: bytes) -> Answer:
    return Answer(ResponseDecoder("acme", "m", "http://acme"), *pieces)


def text_delta(text: str, place: int | None = 0, **names: Any) -> bytes:
    fields = {"item_id": f"msg_{place}", "output_index": place, "content_index": 0, **names}
    return frame("output_text.delta", delta=text, **{k: v for k, v in fields.items() if v is not None})


def message(text: str, place: int = 0, **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"id": f"msg_{place}", "type": "message", "status": "completed", "content": content, **fields}


def call(arguments: Any = X, place: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"fc_{place}",
        "type": "function_call",
        "call_id": f"c{place}",
        "name": "f",
        "arguments": arguments,
        **fields,
    }


def item(state: str, value: dict[str, Any], place: int | None = 0) -> bytes:
    return frame(f"output_item.{state}", item=value, **({} if place is None else {"output_index": place}))


def completed(*output: dict[str, Any], **fields: Any) -> bytes:
    return frame("completed", response={"status": "completed", "output": list(output), **fields})


def text_done(text: str, **names: Any) -> bytes:
    return frame("output_text.done", text=text, **({"item_id": "msg_0", "output_index": 0, "content_index": 0} | names))


def part_done(text: str) -> bytes:
    part = {"type": "output_text", "text": text}
    return frame("content_part.done", part=part, item_id="msg_0", output_index=0, content_index=0)


HELLO = message("hello")
AGAIN = [text_done("hello"), part_done("hello"), item("done", HELLO), completed(HELLO)]

TEXTS: dict[str, list[bytes]] = {
    "sent in all events": [text_delta("hel"), text_delta("lo"), *AGAIN],
    "sent without deltas": AGAIN,
    "sent in the text's end alone": [text_done("hello"), completed()],
    "sent in the part's end alone": [part_done("hello"), completed()],
    "sent in the item's end alone": [item("done", HELLO), completed()],
    "sent in the response's end alone": [completed(HELLO)],
    "sent in the item's beginning alone": [item("added", HELLO), completed()],
    "sent in the item's beginning, and again": [item("added", HELLO), *AGAIN],
    "that goes on in the text's end": [text_delta("hel"), *AGAIN],
    "that goes on in the item's end": [text_delta("hel"), item("done", HELLO), completed(HELLO)],
    "that goes on in the response's end": [text_delta("hel"), completed(HELLO)],
    "of items without a place": [
        text_delta("hel", None, item_id="msg_0"),
        text_delta("lo", None, item_id="msg_0"),
        *AGAIN,
    ],
    "of items without an id": [
        text_delta("hel", item_id=None),
        text_delta("lo", item_id=None),
        text_done("hello", item_id=None),
        completed(HELLO),
    ],
    "of an id made up anew each time": [
        text_delta("hel", item_id="a"),
        text_delta("lo", item_id="b"),
        text_done("hello", item_id="c"),
        completed(message("hello", 9)),
    ],
    "of nothing but ids made up anew": [
        text_delta("hel", None, item_id="a"),
        text_delta("lo", None, item_id="b"),
        item("done", message("hello", 7), None),
        completed(message("hello", 9)),
    ],
    "of two items": [
        text_delta("hel"),
        text_done("hel"),
        text_delta("lo", 1),
        completed(message("hel"), message("lo", 1)),
    ],
    "of two items of one id, the second at its end alone": [
        text_delta("hel"),
        text_done("hel"),
        item("done", message("lo"), 1),
        completed(),
    ],
    "of two items of one id that both go on at their ends": [
        text_delta("he"),
        text_delta("l", 1, item_id="msg_0"),
        item("done", message("he")),
        item("done", message("llo"), 1),
        completed(),
    ],
    "of an item whose place changes": [
        text_delta("hel"),
        text_delta("lo", 1, item_id="msg_0"),
        text_done("hello", output_index=2),
        completed(HELLO),
    ],
    "of two items, the second in the end alone": [text_delta("hel"), completed(message("hel"), message("lo", 1))],
    "of two items, both in the end alone": [completed(message("hel"), message("lo", 1))],
    "of a part that is a text": [completed({"type": "message", "content": "hello"})],
    "of events whose name alone tells their type": [
        b'event: response.output_text.delta\ndata: {"delta":"hello"}\n\n',
        b"event: response.completed\ndata: {}\n\n",
    ],
    "that differs in the end": [text_delta("hel"), text_delta("lo"), completed(message("HELLO THERE"))],
    "ended by [DONE] after its item": [text_delta("hel"), item("done", HELLO), DONE],
    "ended by [DONE] after its text": [text_delta("hello"), text_done("hello"), DONE],
    "ended without a line end": [text_delta("hello"), completed(HELLO).strip()],
    "with frames of nothing": [
        b"data:\n\ndata: null\n\n",
        text_delta("hello"),
        b"event: keepalive\ndata:\n\n",
        completed(),
    ],
}


class TestText:
    @pytest.mark.parametrize("name", TEXTS)
    def test_is_told_whole_and_once(self, name: str) -> None:
        answer = decode(*TEXTS[name])
        assert (answer.error, answer.text, answer.events[-1]) == (None, "hello", Completed("stop"))

    def test_of_a_refusal_at_its_end_alone_is_one(self) -> None:
        refused = message("", content=[{"type": "refusal", "refusal": "no"}])
        for frames in ([frame("refusal.done", refusal="no"), completed()], [item("done", refused), completed(refused)]):
            assert decode(*frames).events == [TextDelta("no"), Completed("content_filter")]

    def test_of_an_item_that_is_incomplete_is_cut(self) -> None:
        assert decode(item("done", message("hel", status="incomplete")), completed()).events[-1] == Completed("length")

    @pytest.mark.parametrize("frames", [[], [text_delta("hel")], [item("added", call("")), text_delta("hel")]])
    def test_ended_by_done_in_its_middle_has_broken_off(self, frames: list[bytes]) -> None:
        answer = decode(*frames, DONE, text_delta("late"))
        assert isinstance(answer.error, UpstreamProtocolError)
        assert "late" not in answer.text


ADDED, UNNAMED = item("added", call("")), item("added", call("", name=""))


def piece(text: Any, **names: Any) -> bytes:
    return frame("function_call_arguments.delta", delta=text, **({"item_id": "fc_0", "output_index": 0} | names))


def arguments_done(arguments: Any = X, **fields: Any) -> bytes:
    return frame("function_call_arguments.done", item_id="fc_0", output_index=0, arguments=arguments, **fields)


CALLS: dict[str, list[bytes]] = {
    "sent in all events": [
        ADDED,
        piece('{"x"'),
        piece(":1}"),
        arguments_done(),
        item("done", call()),
        completed(call()),
    ],
    "whose arguments only their end tells": [ADDED, arguments_done(), completed()],
    "whose arguments their end goes on with": [ADDED, piece('{"x"'), arguments_done(), completed()],
    "whose arguments the response's end tells": [ADDED, completed(call())],
    "whose arguments its beginning tells": [item("added", call()), completed()],
    "sent in its item's end alone": [item("done", call()), completed()],
    "sent in the response's end alone": [completed(call())],
    "sent in the response's end under other names": [ADDED, piece(X), completed(call(place=7))],
    "with an object for its arguments": [item("done", call({"x": 1})), completed(call({"x": 1}))],
    "with arguments in pieces that are objects": [ADDED, piece({"x": 1}), completed()],
    "with arguments encoded twice": [ADDED, piece(json.dumps(X)), completed(call())],
    "with arguments that come again": [ADDED, piece(X), piece(X), item("done", call()), completed(call())],
    "named at the arguments' end": [UNNAMED, piece(X), arguments_done(name="f"), completed()],
    "named at its item's end": [UNNAMED, piece('{"x"'), piece(":1}"), item("done", call()), completed()],
    "named at the response's end": [UNNAMED, piece(X), completed(call())],
    "ended by [DONE] after its item": [ADDED, piece(X), item("done", call()), DONE],
    "behind other items that the end leaves out": [
        item("added", call(""), 1),
        piece(X, output_index=1),
        completed(call()),
    ],
}


class TestCall:
    @pytest.mark.parametrize("name", CALLS)
    def test_is_told_once_with_its_arguments(self, name: str) -> None:
        answer = decode(*CALLS[name])
        assert (answer.error, answer.calls, answer.events[-1]) == (
            None,
            [("c0", "f", {"x": 1})],
            Completed("tool_calls"),
        )

    def test_of_the_same_place_but_another_id_is_another(self) -> None:
        frames = [item(state, call(place=n)) for n in range(2) for state in ("added", "done")]
        assert [each[0] for each in decode(*frames, completed()).calls] == ["c0", "c1"]

    def test_in_the_end_alone_beside_one_that_came_before_is_another(self) -> None:
        answer = decode(ADDED, piece(X), completed(call(), call('{"x":2}', 1)))
        assert answer.calls == [("c0", "f", {"x": 1}), ("c1", "f", {"x": 2})]

    @pytest.mark.parametrize("frames", [[UNNAMED, piece(X), completed()], [item("done", call(name="")), completed()]])
    def test_without_a_name_is_a_failure(self, frames: list[bytes]) -> None:
        failed = decode(*frames).events[-1]
        assert isinstance(failed, Failed)
        assert "without naming it" in failed.message


class TestNothing:
    def test_that_is_complete_is_an_answer(self) -> None:
        assert decode(completed()).events == [Completed("stop")]

    def test_but_an_item_that_cannot_be_read_is_a_failure_that_names_it(self) -> None:
        error = decode(item("done", {"type": "image_generation_call", "result": "x"}), completed()).error
        assert isinstance(error, UpstreamProtocolError)
        assert "'image_generation_call'" in error.message


REPORTED = {"input_tokens": 9, "output_tokens": 2}


class TestUsage:
    def test_that_was_told_before_a_cut_is_kept(self) -> None:
        answer = decode(frame("in_progress", response={"usage": REPORTED}), text_delta("hel"))
        assert answer.error is not None
        assert answer.known == [Usage(9, 2, estimated=True)]

    def test_is_not_undone_by_zeros(self) -> None:
        zeros = {"input_tokens": 0, "output_tokens": 0}
        events = decode(frame("in_progress", response={"usage": REPORTED}) + completed(HELLO, usage=zeros)).events
        assert events[1] == Usage(9, 2)
