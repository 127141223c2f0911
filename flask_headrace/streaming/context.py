"""The context and the limits with which a stream is opened."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

PartialMode: TypeAlias = Literal["calls", "all"]


class StreamContext(msgspec.Struct, frozen=True, gc=False):
    """The model that answers a stream, and the parts of its request that the stream needs.

    Args:
        model: The model's id, `provider/name`.
        provider: The provider's name.
        name: The provider's own name of the model.
        pricing_provider: See `pricing.calculate_cost`.
        prompt_bytes: Size of the request's texts in bytes of UTF-8.
        owner: The name of the API key's owner; empty if the service has no keys.
        partial_mode: Which JSON documents native `partial` frames cover: tool arguments (`"calls"`), or the text
            as well (`"all"`); None for no such frames.
        created: When the stream was requested, in seconds since 1970.
        protocol: The protocol of the request, if the response echoes fields of the request; else empty.
        echoed_fields: These fields as JSON. They are stored with the stream: another worker may send the answer.
        is_background: Whether a resumable stream goes on without readers, until it ends or somebody stops it.
        incarnation: A random name that distinguishes a resumable stream from earlier and later streams of the same id:
            after a store has lost a stream, a client can open its id again. Empty for a plain stream.
        request_id: The id of the HTTP request that opened the stream, for the log; empty for none.
        subject: What the answer is about, for the application; see `AnswerSubject`. Empty if nobody wants to know it.
        runs_tools: Whether tools run here within the answer.
        ignored: What of the request a provider does not receive, as paths for people, by the provider's name.
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
    is_background: bool = False
    incarnation: str = ""
    request_id: str = ""
    subject: bytes = b""
    runs_tools: bool = False
    ignored: dict[str, tuple[str, ...]] = {}  # msgspec gives each one of its own


class StreamLimits(msgspec.Struct, frozen=True, gc=False):
    """The time limits (seconds; None for no limit) and the size limits (bytes) of a stream.

    Args:
        heartbeat: Silence after which a reader gets a heartbeat.
        first_token: Maximum time until the source's first event.
        stall: Maximum silence of the source after its first event.
        duration: Maximum duration of the stream.
        client: Maximum time for which a reader may accept no bytes.
        max_buffer_bytes: Size of unread events at which the source has to wait.
        grace: Seconds for which a resumable stream continues without readers.
        max_stored_bytes: Size of the events of a stream up to which it is resumable.
    """

    heartbeat: float | None = 15.0
    first_token: float | None = 60.0
    stall: float | None = 60.0
    duration: float | None = 600.0
    client: float | None = 30.0
    max_buffer_bytes: int = 256 * 1024
    grace: float = 30.0
    max_stored_bytes: int = 8 * 1024 * 1024

    def shortest_wait(self) -> float | None:
        """Return the shortest time limit in seconds, `grace` aside; None if there is none."""
        waits = (self.heartbeat, self.first_token, self.stall, self.duration, self.client)
        return min((wait for wait in waits if wait is not None), default=None)
