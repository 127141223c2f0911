"""Turns the items of the Responses API's conversation into the messages of a `ChatRequest`. Pure.

What goes where:

| in the Responses API                              | in a `ChatRequest`                                               |
|---------------------------------------------------|------------------------------------------------------------------|
| `message` of a user, system or developer          | a message of its own                                             |
| `reasoning`, assistant `message` and calls of one | one assistant message: reasoning and texts in their order, then  |
| answer, also while outputs are still to come      | the calls                                                        |
| `custom_tool_call`                                | a call with `{"input": …}`                                       |
| `function_call` with a `namespace`                | a call of the function's flat name                               |
| `function_call_output`, `custom_tool_call_output` | a `tool` message                                                 |
| `compaction` of this service                      | a user message with the summary                                  |
| `additional_tools`                                | tools of the request                                             |
| other items: calls of the provider's own tools    | nothing; only a provider of the Responses API receives them      |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import InvalidRequest
from ...core.tool_namespaces import QualifiedName
from ...providers.chat_request import Json, Message, Part, TextPart, ToolCall
from ...providers.source_request import SourceTurn
from .input_items import (
    CallOutputItem,
    CompactionItem,
    CustomToolCallItem,
    FunctionCallItem,
    Item,
    MessageItem,
    ReasoningItem,
)
from .items import ItemReader
from .leftovers import Leftovers

_OUTPUT_TYPES = frozenset({"function_call_output", "custom_tool_call_output"})


class _Answer:
    """The items of one answer of the model, and what follows them until the outputs of all calls have come."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.calls: list[ToolCall] = []
        self.values: list[Any] = []  # all items, as they came
        self.size = 0  # number of items of the answer before the first other item
        self.others: list[tuple[Any, Message | None]] = []  # the other items, with their messages
        self.pending: set[str] = set()  # the ids of the calls whose output is still to come
        self.has_text = False  # whether any of the parts is text
        self.is_torn = False  # whether other items stand between those of the answer

    def add_value(self, value: Any) -> None:  # noqa: ANN401  # any JSON
        """Add an item of the answer."""
        self.values.append(value)
        if self.others:
            self.is_torn = True
        else:
            self.size += 1

    def add_other(self, value: Any, message: Message | None) -> None:  # noqa: ANN401  # any JSON
        """Add an item that is not one of the answer's."""
        self.values.append(value)
        self.others.append((value, message))

    def accepts(self, item: Item) -> bool:
        """Whether an item of the model belongs to this answer."""
        if self.pending or not (self.others or self.parts or self.calls):
            return True
        return not self.others and (
            isinstance(item, (FunctionCallItem, CustomToolCallItem)) or not (self.has_text or self.calls)
        )

    def turns(self) -> list[SourceTurn]:
        """Return the turns: one if other items stand between those of the answer, whose order would be lost else."""
        is_empty = not (self.parts or self.calls)
        message = () if is_empty else (Message("assistant", tuple(self.parts), tool_calls=tuple(self.calls)),)
        if self.is_torn:
            others = [message for _, message in self.others if message is not None]
            return [SourceTurn(tuple(self.values), (*message, *others))]
        turns = [SourceTurn(tuple(self.values[: self.size]), message)]
        return turns + [SourceTurn((value,), (other,) if other else ()) for value, other in self.others]


class ConversationReader:
    """Reads the items of one request, in their order.

    Args:
        leftovers: Receives what a `ChatRequest` does not contain.
        names: The flat names of the functions in namespaces.
    """

    def __init__(self, leftovers: Leftovers, names: Mapping[QualifiedName, str]) -> None:
        self._leftovers, self._items = leftovers, ItemReader(leftovers, names)
        self._turns: list[SourceTurn] = []
        self._answer: _Answer | None = None
        self._known_calls: set[str] = set()

    def read(self, values: Sequence[Json]) -> list[SourceTurn]:
        """Return the turns of a conversation.

        Raises:
            InvalidRequest: an item is invalid; the message names it.
        """
        items = [self._items.item(value, f"input[{number}]") for number, value in enumerate(values)]
        last_outputs = {item.call_id: number for number, item in enumerate(items) if isinstance(item, CallOutputItem)}
        for number, (item, value) in enumerate(zip(items, values, strict=True)):
            path = f"input[{number}]"
            match item:
                case None:
                    self._add_unknown(value)
                case CallOutputItem():
                    self._add_output(item, value, path)
                case CompactionItem():
                    summary = self._items.summary(item)
                    self._add_other({"role": summary.role, "content": summary.content}, summary)
                case MessageItem(role) if role != "assistant":
                    self._add_other(value, self._items.message(item, path))
                case _:
                    self._add_to_answer(item, value, path)
                    if isinstance(item, (FunctionCallItem, CustomToolCallItem)):
                        self._await_output(item.call_id or "", last_outputs.get(item.call_id, -1) > number)
        self._close()
        return self._turns

    def _close(self) -> None:
        if self._answer is not None:
            self._turns += self._answer.turns()
            self._answer = None

    def _add_to_answer(self, item: Item, value: Json, path: str) -> None:
        if self._answer is not None and not self._answer.accepts(item):
            self._close()
        answer = self._answer = self._answer or _Answer()
        answer.add_value(value)
        match item:
            case FunctionCallItem() | CustomToolCallItem():
                answer.calls.append(self._items.call(item, path))
            case ReasoningItem():
                answer.parts.append(self._items.reasoning(item))
            case MessageItem():
                parts = self._items.answer_parts(item, path)
                answer.parts += parts
                answer.has_text |= any(isinstance(part, TextPart) for part in parts)

    def _await_output(self, call_id: str, is_answered: bool) -> None:
        self._known_calls.add(call_id)
        if is_answered and self._answer is not None:
            self._answer.pending.add(call_id)

    def _add_output(self, item: CallOutputItem, value: Json, path: str) -> None:
        content = self._items.output(item, path)
        if item.call_id in self._known_calls:
            self._add_other(value, Message("tool", content, tool_call_id=item.call_id))
            if self._answer is not None:
                self._answer.pending.discard(item.call_id or "")
        elif self._leftovers.state:
            # The provider's server keeps the call.
            self._add_other(value, Message("user", content))
        else:
            raise InvalidRequest(f"{path}.call_id is {item.call_id!r:.100}, but no call before it has this call_id.")

    def _add_other(self, value: Json, message: Message) -> None:
        if self._answer is not None and not self._answer.pending and message.role != "tool":
            self._close()
        if self._answer is None:
            self._turns.append(SourceTurn((value,), (message,)))
        else:
            self._answer.add_other(value, message)

    def _add_unknown(self, value: Json) -> None:
        if self._answer is None:
            self._turns.append(SourceTurn((value,), ()))
        elif self._answer.others:
            self._answer.add_other(value, None)
        else:
            self._answer.add_value(value)
