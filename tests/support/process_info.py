"""What the kernel tells of a process: its memory, its open files, its sockets. Linux alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tests.support.reader import Reading
from tests.support.service import Service


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def proportional(pid: int) -> int:
    """Return the bytes of memory that a process holds, of pages that several hold its share alone."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024


def descriptors(pid: int) -> list[str]:
    """Return what a process's open files lead to, such as `socket:[123]`."""
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
    """Count a process's TCP sockets whose connection is asked for and not answered."""
    waiting = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "02"  # SYN_SENT
    }
    return len(waiting & set(descriptors(pid)))


def has_connection_of(pid: int, port: int) -> bool:
    """Whether a process holds the other end of the loopback connection whose own port is `port`."""
    inodes = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[2].endswith(f":{port:04X}")
    }
    return bool(inodes & set(descriptors(pid)))


def accepted(pid: int, port: int) -> int:
    """Count a process's TCP connections that it has accepted at a port of its own."""
    ours = {
        f"socket:[{fields[9]}]"
        for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(f":{port:04X}") and fields[3] != "0A"  # LISTEN
    }
    return len(ours & set(descriptors(pid)))


def worker_of(service: Service, reading: Reading) -> int | None:
    """Return the worker of a service that has a reader's connection."""
    port = reading.sock.getsockname()[1]
    return next((worker for worker in service.workers() if has_connection_of(worker, port)), None)
