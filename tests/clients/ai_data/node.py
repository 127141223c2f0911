"""A Node process that runs several commands concurrently and returns their results."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.support.service import ROOT


class Task(Future[Any]):
    """The pending result of one command."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: queue.SimpleQueue[str] = queue.SimpleQueue()


class Node:
    """The commands of one script; see `lines.mjs`."""

    def __init__(self, script: Path, *arguments: str, package: str) -> None:
        program = require("node", "apt-get install nodejs")
        if not (ROOT / "tests/node_modules" / package).exists():
            sentence = f"the npm package {package} is not installed: npm ci --prefix tests"
            if os.environ.get(NOTHING_MAY_BE_SKIPPED):
                pytest.fail(sentence)
            pytest.skip(sentence)
        self._process = subprocess.Popen(
            [program, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._pending: dict[int, Task] = {}
        self._numbers = itertools.count()
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def begin(self, todo: str, **given: Any) -> Task:
        """Send a command and return its pending result."""
        n = next(self._numbers)
        self._pending[n] = task = Task()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"n": n, "todo": todo, **given}) + "\n")
        self._process.stdin.flush()
        return task

    def do(self, todo: str, **given: Any) -> Any:
        """Send a command and return its result."""
        return self.begin(todo, **given).result(20)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._hearing.join(10)

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if "noted" in message:
                self._pending[message["n"]].noted.put(message["noted"])
                continue
            task = self._pending.pop(message["n"])
            if "thrown" in message:
                task.set_exception(AssertionError(message["thrown"]))
            else:
                task.set_result(message["result"])
        for task in self._pending.values():
            task.set_exception(AssertionError("the Node process has ended"))
