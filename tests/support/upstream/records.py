"""Records of the requests and connections of the upstream, and the ledger with the newest version of each.

All times are `time.monotonic()`, which all processes of a machine share. The upstream's thread writes, the test's
thread reads. Records are frozen and replaced as a whole, so the values of one record are always consistent.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar


class Ended(enum.Enum):
    """How the answer to a request ended."""

    FINISHED = "finished"  # the script was played to its end
    ABORTED = "aborted by peer"
    CLOSED = "closed by us"  # Close, Reset, or the upstream was shut down


class Closed(enum.Enum):
    """How a connection ended."""

    FIN = "fin"
    RESET = "reset"
    OURS = "ours"


@dataclass(frozen=True)
class Request:
    """One request and the state of its answer.

    `name` is the model in its body, or the route, such as `GET /v1/models`, if there is none; `attempt` counts the
    requests of that name from 0. `ended` and `ended_at` are about the answer, `closed` and `closed_at` about the
    connection: the upstream noticed the peer's FIN or RST, or closed the connection itself. `bytes_sent` counts the
    bytes that the kernel has accepted, heads and coding included (with TLS before encryption, and up to 64 KiB may
    still be buffered). `blocked_since` is set while the kernel accepts no more, because the peer's window is full.
    """

    name: str
    attempt: int
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    connection: int
    arrived_at: float
    first_byte_at: float | None = None
    ended_at: float | None = None
    ended: Ended | None = None
    closed_at: float | None = None
    closed: Closed | None = None
    bytes_sent: int = 0
    deltas_sent: int = 0
    at_gate: str | None = None
    blocked_since: float | None = None
    longest_block: float = 0.0

    def stalled_for(self, seconds: float) -> bool:
        """Whether the peer has read nothing for the last `seconds` seconds."""
        return self.blocked_since is not None and time.monotonic() - self.blocked_since >= seconds

    def __repr__(self) -> str:
        state = self.ended.value if self.ended else f"at gate {self.at_gate}" if self.at_gate else "open"
        lasted = (self.ended_at or time.monotonic()) - self.arrived_at
        closed = f", connection closed ({self.closed.value})" if self.closed else ""
        blocked = ", blocked" if self.blocked_since is not None else ""
        return (
            f"<Request {self.name!r} #{self.attempt} {state}, {lasted:.3f} s, {self.deltas_sent} deltas, "
            f"{self.bytes_sent} bytes{blocked}, on connection {self.connection}{closed}>"
        )


@dataclass(frozen=True)
class Peer:
    """One accepted connection."""

    number: int
    requests: int = 0
    closed_at: float | None = None
    closed: Closed | None = None


@dataclass(frozen=True)
class Connections:
    """The number of connections that were accepted so far, and of those that are open now."""

    accepted: int
    open: int


@dataclass(frozen=True)
class Tally:
    """The numbers of requests that have arrived, by the end of their answers; cheap even for thousands."""

    arrived: int
    open: int
    finished: int
    aborted: int
    closed: int


R = TypeVar("R", Request, Peer)


class Entry(Generic[R]):
    """The place of one record in the ledger."""

    __slots__ = ("_ledger", "record")

    def __init__(self, ledger: Ledger, record: R) -> None:
        self._ledger = ledger
        self.record: R = record

    def update(self, **changes: Any) -> None:
        """Replace the record by a changed one, and wake those who wait for changes."""
        self.record = replace(self.record, **changes)
        self._ledger.touch()


class Ledger:
    """All records so far, in the order of arrival."""

    def __init__(self) -> None:
        self.requests: list[Entry[Request]] = []
        self.peers: list[Entry[Peer]] = []
        self.arrived: Counter[str] = Counter()  # by name; records that are dropped still count
        self._changes = 0
        self._changed = threading.Condition()

    def add_request(self, request: Request) -> Entry[Request]:
        """Add a new request."""
        entry = Entry(self, request)
        self.arrived[request.name] += 1
        self.requests.append(entry)
        self.touch()
        return entry

    def add_peer(self) -> Entry[Peer]:
        """Add a connection that was just accepted."""
        entry = Entry(self, Peer(len(self.peers)))
        self.peers.append(entry)
        self.touch()
        return entry

    def requests_for(self, name: str | None) -> list[Request]:
        """Return the requests with a name, or all."""
        records = [entry.record for entry in list(self.requests)]
        return [record for record in records if name is None or record.name == name]

    def forget(self) -> None:
        """Drop the records of requests whose connection is closed."""
        self.requests = [entry for entry in self.requests if entry.record.closed is None]

    def connections(self) -> Connections:
        """Count the connections."""
        peers = list(self.peers)
        return Connections(len(peers), sum(entry.record.closed is None for entry in peers))

    @property
    def changes(self) -> int:
        """A number that grows with every change."""
        return self._changes

    def touch(self) -> None:
        """Record that something has changed."""
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def wait_beyond(self, changes: int, timeout: float) -> None:
        """Wait until there were more than `changes` changes, for `timeout` seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes > changes, timeout)


def tally(requests: Iterable[Request]) -> Tally:
    """Count requests by the end of their answers."""
    ends = [request.ended for request in requests]
    return Tally(
        len(ends), ends.count(None), ends.count(Ended.FINISHED), ends.count(Ended.ABORTED), ends.count(Ended.CLOSED)
    )
