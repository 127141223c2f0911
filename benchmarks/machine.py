"""What a run was made on: the machine, the versions, the date, and how busy the machine was with other things."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import resource
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import loops
from benchmarks.peers import Peer, install
from benchmarks.relays import ROOT

OURS = ("gunicorn", "gevent", "flask", "openai", "anthropic", "geventhttpclient", "msgspec")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a run began.

    Args:
        cpu: The processor's name.
        cores: How many of its cores this process may use.
        system: The kernel's name and release.
        load: The load average of the last minute, before the run.
        date: The day, in UTC.
        revision: The checkout's commit, and whether it was changed since; empty where git does not tell.
    """

    cpu: str
    cores: int
    system: str
    load: float
    date: str
    revision: str

    @classmethod
    def here(cls) -> Machine:
        """Look at this machine, now."""
        return cls(
            cpu=_cpu(),
            cores=os.cpu_count() or 1,
            system=f"{platform.system()} {platform.release()}",
            load=os.getloadavg()[0],
            date=dt.datetime.now(dt.timezone.utc).date().isoformat(),
            revision=_revision(),
        )


class Watch:
    """Tells how much of the machine other programs took since it was made."""

    def __init__(self) -> None:
        self._all, self._own = _busy(), _own()

    def others(self) -> float:
        """Return the share of all cores that others took, from 0 to 1; call it when all that was started has ended."""
        (busy, total), (busy_before, total_before) = _busy(), self._all
        return max(0.0, (busy - busy_before) - (_own() - self._own)) / max(total - total_before, 1e-9)


def versions() -> dict[str, str]:
    """Return what the project itself ran on, from the packages' names to their versions."""
    return {
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in OURS},
        "the load's loop": loops.NAME,
    }


def versions_of(peers: Iterable[Peer]) -> dict[str, str]:
    """Return what the peers ran on, from their titles to their packages and versions."""
    packages_by_title = {}
    for peer in peers:
        folder = peer.prepare()
        packages = [f"{name} {install.version(folder, name)}" for name in peer.packages]
        packages_by_title[peer.title] = ", ".join(
            [*packages, *([_node()] if (folder / "node_modules").exists() else [])]
        )
    return {title: found for title, found in packages_by_title.items() if found}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _busy() -> tuple[float, float]:
    # The first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks, over all cores.
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    second = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / second, sum(ticks) / second


def _own() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _revision() -> str:
    commit = _output("git", "rev-parse", "--short", "HEAD")
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return f"{commit}{', with changes' if changed else ''}" if commit else ""


def _node() -> str:
    return f"Node {_output('node', '--version').removeprefix('v')}"


def _output(*argv: str) -> str:
    try:
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
