"""A worker that exits while responses are still referenced logs nothing about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.service import ROOT, environment

HELD = """
from gevent import monkey

monkey.patch_all()

import gc

import gevent
from flask import Flask
from flask_headrace import Headrace

class Slow:
    name = "slow"

    def stream(self, request):
        gevent.sleep(60)
        yield "a"

app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_HEARTBEAT=0.1)  # a view returns at the first heartbeat
Headrace(app, providers=[Slow()])
gc.disable()
for is_resumable in (True, False):
    body = {"model": "slow/m", "messages": [{"role": "user", "content": "hi"}], "resumable": is_resumable}
    with app.test_request_context("/api/chat", method="POST", json=body):
        held = app.full_dispatch_request()
    held.itself = held  # what refers to itself is dropped by the collector, and at the latest in the very end
    del held
gevent.sleep(0.1)
"""


def test_a_response_that_is_held_to_the_very_end_is_dropped_without_a_word(tmp_path: Path) -> None:
    script = tmp_path / "held.py"
    script.write_text(HELD)
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
