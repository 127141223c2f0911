"""What a stream is opened with: the model that answers, and the limits of the stream."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

PartialMode: TypeAlias = Literal["calls", "all"]


class StreamContext(msgspec.Struct, frozen=True, gc=False):
    """Whom a stream asks, and what of the question its accounts need.

    Args:
        model: The model as readers name it: `provider/name`.
        provider: The provider's name.
        name: The model's name as its provider knows it.
        pricing_provider: See `prices.cost`.
        prompt_bytes: Size of the question in bytes of UTF-8.
        owner: Who asks; empty for anybody.
        partials: Of what native frames tell how a JSON document grows in it: the arguments of tool calls, or the text
            as well.
        created: When it was asked, in seconds since 1970.
        protocol: The protocol in which it was asked, where the answer repeats something of the question.
        repeated: What that is, as JSON; it travels along, since others may answer in that protocol later.
        incarnation: What tells a resumable stream from others that have the same id, before it or after it: where a
            store has lost a stream, its id can be asked for again. Empty for a plain stream.
    """

    model: str
    provider: str
    name: str
    pricing_provider: str
    prompt_bytes: int = 0
    owner: str = ""
    partial_mode: PartialMode | None = msgspec.field(default=None, name="partials")
    created: int = 0
    protocol: str = ""
    echoed_fields: bytes = msgspec.field(default=b"", name="repeated")
    incarnation: str = ""


class StreamLimits(msgspec.Struct, frozen=True, gc=False):
    """How long each wait of a stream may be (seconds, None for ever), and how much of it may be held (bytes)."""

    heartbeat: float | None = 15.0
    first_token: float | None = 60.0
    stall: float | None = 60.0
    duration: float | None = 600.0
    client: float | None = 30.0
    max_buffer_bytes: int = 256 * 1024
    grace: float = 30.0
    max_stored_bytes: int = 8 * 1024 * 1024

    def shortest_wait(self) -> float | None:
        """Return the shortest of the limits in seconds; None where there is none."""
        waits = (self.heartbeat, self.first_token, self.stall, self.duration, self.client)
        return min((wait for wait in waits if wait is not None), default=None)
