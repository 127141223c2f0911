"""A desk: a home and a folder of its own for a program, with the settings that docs/clients.md shows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.programs.task import WORD
from tests.support.service import ROOT

PROGRAMS = ROOT / ".programs"
SETTINGS = Path(__file__).with_name("settings")
ADDRESS = "http://127.0.0.1:8000"  # in the settings, and here the service's own takes its place
QUIET = {  # what keeps the programs from asking for updates and from telling others about themselves
    "AIDER_ANALYTICS": "false",
    "AIDER_CHECK_UPDATE": "false",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLINE_NO_AUTO_UPDATE": "1",
    "CONTINUE_TELEMETRY_ENABLED": "0",
    "COPILOT_AUTO_UPDATE": "false",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "PI_OFFLINE": "1",
    "PI_TELEMETRY": "0",
}


@dataclass(frozen=True)
class Ran:
    """A program that has ended."""

    code: int
    out: str
    errors: str


class Desk:
    """A program's home and folder, with `note.txt` in it.

    Args:
        folder: An empty folder.
        settings: A shell script that sets variables and writes files, before the program starts.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.home, self.folder = folder / "home", folder / "mill"
        self.home.mkdir()
        self.folder.mkdir()
        self.note = self.folder / "note.txt"
        self.note.write_text(WORD + "\n")
        self._settings = settings

    def run(self, *command: str | Path, limit: float = 90) -> Ran:
        """Run a program to its end."""
        with self.started(*command) as process:
            out, errors = process.communicate(timeout=limit)
            return Ran(process.returncode, out, errors)

    @contextlib.contextmanager
    def started(self, *command: str | Path, stdin: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
        """Start a program; in the end, nothing is left of it and of what it has started."""
        process = subprocess.Popen(
            ["sh", "-euc", f'{self._settings}\nexec "$@"', "sh", *command],
            cwd=self.folder,
            env=self._variables(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self._end_all()
            process.communicate(timeout=20)

    def answer(self) -> str:
        """Return what the program has written into `answer.txt`."""
        return (self.folder / "answer.txt").read_text().strip()

    def _variables(self) -> dict[str, str]:
        return {
            "PATH": f"{PROGRAMS / 'npm/node_modules/.bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(PROGRAMS / "cache"),  # where Copilot unpacks 240 MB of itself
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "IS_SANDBOX": "1",  # or Claude Code takes no work from root without questions
            **QUIET,
        }

    def _end_all(self) -> None:
        # Some, such as Cline, leave processes behind in sessions of their own: these have the same home.
        mark = f"HOME={self.home}\0".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes() + b"\0":
                    os.kill(int(entry.name), signal.SIGKILL)


def settings(name: str, url: str, instead: Mapping[str, str] | None = None) -> str:
    """Return a program's documented settings for the service at `url`, with other words in place of some."""
    script = (SETTINGS / f"{name}.sh").read_text()
    for shown, wanted in {ADDRESS: url, **(instead or {})}.items():
        assert shown in script, f"{name}.sh has no {shown}"
        script = script.replace(shown, wanted)
    return script


def program(name: str) -> Path:
    """Return the path of a program of npm, or skip the test; in CI, fail."""
    return installed(PROGRAMS / "npm/node_modules/.bin" / name)


def python(environment: str) -> Path:
    """Return the path of an environment's Python, or skip the test; in CI, fail."""
    return installed(PROGRAMS / environment / "bin/python")


def installed(path: Path) -> Path:
    """Return a path that exists, or skip the test with the command that installs it; in CI, fail."""
    if not path.exists():
        sentence = f"{path.name} is not installed: make test-clients"
        if os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path
