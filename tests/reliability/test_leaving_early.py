"""A worker that gets SIGTERM while it still imports the SDKs exits at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.reader import send

APP = """
import atexit, importlib, os, time
from pathlib import Path

from flask import Flask
from flask_headrace import Headrace

HERE = Path(__file__).parent


def leave_word():
    with (HERE / "left").open("a") as left:
        left.write(f"{os.getpid()}\\n")


class Slow:
    name = pricing_provider = "slow"
    is_embedded = False
    unsupported_features = frozenset()

    def stream(self, request):
        yield []

    def models(self):
        return []

    def preload(self):
        (HERE / f"begun-{os.getpid()}").touch()
        importlib.import_module("slow_to_import")

    def health_check(self):
        pass


atexit.register(leave_word)
app = Flask("host")
app.config.update(HEADRACE_EMBEDDED=False)
Headrace(app, providers=[Slow()])
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "slow_to_import.py").write_text("import time\nend = time.time() + 60\nwhile time.time() < end: pass\n")
    with Host(folder, APP, HEADRACE_DRAIN="0") as running:
        yield running


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_a_worker_that_imports_leaves_at_once_and_does_what_it_does_at_its_end(host: Host, how: signal.Signals) -> None:
    (worker,) = host.wait_until(host.workers)
    folder: Path = host.module.parent
    host.wait_until((folder / f"begun-{worker}").exists)
    os.kill(worker, how)
    host.wait_until(lambda: worker not in host.workers())
    assert str(worker) in (folder / "left").read_text().split()
    host.wait_until(lambda: host.workers() and send(host.url + "/healthz", method="GET").status == 200)
    assert "exited with code" not in host.log()
