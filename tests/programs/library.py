"""A library in a process of its own, which does one task after the other (`libraries/`)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.programs.desk import Desk, python
from tests.support.service import ROOT

SCRIPTS = Path(__file__).with_name("libraries")


@dataclass(frozen=True)
class Library:
    """A library.

    Attributes:
        script: The file that uses it.
        environment: The virtual environment that has it; None for the one of these tests, or for npm's packages.
        does: The tasks that the script knows.
    """

    script: str
    environment: str | None = None
    does: tuple[str, ...] = ("work", "leave")

    def command(self) -> list[str | Path]:
        """Return what starts the script. Skips the test if the library is not installed; fails in CI."""
        if self.script.endswith(".mjs"):
            if not (ROOT / "tests/node_modules/@langchain/openai").exists():
                sentence = "the npm packages of the tests are not installed: npm ci --prefix tests"
                pytest.fail(sentence) if os.environ.get(NOTHING_MAY_BE_SKIPPED) else pytest.skip(sentence)
            return [require("node", "apt-get install nodejs"), SCRIPTS / self.script]
        return [sys.executable if self.environment is None else python(self.environment), SCRIPTS / self.script]


class Running:
    """The script of a library, as long as it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._errors = process, list[str]()
        self._told: queue.Queue[str] = queue.Queue()
        for follow in (self._follow, self._complain):
            threading.Thread(target=follow, daemon=True).start()

    def do(self, task: str, limit: float = 60, **given: Any) -> Any:
        """Run a task and return its result."""
        self.begin(task, **given)
        return self.result(limit)

    def begin(self, task: str, **given: Any) -> None:
        """Start a task."""
        self._process.stdin.write(json.dumps({"task": task, **given}) + "\n")
        self._process.stdin.flush()

    def result(self, limit: float = 60) -> Any:
        """Wait for what came of the task."""
        try:
            told = json.loads(self._told.get(timeout=limit))
        except queue.Empty:
            raise AssertionError("".join(self._errors[-40:])) from None
        assert "result" in told, told
        return told["result"]

    def _follow(self) -> None:
        for line in self._process.stdout:
            if line.startswith(('{"result"', '{"error"')):
                self._told.put(line)

    def _complain(self) -> None:
        self._errors.extend(self._process.stderr)


@contextlib.contextmanager
def running(library: Library, desk: Desk) -> Iterator[Running]:
    """Start a library's script."""
    with desk.started(*library.command(), stdin=subprocess.PIPE) as process:
        yield Running(process)
