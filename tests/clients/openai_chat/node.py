"""The npm clients of OpenAI's protocol, in one process with one command per line; and the examples, each in its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED
from tests.support.service import ROOT

HERE = Path(__file__).parent
PACKAGES = ("openai", "@langchain/openai")


class Node:
    """The process of a script, from `with` to its end. It must be one reader's at a time.

    Args:
        program: Node itself.
        script: What reads questions line by line and answers each with one.
        packages: What it needs of npm's.
    """

    def __init__(self, program: str, script: Path = HERE / "clients.mjs", packages: tuple[str, ...] = PACKAGES) -> None:
        self._program, self._script, self._packages = program, script, packages

    def __enter__(self) -> Node:
        if lacking := [name for name in self._packages if not (ROOT / "tests/node_modules" / name).exists()]:
            sentence = f"npm packages are not installed ({', '.join(lacking)}): npm ci --prefix tests"
            if os.environ.get(NOTHING_MAY_BE_SKIPPED):
                pytest.fail(sentence)
            pytest.skip(sentence)
        self._process = subprocess.Popen(
            [self._program, self._script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def ask(self, do: str, **fields: Any) -> Any:
        """Run one of the script's functions and return its result.

        Raises:
            AssertionError: it threw something that it should not have.
        """
        self._process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        assert "threw" not in reply, reply["threw"]
        return reply["gave"]

    def run(self, example: str, *arguments: str) -> str:
        """Run an example in its own process and return its output."""
        command = [self._program, self._script.with_name(example), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, example: str, *arguments: str) -> subprocess.Popen[str]:
        """Start an example in its own process, whose output is a pipe."""
        command = [self._program, self._script.with_name(example), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
