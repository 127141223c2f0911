"""Who wants to know that a stream has changed.

It knows streams by their ids and what to call; how a store notices a change is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gevent import get_hub

Callback: TypeAlias = Callable[[], None]


def do_nothing(_: str) -> None:
    """Do nothing."""


class ChangeNotifier:
    """The watches of one process.

    Args:
        on_first: Called with the id of a stream that nobody has watched so far. It must not wait: whoever begins to
            watch may be ended meanwhile, and what ends the watch would be lost.
        on_last: Called with the id of a stream that nobody watches any more. It must not wait either.
    """

    def __init__(
        self, on_first: Callable[[str], None] = do_nothing, on_last: Callable[[str], None] = do_nothing
    ) -> None:
        self._wakes: dict[str, dict[object, Callback]] = {}
        self._on_first = on_first
        self._on_last = on_last

    def __len__(self) -> int:
        return len(self._wakes)

    @property
    def ids(self) -> list[str]:
        """The streams that are watched."""
        return list(self._wakes)

    def add(self, stream: str, wake: Callback) -> Callback:
        """Call `wake` in the event loop from now on; return what ends that, which may be called twice.

        Where `on_first` raises, nothing is left.
        """
        token = object()
        is_first = stream not in self._wakes
        self._wakes.setdefault(stream, {})[token] = wake
        try:
            if is_first:
                self._on_first(stream)
        except BaseException:
            self._remove(stream, token)
            raise
        return lambda: self._remove(stream, token)

    def __contains__(self, stream: str) -> bool:
        return stream in self._wakes

    def _remove(self, stream: str, token: object) -> None:
        wakes = self._wakes.get(stream, {})
        if wakes.pop(token, None) is not None and not wakes:
            del self._wakes[stream]
            self._on_last(stream)

    def notify(self, streams: Iterable[str]) -> None:
        """Wake all that watch these streams."""
        run = get_hub().loop.run_callback
        for stream in streams:
            for token in self._wakes.get(stream, ()):
                run(self._run, stream, token)

    def _run(self, stream: str, token: object) -> None:
        # Between the change and the loop's next turn the watch may have ended.
        wake = self._wakes.get(stream, {}).get(token)
        if wake is not None:
            wake()
