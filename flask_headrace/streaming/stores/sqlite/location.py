"""Whether the file of an SQLite store can be created at a path. Opens nothing."""

from __future__ import annotations

import os
from pathlib import Path

from ....core.errors import ConfigurationError


def check_location(path: Path) -> None:
    """Raise, with advice, if no file can be created at a path or the file there cannot be written to.

    Raises:
        ConfigurationError: the path is a folder, its folder does not exist, or the user may not write to the folder (as
            SQLite has to) or to the file.
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
