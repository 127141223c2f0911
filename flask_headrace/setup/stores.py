"""From settings to the store of resumable streams."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..core.errors import ConfigurationError
from ..settings import Settings
from ..streaming.stores.base import Store, StoreLimits
from ..streaming.stores.factory import open_store
from ..streaming.stores.sqlite.database import SCHEMA_VERSION


def open_configured_store(settings: Settings) -> Store:
    """Return the store that the settings name.

    Raises:
        ConfigurationError: there is no such store, or it cannot be used.
    """
    if settings.store == "memory" and _has_several_workers():
        raise ConfigurationError(
            f"HEADRACE_STORE is memory, and there are {os.environ['WEB_CONCURRENCY']} workers, which would not know of "
            "each other's streams: leave it out, or name a file or a Redis, as in sqlite:///streams.db."
        )
    bounds = StoreLimits(
        stream_bytes=settings.store_stream, total_bytes=settings.store_total, retention=settings.retention
    )
    return open_store(settings.store or _usual(), bounds)


def _usual() -> str:
    if not _has_several_workers():
        return "memory"
    # Nobody named this file, so nobody should have to remove it: another version of the schema has another.
    return f"sqlite:///{_private_folder() / f'streams-{SCHEMA_VERSION}.db'}"


def _has_several_workers() -> bool:
    return os.environ.get("WEB_CONCURRENCY", "1") not in {"", "0", "1"}


def _private_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"headrace-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise ConfigurationError(
            f"{folder}, where the streams of several workers are kept, is not this user's alone: remove it, or set "
            "HEADRACE_STORE to another place, as in sqlite:////var/lib/headrace/streams.db."
        )
    return folder
