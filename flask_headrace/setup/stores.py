"""Opens the store of resumable streams that the settings name."""

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
    """Open and return the store of HEADRACE_STORE.

    Without that setting, the store is memory if there is one worker, and an SQLite file if there are several.

    Raises:
        ConfigurationError: the setting is not a store, or the store cannot be used.
    """
    if settings.store == "memory" and _has_several_workers():
        raise ConfigurationError(
            f"HEADRACE_STORE is memory, and there are {os.environ['WEB_CONCURRENCY']} workers, which cannot read "
            "each other's memory: leave the setting out, or name a file or a Redis, as in sqlite:///streams.db."
        )
    limits = StoreLimits(
        stream_bytes=settings.store_stream, total_bytes=settings.store_total, retention=settings.retention
    )
    return open_store(settings.store or _default_url(), limits)


def _default_url() -> str:
    if not _has_several_workers():
        return "memory"
    # The name contains the version of the schema: after an update nobody has to remove the file of the old version.
    return f"sqlite:///{_private_folder() / f'streams-{SCHEMA_VERSION}.db'}"


def _has_several_workers() -> bool:
    return os.environ.get("WEB_CONCURRENCY", "1") not in {"", "0", "1"}


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
