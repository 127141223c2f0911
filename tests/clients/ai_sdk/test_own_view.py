"""A view of an application that `useChat` asks: its page sends what the view reads."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.host import Host
from tests.support.reader import send

SCRIPT = Path(__file__).with_name("view.mjs")

HOST = """
from flask import Flask, request
from flask_headrace import Headrace
from flask_headrace.testing import FakeProvider

app = Flask(__name__)
model = FakeProvider()
model.answers("A machine.", times=None)
headrace = Headrace(app, providers=[model])


@app.post("/support")
def support():
    question = {"role": "user", "content": request.json["question"]}
    return headrace.stream([question], model="fake/m", protocol="ai-sdk")


@app.get("/asked")
def asked():
    return [question.messages[-1].content for question in model.questions]


@app.get("/healthz")
def health():
    return "ok"
"""


@pytest.mark.parametrize("version", ["ai5", "ai6", "ai"])
def test_the_page_sends_the_question_that_the_view_reads(tmp_path: Path, version: str) -> None:
    node = require("node", "apt-get install nodejs (20 or later)")
    with Host(tmp_path, HOST, HEADRACE_EMBEDDED="0") as host:
        command = [node, SCRIPT, version, f"{host.url}/support"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        chunks = [json.loads(line) for line in ended.stdout.splitlines()]
        assert "".join([chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta"]) == "A machine."
        assert json.loads(send(f"{host.url}/asked", method="GET").body) == ["What is a mill?"]
