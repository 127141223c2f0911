"""Metric values that several workers share through files, safe against full disks and removed files.

prometheus_client maps a file without allocated blocks: on a full disk, the first write to it is a SIGBUS. Here the
blocks are allocated first. Values that cannot be written stay in this process's memory, and are written later. This
module knows files and folders; `metrics.py` defines the metrics.
"""

from __future__ import annotations

import logging
import os
import stat
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from prometheus_client.mmap_dict import MmapedDict

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's environment variable with the folder's path."""

INITIAL_FILE_BYTES = 1 << 16
"""Initial size of each file in bytes; the size doubles when more is needed."""

VALUE_OVERHEAD_BYTES = 36
"""Maximum bytes that prometheus_client needs for a value beside its key."""

CHECK_INTERVAL = 1.0
"""Seconds between two checks whether a file still exists, or can be created now."""

log = logging.getLogger("flask_headrace")


def install() -> None:
    """Make prometheus_client store values in `SharedMetricValues`, if it is in multiprocess mode."""
    # Imported late: at import, it decides by the environment whether it is in multiprocess mode.
    from prometheus_client import values  # noqa: PLC0415

    if os.environ.get(VARIABLE):
        values.MmapedDict = SharedMetricValues  # type: ignore[attr-defined, assignment]  # it uses only these methods


def ensure_folder() -> None:
    """Create the folder if it is missing; never raises.

    On failure a warning is logged, and each worker reports its own metrics only.
    """
    if folder := os.environ.get(VARIABLE):
        try:
            _ensure_private_folder(Path(folder))
        except OSError as error:
            log.warning("The folder of the shared metrics, %s, cannot be used: %s", folder, error)


def unshared_reason() -> str | None:
    """Write this process's values; return the reason why they are not shared, or None if they are."""
    for counts in list(SharedMetricValues.instances):
        counts.sync()
    return next(iter(SharedMetricValues.problems.values()), None)


class SharedMetricValues:
    """This process's values of one kind of metric, in memory and in a file that other workers read.

    It has the interface of prometheus_client's `MmapedDict`.

    Args:
        filename: Path of the file, chosen by prometheus_client.

    Attributes:
        instances: All open instances.
        problems: For each file that cannot be written, the reason.
    """

    instances: ClassVar[weakref.WeakSet[SharedMetricValues]] = weakref.WeakSet()
    problems: ClassVar[dict[Path, str]] = {}

    def __init__(self, filename: str) -> None:
        self._path = Path(filename)
        self._values: dict[str, tuple[float, float]] = {}
        self._file: MmapedDict | None = None
        self._shared_keys: set[str] = set()
        self._file_id: tuple[int, int] | None = None
        self._needed_bytes = self._allocated_bytes = 0
        self._checked_at = -CHECK_INTERVAL
        self.sync()
        self.instances.add(self)

    def __repr__(self) -> str:
        return f"<SharedMetricValues {self._path.name}: {len(self._shared_keys)} of {len(self._values)} shared>"

    def read_value(self, key: str) -> tuple[float, float]:
        """Return the value of `key` and its timestamp; a new key has the value 0."""
        if key not in self._values:
            self.write_value(key, 0.0, 0.0)
        return self._values[key]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Set the value of `key` and its timestamp."""
        if key not in self._values:
            self._needed_bytes += len(key.encode()) + VALUE_OVERHEAD_BYTES
        self._values[key] = value, timestamp
        if key not in self._shared_keys or time.monotonic() - self._checked_at >= CHECK_INTERVAL:
            self.sync()
        if self._file is not None and key in self._shared_keys:
            self._file.write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def sync(self) -> None:
        """Write missing values to the file, and create the file again if it was removed.

        After a failure, attempts are limited to one per CHECK_INTERVAL.
        """
        now = time.monotonic()
        if self._path in self.problems and now - self._checked_at < CHECK_INTERVAL:
            return
        self._checked_at = now
        if self._file_id is None or self._file_id != self._current_file_id():
            self._file, self._shared_keys, self._allocated_bytes = None, set(), 0
        if self._file is not None and len(self._shared_keys) == len(self._values):
            return
        try:
            self._share()
        except OSError as error:
            if self._path not in self.problems:
                log.warning("The metrics of process %d are not shared with other workers: %s", os.getpid(), error)
            self.problems[self._path] = str(error)
        else:
            self.problems.pop(self._path, None)

    def _share(self) -> None:
        from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415

        if self._file is None or self._needed_bytes + 8 > self._allocated_bytes:
            _ensure_private_folder(self._path.parent)
            self._allocated_bytes = reserve_file(self._path, self._needed_bytes + 8)
            self._file = MmapedDict(str(self._path))  # type: ignore[no-untyped-call]
            self._file_id = self._current_file_id()
            for key, value, timestamp in self._file.read_all_values():  # type: ignore[no-untyped-call]
                # Written by an earlier process with the same id: continue its counters.
                if key not in self._values:
                    self._needed_bytes += len(key.encode()) + VALUE_OVERHEAD_BYTES
                    self._values[key] = value, timestamp
        for key in self._values.keys() - self._shared_keys:
            self._file.write_value(key, *self._values[key])  # type: ignore[no-untyped-call]
            self._shared_keys.add(key)

    def _current_file_id(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close the file. Idempotent."""
        self.instances.discard(self)
        self.problems.pop(self._path, None)
        self._file = None


def reserve_file(path: Path, needed: int) -> int:
    """Allocate disk blocks for a file, and create it if it is missing; return its size.

    Args:
        path: The file.
        needed: The minimum size in bytes; the actual size is INITIAL_FILE_BYTES, doubled until it suffices.

    Raises:
        OSError: the disk is full.
    """
    size = INITIAL_FILE_BYTES
    while size < needed:
        size *= 2
    if path.exists():
        with path.open("r+b") as file:
            _allocate(file.fileno(), size)
    else:
        # Write a draft and rename it, so that other workers never read an empty file.
        draft = path.with_suffix(".new")
        try:
            with draft.open("wb") as file:
                _allocate(file.fileno(), size)
            draft.rename(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    return size


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        here = os.fstat(descriptor).st_size
        os.pwrite(descriptor, bytes(max(0, size - here)), here)


def _ensure_private_folder(folder: Path) -> None:
    """Create a folder if it is missing; raise PermissionError if other users could place files in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        raise PermissionError(f"{folder} must belong to this user and not be writable for others")
