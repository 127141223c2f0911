"""The npm clients, in one Node process with one command per line."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.support.service import ROOT

SCRIPT = Path(__file__).with_name("clients.mjs")
PACKAGES = ("@anthropic-ai/sdk", "@langchain/anthropic")


def program() -> str:
    """Return the path of Node. Skips the test if Node or a package is missing; fails in CI."""
    node = require("node", "apt-get install nodejs")
    for package in PACKAGES:
        if not (ROOT / "tests/node_modules" / package).exists():
            sentence = f"the npm package {package} is not installed: npm ci --prefix tests"
            if os.environ.get(NOTHING_MAY_BE_SKIPPED):
                pytest.fail(sentence)
            pytest.skip(sentence)
    return node


class Node:
    """The process, from `with` to its end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [program(), SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._results: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._hear)
        self._thread.start()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._thread.join(5)
        self._process.stdout.close()

    def do(self, task: str, **given: Any) -> Any:
        """Run one of the script's tasks and return its result."""
        self._process.stdin.write(json.dumps({"task": task, **given}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._results.get(timeout=20))

    def _hear(self) -> None:
        for line in self._process.stdout:
            self._results.put(line)
