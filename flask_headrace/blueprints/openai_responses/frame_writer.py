"""Writes the frames of one response, with their numbers, and those that open and close an item. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core import exact_json
from ...core.answer import Block
from ...core.sse import encode_event
from ...core.text_buffer import MAX_TEXT_CHARS
from .output import Output
from .output_items import Status
from .request_echo import Json

_json = exact_json.encode


class FrameWriter:
    """Writes frames.

    Args:
        output: The items of the response.
        abort: Ends a response that is too long; does not return.

    Attributes:
        output: The items of the response.
        sequence: The number of the next frame.
    """

    def __init__(self, output: Output, abort: Callable[[], None]) -> None:
        self.output = output
        self.sequence = 0
        self._abort = abort
        self._size = 0  # characters of all items

    def frame(self, event_type: str, /, **fields: Any) -> bytes:  # noqa: ANN401  # JSON values
        """Return a frame."""
        self.sequence += 1
        return encode_event(
            event_type.encode(), _json({"type": event_type, **fields, "sequence_number": self.sequence - 1})
        )

    def open_item(self, block: Block) -> bytes:
        """Return the frame that adds an item."""
        index = self.output.open(block)
        return self.frame("response.output_item.added", output_index=index, item=self.output.item(index, "in_progress"))

    def close_item(self, index: int, status: Status = "completed") -> bytes:
        """Return the frame of an item that does not change any more."""
        item = self.output.complete(index, status)
        return self.frame("response.output_item.done", output_index=index, item=item)

    def place(self, index: int) -> Json:
        """Return the fields by which a frame refers to an item."""
        return {"item_id": self.output.items[index].id, "output_index": index}

    def append_text(self, block: Block, *texts: str) -> None:
        """Add texts to a block."""
        before = block.buffer.size
        block.buffer.append(*texts)
        self.grow(block.buffer.size - before)

    def grow(self, size: int) -> None:
        """Count characters of the answer: the last frame repeats it, so its size is limited."""
        self._size += size
        if self._size > MAX_TEXT_CHARS:
            self._abort()
