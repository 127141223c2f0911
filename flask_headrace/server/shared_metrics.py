"""The counts that several workers share through files, in such a way that no full disk and no cleaner ends a worker.

The library maps a file that has no blocks yet: on a full disk the first write to it is a SIGBUS. Here the blocks are
reserved before, and what cannot be kept is counted in this process alone, and tried again. It knows files and folders,
and not what is counted.
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
"""The environment's name for the folder; the library's own."""

INITIAL_FILE_BYTES = 1 << 16
"""Bytes that each file has at first; then as many as are needed, doubled each time."""

VALUE_OVERHEAD_BYTES = 36
"""Bytes that the library takes for a value beside its key, at most."""

CHECK_INTERVAL = 1.0
"""Seconds between two looks whether a file is still there, or could be there by now."""

log = logging.getLogger("flask_headrace")


def install() -> None:
    """Have the library count in what is below, where it counts for several processes."""
    # Not before: it decides while it is imported whether it counts for several processes.
    from prometheus_client import values  # noqa: PLC0415

    if os.environ.get(VARIABLE):
        values.MmapedDict = SharedMetricValues  # type: ignore[attr-defined, assignment]  # it uses no more of it


def ensure_folder() -> None:
    """Make the folder anew where it is gone; never raises.

    Where that cannot be done, each worker counts for itself, and says so.
    """
    if folder := os.environ.get(VARIABLE):
        try:
            _ensure_private_folder(Path(folder))
        except OSError as error:
            log.warning("The folder of the shared metrics, %s, cannot be used: %s", folder, error)


def unshared_reason() -> str | None:
    """Look at this process's counts, and return why they are not shared; None where they are."""
    for counts in list(SharedMetricValues.instances):
        counts.sync()
    return next(iter(SharedMetricValues.problems.values()), None)


class SharedMetricValues:
    """The values of one kind of metric of this process, in memory, and in a file that other workers read.

    Args:
        filename: The file; the library chooses it.

    Attributes:
        all: Those that are open.
        troubles: Why those that are not shared are not, by their files.
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
        return f"<SharedCounts {self._path.name}: {len(self._shared_keys)} of {len(self._values)} shared>"

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value and its moment; it begins as 0."""
        if key not in self._values:
            self.write_value(key, 0.0, 0.0)
        return self._values[key]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Set a value and its moment."""
        if key not in self._values:
            self._needed_bytes += len(key.encode()) + VALUE_OVERHEAD_BYTES
        self._values[key] = value, timestamp
        if key not in self._shared_keys or time.monotonic() - self._checked_at >= CHECK_INTERVAL:
            self.sync()
        if self._file is not None and key in self._shared_keys:
            self._file.write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def sync(self) -> None:
        """Put into the file what is not there, also where somebody has removed it; once a second where that fails."""
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
                log.warning("Metrics of process %d are told by it alone: %s", os.getpid(), error)
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
                # Left by an earlier process of this number: its counts go on.
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
        """Let go of the file. May be called twice."""
        self.instances.discard(self)
        self.problems.pop(self._path, None)
        self._file = None


def reserve_file(path: Path, needed: int) -> int:
    """Give a file blocks for so many bytes and some more, and make it where it is missing; return how many it has.

    Raises:
        OSError: there is no room.
    """
    size = INITIAL_FILE_BYTES
    while size < needed:
        size *= 2
    if path.exists():
        with path.open("r+b") as file:
            _allocate(file.fileno(), size)
    else:
        # Whoever reads all files of the folder never sees one that is empty.
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
    """Make a folder where it is missing; refuse one in which others could have laid files for us to write to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        raise PermissionError(f"{folder} is not this user's alone")
