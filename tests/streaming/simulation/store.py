"""A store in virtual time, and the proxies through which workers call it: calls take time there, and fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import gevent
import msgspec
from gevent import get_hub

from flask_headrace.core.errors import StoreUnavailable
from flask_headrace.streaming.stores.base import EventBatch, StoreLimits, StreamClaim, StreamRecord
from flask_headrace.streaming.stores.memory import MemoryStore
from flask_headrace.streaming.stores.notifier import ChangeNotifier
from tests.streaming.simulation.faults import TICK, Faults, UnexpectedError


class _LateNotifier(ChangeNotifier):
    """Calls back in a fixed order, some ticks later; not at all while the store is away."""

    def __init__(self, rng: Random, faults: Faults) -> None:
        super().__init__()
        self._rng, self._faults = rng, faults

    def notify(self, streams: Iterable[str]) -> None:
        if self._faults.is_away:
            return
        for stream in sorted(streams):
            for token in list(self._callbacks.get(stream, ())):
                timer = get_hub().loop.timer(self._rng.choice([0.0, 0.0, TICK]))
                timer.start(self._run, stream, token)


class SimulatedStore(MemoryStore):
    """A store that can lose data.

    Attributes:
        losses: The ids of streams that have lost data; "" for all of them.
        leases_lost_at: When leases were last lost.
        was_behind: Whether an append has failed or taken long, so a cursor may be ahead of the store.
        on_acquired: Called with the name of a worker when one of its streams is acquired by another.
    """

    def __init__(self, rng: Random, faults: Faults, limits: StoreLimits) -> None:
        super().__init__(limits)
        self._rng = rng
        self._changes, self._stop_requests = _LateNotifier(rng, faults), _LateNotifier(rng, faults)
        self.losses: set[str] = set()
        self.leases_lost_at = float("-inf")
        self.was_behind = False
        self.on_acquired: Callable[[str], None] = lambda _: None

    @property
    def watched(self) -> int:
        """How many streams are watched."""
        return len(self._changes) + len(self._stop_requests)

    def is_empty(self) -> bool:
        return not self._streams

    def notify_all(self) -> None:
        """Call all callbacks, as a store does that is back."""
        for watches in (self._changes, self._stop_requests):
            watches.notify(watches.ids)

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        is_acquired = super().acquire(id, dead, worker)
        if is_acquired:
            self.on_acquired(dead)
        return is_acquired

    def lose_everything(self) -> None:
        self._lost("")
        self.leases_lost_at = get_hub().loop.now()
        for kept in (self._streams, self._names, self._readers, self._leases):
            kept.clear()
        self._size = 0

    def lose_something(self) -> None:
        """Lose what an eviction removes: a lease, a stream, all batches of one, one batch, or the last."""
        rng = self._rng
        what = rng.choice(["lease", "stream", "entries", "entry", "entry", "last", "last"])
        if what == "lease" and self._leases:
            del self._leases[rng.choice(sorted(self._leases))]
            self.leases_lost_at = get_hub().loop.now()
        elif self._streams and what != "lease":
            id_ = rng.choice(sorted(self._streams))
            self._lost(id_)
            stream = self._streams[id_]
            if what == "stream":
                self._remove(id_)
            elif what == "entries":
                stream.batches.clear()
            elif stream.batches:
                del stream.batches[-1 if what == "last" else rng.randrange(len(stream.batches))]

    def damage(self) -> None:
        """Change the bytes of one batch."""
        if found := [id_ for id_ in sorted(self._streams) if self._streams[id_].batches]:
            id_ = self._rng.choice(found)
            self._lost(id_)
            entries = self._streams[id_].batches
            place = self._rng.randrange(len(entries))
            entries[place] = msgspec.structs.replace(entries[place], payload=b"\xc1")

    def rewind(self) -> None:
        """Restore an earlier state, without the last batch of each stream."""
        self._lost("")
        for stream in self._streams.values():
            if stream.batches:
                entry = stream.batches.pop()
                stream.last, stream.is_finished = entry.first - 1, False

    def _lost(self, id_: str) -> None:
        self.losses.add(id_)

    def has_lost(self, id_: str) -> bool:
        return not self.losses.isdisjoint({"", id_})


class StoreProxy:
    """The store as one worker reaches it.

    Attributes:
        is_dead: Whether the worker is dead: its calls never return.
        trouble: When a renewal of its lease last failed or took long, other than by an outage.
    """

    def __init__(self, store: SimulatedStore, faults: Faults, window: float) -> None:
        self._store, self._faults = store, faults
        self.window = window
        self.is_dead = False
        self.trouble = float("-inf")
        self._unwatches: list[Callable[[], None]] = []

    def die(self) -> None:
        """Let the worker's calls never return, and end its watches."""
        self.is_dead = True
        for unwatch in self._unwatches:
            unwatch()

    def block_if_dead(self) -> None:
        """Never return if the worker is dead."""
        if self.is_dead:
            while True:
                get_hub().switch()

    def _call(self, name: str, *arguments: Any) -> Any:
        self.block_if_dead()
        plan = self._faults.plan_call(name)
        if name == "renew_lease" and plan.is_trouble and not self._faults.is_away:
            self.trouble = get_hub().loop.now() + plan.before + plan.after
        is_trouble = plan.is_trouble or self._faults.is_away
        self._store.was_behind |= name == "append" and is_trouble
        self._faults.has_hidden_readers |= name in {"add_reader", "has_stream_readers", "remove_reader"} and is_trouble
        self._wait(plan.before)
        if self._faults.raises_unexpected(name):
            self._store.was_behind |= name == "append"
            raise UnexpectedError
        if plan.fails_before or (self._faults.is_away and not self._faults.fails_after_execution):
            raise StoreUnavailable("The store is away.", retry_after=1)
        done = getattr(self._store, name)(*arguments)
        self._wait(plan.after)
        if plan.fails_after:
            raise StoreUnavailable("The store is away.", retry_after=1)
        return done

    def _wait(self, seconds: float) -> None:
        gevent.sleep(seconds)
        self.block_if_dead()

    # Implements `Store`

    def check(self) -> str | None:
        return self._call("check")

    def claim(self, claim: StreamClaim, name: str | None = None) -> StreamRecord | None:
        return self._call("claim", claim, name)

    def withdraw(self, id: str, worker: str) -> None:  # noqa: A002
        self._call("withdraw", id, worker)

    def append(self, worker: str, batches: list[EventBatch]) -> set[str]:
        return self._call("append", worker, list(batches))

    def find(self, id: str) -> StreamRecord | None:  # noqa: A002
        return self._call("find", id)

    def read(self, id: str, after: int, max_bytes: int) -> list[EventBatch]:  # noqa: A002
        return self._call("read", id, after, max_bytes)

    def request_stop(self, id: str) -> None:  # noqa: A002
        self._call("request_stop", id)

    def add_reader(self, id: str, reader: str, seconds: float) -> None:  # noqa: A002
        self._call("add_reader", id, reader, seconds)

    def remove_reader(self, id: str, reader: str) -> None:  # noqa: A002
        self._call("remove_reader", id, reader)

    def has_stream_readers(self, id: str) -> bool:  # noqa: A002
        return self._call("has_stream_readers", id)

    def has_readers(self, worker: str) -> bool:
        return self._call("has_readers", worker)

    def renew_lease(self, worker: str) -> None:
        self._call("renew_lease", worker)

    def is_alive(self, worker: str) -> bool:
        return self._call("is_alive", worker)

    def acquire(self, id: str, dead: str, worker: str) -> bool:  # noqa: A002
        return self._call("acquire", id, dead, worker)

    def delete_expired(self) -> None:
        self._call("delete_expired")

    def watch(self, id: str, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        return self._begin(self._store.watch, id, callback)

    def watch_stop(self, id: str, callback: Callable[[], None]) -> Callable[[], None]:  # noqa: A002
        return self._begin(self._store.watch_stop, id, callback)

    def _begin(
        self, watch: Callable[..., Callable[[], None]], id_: str, callback: Callable[[], None]
    ) -> Callable[[], None]:
        """Begin a watch. Beginning and ending it may let other greenlets run."""
        self.block_if_dead()
        unwatch = watch(id_, lambda: None if self.is_dead else callback())
        self._unwatches.append(unwatch)
        try:
            self._wait(self._faults.moment())
        except BaseException:
            unwatch()
            raise

        def end() -> None:
            unwatch()
            if gevent.getcurrent() is not get_hub():
                self._wait(self._faults.moment())

        return end
