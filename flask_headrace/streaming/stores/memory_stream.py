"""A stream in the memory of this process, with its batches and its size."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from .base import EventBatch, StreamClaim, StreamRecord

BATCH_OVERHEAD_BYTES, STREAM_OVERHEAD_BYTES = 128, 640
"""Bytes of memory of a batch beside its payload, and of a stream beside its batches."""


@dataclass(slots=True)
class MemoryStream:
    """A stream and its batches.

    Attributes:
        claim: The claim; its worker changes when the stream is acquired.
        name: The name by which the stream was begun; None for no name.
        touched: When the stream last got a batch or its worker was last seen alive (monotonic clock).
        batches: The batches, oldest first.
        last: The number of the last event.
        size: The bytes of all payloads.
    """

    claim: StreamClaim
    name: str | None
    touched: float
    batches: list[EventBatch] = field(default_factory=list)
    last: int = 0
    size: int = 0
    is_finished: bool = False
    is_stopping: bool = False

    def record(self) -> StreamRecord:
        """Return the record of the stream."""
        return StreamRecord(self.claim, self.last, self.is_finished, self.is_stopping)

    @property
    def size_in_memory(self) -> int:
        """The bytes of memory that the stream takes."""
        return STREAM_OVERHEAD_BYTES + self.size + BATCH_OVERHEAD_BYTES * len(self.batches)

    def add(self, batch: EventBatch) -> None:
        """Append a batch."""
        self.batches.append(batch)
        self.last += batch.count
        self.size += len(batch.payload)
        self.is_finished = batch.is_last
        self.touched = time.monotonic()

    def after(self, number: int) -> Iterator[EventBatch]:
        """Return the batches with events after a number."""
        start = bisect_right(self.batches, number, key=lambda batch: batch.first + batch.count - 1)
        return (self.batches[index] for index in range(start, len(self.batches)))
