"""What an application writes, as a type checker sees it: right calls pass, wrong ones are found before they run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT

pytestmark = pytest.mark.slow

USER = """
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response
from flask_headrace import Headrace, StreamEndedInfo, stream_ended

app = Flask(__name__)
headrace = Headrace(app, url_prefix="/assistant", authorize=lambda: "alice")
turns = [{"role": "user", "content": "hi"}]
schema: Mapping[str, Any] = {"type": "object"}


@app.post("/")
def right() -> Response:
    headrace.stream(turns)
    headrace.stream(({"role": "user", "content": "hi"},), model="smart", system="Be short.", owner="alice")
    headrace.stream(turns, max_tokens=7, temperature=0, stop=["."], reasoning_effort="low")
    headrace.stream(turns, tools=[{"name": "find", "parameters": {}}], tool_choice="auto", stream_tool_arguments=True)
    headrace.stream(turns, tools=({"name": "find"},), tool_choice={"name": "find"})
    headrace.stream(turns, resumable=True, id="0123456789abcdef")
    return headrace.stream(turns, schema=schema, stream=False)


def wrong() -> None:
    headrace.stream("hi")  # type: ignore[arg-type]
    headrace.stream(turns, "smart")  # type: ignore[call-arg]
    headrace.stream(turns, system=["Be short."])  # type: ignore[arg-type]
    headrace.stream(turns, temperature="hot")  # type: ignore[arg-type]
    headrace.stream(turns, tools={"name": "find"})  # type: ignore[arg-type]
    headrace.stream(turns, tool_choice="always")  # type: ignore[arg-type]
    headrace.stream(turns, schema='{"type": "object"}')  # type: ignore[arg-type]
    headrace.stream(turns, resumable="yes")  # type: ignore[arg-type]
    headrace.stream(turns, id=7)  # type: ignore[arg-type]
"""

SETTINGS = """
[mypy]
strict = true
ignore_missing_imports = true
follow_imports = silent

[mypy-openai.*,anthropic.*,redis.*,prometheus_client.*,genai_prices.*]
follow_imports = skip
"""


def test_a_users_views_are_checked(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "mypy.ini").write_text(SETTINGS)  # what its libraries are made of need not be read
    package = tmp_path / "installed/flask_headrace"
    package.mkdir(parents=True)
    rooms = (ROOT / room for room in ("blueprints", "providers", "streaming"))
    for place in (*(ROOT / "flask_headrace").glob("*.py"), ROOT / "flask_headrace/py.typed", *rooms):
        (package / place.name).symlink_to(place)
    # Only what is the user's own is told, and an error that is to be ignored and is none would be one.
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "user.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.startswith("Success"), run.stdout + run.stderr
