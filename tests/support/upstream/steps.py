"""The steps of an upstream's answer, and scripts of steps. Values only.

This module knows no sockets and no providers. The player turns steps into bytes and waits; the wires build scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


@dataclass(frozen=True)
class Head:
    """Send the status line and the headers, which determine how the body's end is marked.

    It is marked by `content_length` if there is one, else by the chunked coding, else (`chunked=False`) by the close.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = EVENT_STREAM
    chunked: bool = True
    content_length: int | None = None


@dataclass(frozen=True)
class HalfHead:
    """Send only the first `size` bytes of a head."""

    size: int = 30
    head: Head = Head()


@dataclass(frozen=True)
class Chunk:
    """Send a piece of the body, in the coding that the head announced, as one write of its own.

    `deltas` is the number of the model's deltas that this piece completes. `last` ends the body in the same write, so
    that a client that disconnects at `[DONE]` cannot disconnect before the answer counts as finished.
    """

    data: bytes
    deltas: int = 0
    last: bool = False


@dataclass(frozen=True)
class Bytes:
    """Send bytes without any coding. A script that consists only of such steps counts as a complete answer."""

    data: bytes
    deltas: int = 0


@dataclass(frozen=True)
class Pause:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Gate:
    """Wait until the test calls `upstream.open_gate(name)`; meanwhile the record's `at_gate` is `name`."""

    name: str


@dataclass(frozen=True)
class Hang:
    """Send nothing until the peer disconnects."""


@dataclass(frozen=True)
class Close:
    """Close the connection: the peer receives FIN after all sent bytes."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection: the peer receives RST, and may lose bytes that it has not read yet."""


@dataclass(frozen=True)
class HalfClose:
    """Send FIN and keep the socket open, so that a test can see whether the peer closes its side. Not with TLS."""


@dataclass(frozen=True)
class Burst:
    """Send `chunk` `count` times as fast as the peer reads, `per_write` of them in one write.

    In the chunk, `{n}` is replaced by its number from 0, `{t}` by `time.monotonic_ns()`; likewise in `Paced`.
    """

    chunk: Chunk
    count: int
    per_write: int = 20


@dataclass(frozen=True)
class Paced:
    """Send `chunk` `per_second` times a second, each in a write of its own; without end if `count` is None."""

    chunk: Chunk
    per_second: float
    count: int | None = None


@dataclass(frozen=True)
class Flood:
    """Send `chunk` again and again as fast as the peer reads, until `total` bytes of body are sent."""

    chunk: Chunk
    total: int


FINISH = Chunk(b"", last=True)  # ends the body properly

Step = Head | HalfHead | Chunk | Bytes | Pause | Gate | Hang | Close | Reset | HalfClose | Burst | Paced | Flood


@dataclass(frozen=True)
class Script:
    """The steps of one answer. `whole` answers requests without `"stream": true`; None for the same answer.

    After the last step the connection waits for its next request. A script that does not end the body hangs.
    """

    steps: tuple[Step, ...]
    whole: Script | None = None

    def for_body(self, body: object) -> Script:
        """Return the script for a request: this one, or `whole` if the body does not request a stream."""
        is_streamed = isinstance(body, dict) and body.get("stream") is True
        return self if is_streamed or self.whole is None else self.whole

    def then(self, *steps: Step) -> Script:
        """Return this script with further steps at its end."""
        return Script((*self.steps, *steps), self.whole)

    @property
    def body(self) -> bytes:
        """The bytes of the body in the script's chunks, without their coding."""
        return b"".join(step.data for step in self.steps if isinstance(step, Chunk))


def script(*steps: Step) -> Script:
    """Return a script with these steps."""
    return Script(steps)
