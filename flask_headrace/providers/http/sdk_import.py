"""Imports the official SDKs in a native thread, so that the event loop does not wait for them."""

from __future__ import annotations

import importlib
import platform
from functools import partial

import gevent.monkey
from gevent.lock import Semaphore

from .hub_local import HubLocal
from .native_thread import ThreadTask

_imported_sdks: set[str] = set()
_import_semaphores: HubLocal[None, Semaphore] = HubLocal(lambda _: Semaphore())
_import_lock = gevent.monkey.get_original("_thread", "allocate_lock")()


def import_sdk(sdk: str) -> None:
    """Import the module `openai` or `anthropic`, unless it is imported already.

    The import takes a second or two, in which the calling greenlet waits and others run. All imports of an SDK must use
    this module: if two threads import one at the same time, they meet in its circular imports, and both fail.
    """
    if sdk in _imported_sdks:
        return
    # One greenlet of each loop at a time: otherwise each would start a thread that waits.
    with _import_semaphores.get(None):
        if sdk not in _imported_sdks:
            # The SDKs put the platform's name into their headers. Looking it up runs `uname`: once here, or once for
            # each request that waits.
            platform.platform()
            ThreadTask(partial(import_sdk_in_this_thread, sdk)).result()
            _imported_sdks.add(sdk)


def import_sdk_in_this_thread(sdk: str) -> None:
    """Import the module `openai` or `anthropic` in the current thread, which must not be the event loop's."""
    with _import_lock:
        importlib.import_module(sdk)
        importlib.import_module(f"{sdk}.resources")
