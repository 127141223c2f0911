"""The callbacks of one process that are called after a stream has changed.

It knows streams by their ids. How a change is noticed is up to each store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gevent import get_hub

Callback: TypeAlias = Callable[[], object]


def do_nothing(_: str) -> None:
    """Do nothing."""


class ChangeNotifier:
    """The registered callbacks of one process.

    Args:
        on_first: Called with the id of a stream when its first callback is added. Must not wait: the greenlet that adds
            the callback may be killed meanwhile, and the function that removes the callback would be lost.
        on_last: Called with the id of a stream when its last callback is removed. Must not wait either.
    """

    def __init__(
        self, on_first: Callable[[str], None] = do_nothing, on_last: Callable[[str], None] = do_nothing
    ) -> None:
        self._callbacks: dict[str, dict[object, Callback]] = {}
        self._on_first = on_first
        self._on_last = on_last

    def __len__(self) -> int:
        return len(self._callbacks)

    @property
    def ids(self) -> list[str]:
        """The ids of the streams that have callbacks."""
        return list(self._callbacks)

    def add(self, stream: str, callback: Callback) -> Callable[[], None]:
        """Call `callback` in the event loop after each change of a stream, from now on.

        If `on_first` raises, the callback is not added.

        Returns:
            A function that removes the callback. Idempotent.
        """
        token = object()
        is_first = stream not in self._callbacks
        self._callbacks.setdefault(stream, {})[token] = callback
        try:
            if is_first:
                self._on_first(stream)
        except BaseException:
            self._remove(stream, token)
            raise
        return lambda: self._remove(stream, token)

    def __contains__(self, stream: str) -> bool:
        return stream in self._callbacks

    def _remove(self, stream: str, token: object) -> None:
        callbacks = self._callbacks.get(stream, {})
        if callbacks.pop(token, None) is not None and not callbacks:
            del self._callbacks[stream]
            self._on_last(stream)

    def notify(self, streams: Iterable[str]) -> None:
        """Call the callbacks of streams in the event loop's next turn.

        Args:
            streams: The ids of the streams that have changed.
        """
        run = get_hub().loop.run_callback
        for stream in streams:
            for token in self._callbacks.get(stream, ()):
                run(self._run, stream, token)

    def _run(self, stream: str, token: object) -> None:
        # The callback may have been removed since the change.
        callback = self._callbacks.get(stream, {}).get(token)
        if callback is not None:
            callback()
