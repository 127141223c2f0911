"""Hypothesis strategies for random tool calls, and for the equivalent ways in which servers send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Draw: TypeAlias = Callable[[st.SearchStrategy[T]], T]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='a"\\{}[]ö🌊', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(alphabet='a"}ö', max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


@dataclass
class Call:
    """One tool call; `text` is the JSON text of its arguments as the model wrote it."""

    id: str
    name: str
    value: dict[str, Any]
    text: str


@st.composite
def several(draw: Draw[Any]) -> list[Call]:
    """Draw up to three calls with distinct arguments: an equal call would look like a repetition."""
    values = draw(st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=2), max_size=3))
    written = {json.dumps(value, sort_keys=True): value for value in values}
    names = draw(st.lists(st.sampled_from(["find", "now"]), min_size=3, max_size=3))
    spaces = draw(st.sampled_from([None, (",", ":"), (" ,\n", " : ")]))
    return [
        Call(f"call_{n}", names[n], value, json.dumps(value, ensure_ascii=draw(st.booleans()), separators=spaces))
        for n, value in enumerate(written.values())
    ]


def cut_in_pieces(draw: Draw[Any], text: str) -> list[str]:
    """Cut a text at random places; the pieces are not empty."""
    places = sorted(draw(st.sets(st.integers(1, max(len(text) - 1, 1)), max_size=3)))
    edges = [0, *places, len(text)]
    return [piece for start, end in pairwise(edges) if (piece := text[start:end])]


def arguments_in_pieces(draw: Draw[Any], call: Call) -> list[str]:
    """Cut a call's arguments into pieces, in one of the ways in which servers send them."""
    match draw(st.sampled_from(["plain", "plain", "twice", "again", "empty first", "left out"])):
        case "twice":
            return cut_in_pieces(draw, json.dumps(call.text))
        case "again":
            return [*cut_in_pieces(draw, call.text), *cut_in_pieces(draw, json.dumps(call.value))]
        case "empty first" if call.value:
            return ["{}", *cut_in_pieces(draw, call.text)]
        case "left out" if not call.value:
            return draw(st.sampled_from([[], ["null"], ["", ""]]))
    return cut_in_pieces(draw, call.text)


def whole_arguments(draw: Draw[Any], call: Call) -> Any:
    """Return the arguments as a server sends them once more at the end."""
    is_compact = json.dumps(call.value, ensure_ascii=False, separators=(",", ":")) == call.text
    return draw(st.sampled_from([call.text, call.value if is_compact else call.text]))


def whole(call: Call) -> dict[str, Any]:
    """Return a call as in a whole message of chat completions."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}


@st.composite
def in_chunks(draw: Draw[Any], calls: list[Call]) -> list[list[dict[str, Any]]]:
    """Draw the chunks in which a chat completions server sends calls: lists of pieces."""
    way = draw(st.sampled_from(["index", "index as text", "zero", "ids", "in turn", "at once"]))
    if way == "at once":
        return [[whole(call) for call in calls]] if calls else []
    is_by_id = way in {"zero", "ids"} or draw(st.booleans())
    if way == "in turn":
        is_by_id = draw(st.booleans())
    chunks = []
    for n, call in enumerate(calls):
        index = {"index": n, "index as text": str(n), "zero": 0}.get(way)
        place = {} if index is None else {"index": index}
        pieces = [{**place, "function": {"arguments": piece}} for piece in arguments_in_pieces(draw, call)]
        chunks += [[piece] for piece in begun(draw, call, place, pieces, is_by_id=is_by_id)]
    return chunks


def begun(
    draw: Draw[Any], call: Call, place: dict[str, Any], pieces: list[dict[str, Any]], *, is_by_id: bool
) -> list[dict[str, Any]]:
    """Put a call's id and name before its pieces, or into them."""
    id_ = {"id": call.id} if is_by_id else draw(st.sampled_from([{}, {"id": ""}, {"id": None}]))
    match draw(st.sampled_from(["first", "in the first", "name later", "in each"])):
        case "in the first" if pieces:
            named = {"name": call.name, **pieces[0]["function"]}
            return [{**id_, **place, "type": "function", "function": named}, *pieces[1:]]
        case "name later" if is_by_id:
            return [{**id_, **place}, {**place, "function": {"name": call.name}}, *pieces]
        case "in each" if is_by_id and pieces:
            return [{**id_, **piece, "function": {"name": call.name, **piece["function"]}} for piece in pieces]
    return [{**id_, **place, "function": {"name": call.name, "arguments": ""}}, *pieces]
