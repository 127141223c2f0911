"""The frames of tool calls in a response: of functions with arguments, of custom tools with free text. Pure."""

from __future__ import annotations

from typing import Any

from ...core.answer import ToolCallBlock
from ...core.custom_tool_input import ArgumentsToInput
from .frame_writer import FrameWriter
from .request_echo import Json


class CallFrames:
    """Writes the frames of the calls of one response, which may grow side by side.

    Args:
        writer: Writes the frames.
    """

    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer
        self._places: dict[int, int] = {}  # output indexes of the open calls, by call index
        self._inputs: dict[int, ArgumentsToInput] = {}  # of the open calls of custom tools, by output index

    def open(self, call: int, id: str, name: str) -> bytes:  # noqa: A002
        """Return the frame that adds a call."""
        opened = self._writer.open_item(ToolCallBlock(id=id, name=name))
        items = self._writer.output.items
        self._places[call] = len(items) - 1
        if items[-1].type == "custom_tool_call":
            self._inputs[len(items) - 1] = ArgumentsToInput()
        return opened

    def extend(self, call: int, text: str) -> list[bytes]:
        """Return the frames for the next piece of a call's arguments."""
        index = self._places[call]
        self._writer.append_text(self._block(index), text)
        if (custom := self._inputs.get(index)) is not None:
            return self._input(index, custom.feed(text))
        place = self._writer.place(index)
        return [self._writer.frame("response.function_call_arguments.delta", **place, delta=text)]

    def close(self, call: int, arguments: Any) -> list[bytes]:  # noqa: ANN401  # a JSON value
        """Return the frames for the end of a call."""
        index = self._places.pop(call)
        self._block(index).arguments = arguments
        item, place, frame = self._writer.output.item(index, "completed"), self._writer.place(index), self._writer.frame
        if (custom := self._inputs.pop(index, None)) is None:
            fields: Json = {"name": item["name"], "arguments": item["arguments"]}
            done = [frame("response.function_call_arguments.done", **place, **fields)]
        else:
            rest = self._input(index, custom.end(arguments))
            done = [*rest, frame("response.custom_tool_call_input.done", **place, input=item["input"])]
        return [*done, self._writer.close_item(index)]

    def _input(self, index: int, text: str) -> list[bytes]:
        place = self._writer.place(index)
        return [self._writer.frame("response.custom_tool_call_input.delta", **place, delta=text)] if text else []

    def _block(self, index: int) -> ToolCallBlock:
        block = self._writer.output.items[index].block
        assert isinstance(block, ToolCallBlock)
        return block
