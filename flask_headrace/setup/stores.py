"""Opens the store of resumable streams that the settings name."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from ..core.errors import ConfigurationError
from ..server.process_count import ProcessCount, count_processes
from ..settings import Settings
from ..streaming.stores.base import Store, StoreLimits
from ..streaming.stores.factory import open_store
from ..streaming.stores.memory import MemoryStore
from ..streaming.stores.sqlite.database import SCHEMA_VERSION

REMEDY = "name a file or a Redis in HEADRACE_STORE, as in sqlite:///streams.db"

log = logging.getLogger("flask_headrace")


def open_configured_store(settings: Settings, application: str) -> Store:
    """Open and return the store of HEADRACE_STORE.

    Without that setting, the store is memory if one process serves the application, and an SQLite file if several do.

    Args:
        settings: The settings.
        application: Tells the application from others of this machine, which get files of their own.

    Raises:
        ConfigurationError: the setting is not a store, or the store cannot be used.
    """
    processes = count_processes()
    if settings.store == "memory" and processes.configured > 1:
        raise ConfigurationError(
            f"HEADRACE_STORE is memory, and there are {processes.configured} workers, which cannot read each other's "
            "memory: leave the setting out, or name a file or a Redis, as in sqlite:///streams.db."
        )
    _warn_of_first_worker(settings, processes)
    limits = StoreLimits(
        stream_bytes=settings.store_stream, total_bytes=settings.store_total, retention=settings.retention
    )
    return open_store(settings.store or _default_url(processes, f"{application} {settings.bind}"), limits)


def _warn_of_first_worker(settings: Settings, processes: ProcessCount) -> None:
    # gunicorn ends the whole service if a worker that it adds after SIGTTIN does not start.
    if processes.running > processes.configured == 1 and not settings.store:
        log.warning(
            "There are %d workers now, and the first one keeps its resumable streams in its memory, where no other can "
            "find them: start gunicorn with --workers 2, or %s.",
            processes.running,
            REMEDY,
        )


def warn_of_separate_memories(store: Store) -> None:
    """Log a warning if `store` is the memory of one of several processes, as the server knows once it has forked them.

    A program may load an application before it gives it to gunicorn.
    """
    if isinstance(store, MemoryStore) and (count := count_processes().running) > 1:
        log.warning(
            "There are %d workers, and each keeps its resumable streams in its own memory, where no other can find "
            "them: %s.",
            count,
            REMEDY,
        )


def unknown_stream_warning(store: Store) -> Callable[[], None]:
    """Return a function to be called when a client asks for a stream that `store` does not have.

    Its first call logs a warning if the server does not say how many processes it has: another one may have the stream
    in its memory.
    """
    is_pending = isinstance(store, MemoryStore)

    def warn() -> None:
        nonlocal is_pending
        if not is_pending:
            return
        is_pending = False
        if not count_processes().is_known:
            log.warning(
                "A client has asked for a resumable stream that is not in the memory of process %d: it has expired, or "
                "another process of this server keeps it. If the server has several processes, %s.",
                os.getpid(),
                REMEDY,
            )

    return warn


def _default_url(processes: ProcessCount, service: str) -> str:
    if processes.running == 1:
        return "memory"
    # The name contains the version of the schema: after an update nobody has to remove the file of the old version.
    name = f"streams-{sha256(service.encode()).hexdigest()[:12]}-{SCHEMA_VERSION}.db"
    return f"sqlite:///{_private_folder() / name}"


def _private_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"headrace-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise ConfigurationError(
            f"{folder}, where several workers store their streams, can be accessed by other users: remove it, or set "
            "HEADRACE_STORE to another place, as in sqlite:////var/lib/headrace/streams.db."
        )
    return folder
