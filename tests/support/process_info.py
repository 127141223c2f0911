"""A process's memory, open files and sockets, read from /proc. Linux only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tests.support.reader import Reading
from tests.support.service import Service


def resident(pid: int) -> int:
    """Return a process's resident memory (RSS) in bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def proportional(pid: int) -> int:
    """Return a process's proportional memory (PSS) in bytes: of shared pages, its share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024


def descriptors(pid: int) -> list[str]:
    """Return the targets of a process's open descriptors, such as `socket:[123]`."""
    found = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.append(os.readlink(entry.path))
    return found


def sockets(pid: int) -> int:
    """Count a process's open sockets."""
    return sum(link.startswith("socket:") for link in descriptors(pid))


def is_alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def connecting(pid: int) -> int:
    """Count a process's TCP sockets in the state SYN_SENT."""
    waiting = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "02"  # SYN_SENT
    }
    return len(waiting & set(descriptors(pid)))


def has_connection_of(pid: int, port: int) -> bool:
    """Whether a process has the other end of the loopback connection with the local port `port`."""
    inodes = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[2].endswith(f":{port:04X}")
    }
    return bool(inodes & set(descriptors(pid)))


def accepted(pid: int, port: int) -> int:
    """Count the open TCP connections that a process has accepted on its port `port`."""
    ours = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(f":{port:04X}") and fields[3] != "0A"  # LISTEN
    }
    return len(ours & set(descriptors(pid)))


def worker_of(service: Service, reading: Reading) -> int | None:
    """Return the process id of the worker that has a reader's connection; None if there is none yet."""
    port = reading.sock.getsockname()[1]
    return next((worker for worker in service.workers() if has_connection_of(worker, port)), None)
