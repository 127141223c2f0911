"""A conversation in its client's own form: unchanged turns as they came, the others built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from flask_headrace.providers.chat_request import Message
from flask_headrace.providers.source_request import SourceRequest, SourceTurn, restore_turns


def source(*turns: tuple[list[str], list[Message]]) -> SourceRequest:
    return SourceRequest("anthropic", {}, tuple(SourceTurn(tuple(values), tuple(read)) for values, read in turns))


def build(messages: Sequence[Message]) -> list[Any]:
    return [f"built {message.content}" for message in messages]


A, B, C, D = (Message("user", text) for text in "abcd")


def test_unchanged_turns_are_as_they_came_whatever_they_were_converted_to() -> None:
    sent = source((["one"], [A]), (["two", "three"], [B]), (["four"], [C, D]))
    assert restore_turns((A, B, C, D), sent, build) == ["one", "two", "three", "four"]


def test_a_turn_of_which_nothing_was_read_keeps_its_place() -> None:
    sent = source((["first"], []), (["one"], [A]), (["between"], []), (["two"], [B]), (["last"], []))
    assert restore_turns((A, B), sent, build) == ["first", "one", "between", "two", "last"]


def test_messages_that_were_added_are_built_where_they_are() -> None:
    sent = source((["one"], [A]), (["two"], [B]))
    new = Message("system", "new")
    assert restore_turns((new, A, B), sent, build) == ["built new", "one", "two"]
    assert restore_turns((A, new, B), sent, build) == ["one", "built new", "two"]
    assert restore_turns((A, B, new), sent, build) == ["one", "two", "built new"]


def test_a_message_that_was_replaced_is_built_and_one_that_was_removed_is_gone() -> None:
    sent = source((["one"], [A]), (["two"], [B, C]), (["three"], [D]))
    other = msgspec.structs.replace(B, content="other")
    assert restore_turns((A, other, C, D), sent, build) == ["one", "built other", "built c", "three"]
    assert restore_turns((A, D), sent, build) == ["one", "three"]
    assert restore_turns((), sent, build) == []


def test_an_equal_message_that_the_application_made_is_not_the_one_that_was_sent() -> None:
    assert restore_turns((Message("user", "a"),), source((["one"], [A])), build) == ["built a"]


@given(st.data())
def test_no_message_is_lost_doubled_or_moved(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 3), max_size=6))
    turns = [([f"{turn}.{part}" for part in range(size)], [Message("user", f"{turn}.{part}") for part in range(size)])
             for turn, size in enumerate(sizes)]  # fmt: skip
    messages = [message for _, read in turns for message in read]
    changed = [data.draw(st.booleans()) for _ in messages]
    now = [Message("user", str(old.content)) if is_new else old for old, is_new in zip(messages, changed, strict=True)]
    restored = restore_turns(now, source(*turns), build)
    assert [value.removeprefix("built ") for value in restored] == [message.content for message in messages]
