"""openapi-python-client: the generated client passes the type checker without a warning, and asks questions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path, folder: Path) -> str:
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"  # where the generator finds ruff, with which it formats
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the generated package."""
    folder = tmp_path_factory.mktemp("python")
    arguments = ("generate", "--url", f"{url}/openapi.json", "--meta", "none", "--output-path", "headrace_client")
    said = run(PROGRAMS / "openapi-python-client", *arguments, "--fail-on-warning", folder=folder)
    assert said.strip() == "Generating headrace_client"
    return folder


def test_a_generated_client_asks_questions(folder: Path, url: str) -> None:
    heard = run(sys.executable, HERE / "ask.py", url, "openai/generated", folder=folder).splitlines()
    assert heard == ["Grüße 🌊 2", *["Grüße 🌊"] * 3, "1", "invalid_request"]


def test_a_generated_client_passes_the_type_checker(folder: Path) -> None:
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache", HERE / "ask.py", folder=folder)
