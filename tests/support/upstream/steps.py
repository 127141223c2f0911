"""What an upstream's answer consists of: frozen steps, and a script of them.

Knows nothing of sockets or of any provider. The player turns steps into bytes and waits; the wires build scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

EVENT_STREAM = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


@dataclass(frozen=True)
class Head:
    """Send the status line and the headers, and settle how the body's end is told.

    By `content_length` if there is one, else by the chunked coding, else (`chunked=False`) by closing the connection.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = EVENT_STREAM
    chunked: bool = True
    content_length: int | None = None


@dataclass(frozen=True)
class HalfHead:
    """Send the first `size` bytes of a head, and no more of it."""

    size: int = 30
    head: Head = Head()


@dataclass(frozen=True)
class Chunk:
    """Send a piece of the body, in the coding that the head announced, as one write of its own.

    `deltas` says how many of the model's deltas are complete with it. `last` ends the body in the same write, so that a
    client that hangs up on `[DONE]` cannot leave before the answer counts as finished.
    """

    data: bytes
    deltas: int = 0
    last: bool = False


@dataclass(frozen=True)
class Bytes:
    """Send bytes as they are, past any coding. A script of nothing else is taken for a complete answer."""

    data: bytes
    deltas: int = 0


@dataclass(frozen=True)
class Pause:
    """Send nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Gate:
    """Wait until the test calls `upstream.open_gate(name)`; meanwhile the request's record says `at_gate`."""

    name: str


@dataclass(frozen=True)
class Hang:
    """Send nothing more until the peer leaves."""


@dataclass(frozen=True)
class Close:
    """Close the connection: the peer sees FIN after everything that was sent."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection: the peer sees RST, also in place of what it has not read yet."""


@dataclass(frozen=True)
class HalfClose:
    """Send FIN but keep the socket, so that it can be seen whether the peer closes its side. Not with TLS."""


@dataclass(frozen=True)
class Burst:
    """Send `chunk` `count` times as fast as the peer takes it, `per_write` of them in one write.

    `{n}` in the chunk becomes its number from 0, `{t}` the nanoseconds of `time.monotonic_ns()`; here and in `Paced`.
    """

    chunk: Chunk
    count: int
    per_write: int = 20


@dataclass(frozen=True)
class Paced:
    """Send `chunk` so many times a second, each in a write of its own; `count=None` for ever."""

    chunk: Chunk
    per_second: float
    count: int | None = None


@dataclass(frozen=True)
class Flood:
    """Send `chunk` over and over as fast as the peer takes it, until `total` bytes of body are sent."""

    chunk: Chunk
    total: int


FINISH = Chunk(b"", last=True)  # ends the body properly, by itself

Step = Head | HalfHead | Chunk | Bytes | Pause | Gate | Hang | Close | Reset | HalfClose | Burst | Paced | Flood


@dataclass(frozen=True)
class Script:
    """The steps of one answer; `whole` is what a request without `"stream": true` gets instead, None for the same.

    After the last step the connection waits for its next request. A script that leaves the body without its end hangs.
    """

    steps: tuple[Step, ...]
    whole: Script | None = None

    def for_body(self, body: object) -> Script:
        """Choose between the stream and the whole answer, by what the request's body asks for."""
        is_streamed = isinstance(body, dict) and body.get("stream") is True
        return self if is_streamed or self.whole is None else self.whole

    def then(self, *steps: Step) -> Script:
        """Append steps."""
        return Script((*self.steps, *steps), self.whole)

    @property
    def body(self) -> bytes:
        """The body's bytes that stand in the script's chunks, without their coding."""
        return b"".join(step.data for step in self.steps if isinstance(step, Chunk))


def script(*steps: Step) -> Script:
    """Make a script of steps."""
    return Script(steps)
