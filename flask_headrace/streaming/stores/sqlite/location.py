"""Where a file of SQLite can be, and where not. It opens nothing."""

from __future__ import annotations

import os
from pathlib import Path

from ....core.errors import ConfigurationError


def check_location(path: Path) -> None:
    """Refuse a path at which no file can be made or written to, with what to do.

    Raises:
        ConfigurationError: it is a folder, lies in none, or in one that cannot be written to, as SQLite has to.
    """
    if path.is_dir():
        raise ConfigurationError(
            f"HEADRACE_STORE names {path}, which is a folder: name a file in it, as in sqlite:///{path / 'streams.db'}."
        )
    folder = path.parent
    if not folder.is_dir():
        raise ConfigurationError(f"HEADRACE_STORE names {path}, and {folder} is no folder: make it, or name another.")
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ConfigurationError(
            f"HEADRACE_STORE names {path}, which this user cannot write to, or not its folder: let it, or name another."
        )
