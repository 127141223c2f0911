"""Every server that can run an application with the extension, each as its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.service import ROOT, Service, environment

APP = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update(HEADRACE_MODEL="openai/default", HEADRACE_EMBEDDED=False)
Headrace(app)
"""

PYWSGI = """
from gevent import monkey

monkey.patch_all()

import sys

from gevent.pywsgi import WSGIServer
from hosted import app

WSGIServer(("127.0.0.1", int(sys.argv[1])), app, log=None).serve_forever()
"""

THREADS = 36
"""Threads of a threaded server: its number of concurrent requests."""

Command = Callable[[int], list[str]]
"""Returns the command that serves `hosted:app` of the current folder on a port."""


def _gunicorn(*arguments: str) -> Command:
    return lambda port: ["gunicorn", "-b", f"127.0.0.1:{port}", "--no-control-socket", *arguments, "hosted:app"]


SERVERS: Mapping[str, Command] = {
    "flask run": lambda port: ["flask", "--app", "hosted", "run", "--port", str(port)],
    "gunicorn -k gthread": _gunicorn("-k", "gthread", "--threads", str(THREADS)),
    "gunicorn -k gevent": _gunicorn("-k", "gevent"),
    "gunicorn -c gunicorn.conf.py": _gunicorn("-c", str(ROOT / "gunicorn.conf.py")),
    "gevent.pywsgi": lambda port: ["pywsgi", str(port)],
    "waitress": lambda port: ["waitress", f"--listen=127.0.0.1:{port}", f"--threads={THREADS}", "hosted:app"],
}
"""Commands by the user's name for the server. The first word of a command is a Python module."""


class ServedApplication(Service):
    """The application under one of the servers, as a context manager.

    Args:
        folder: The folder for its modules, and the server's working directory.
        server: A name in `SERVERS`.
        code: The source of the module `hosted`, with the `app`.
        python: The Python that runs it.
        settings: Environment variables.
    """

    def __init__(
        self, folder: Path, server: str, code: str = APP, *, python: str = sys.executable, **settings: str
    ) -> None:
        super().__init__(**settings)
        (folder / "hosted.py").write_text(code)
        (folder / "pywsgi.py").write_text(PYWSGI)
        self._folder, self._server, self._python = folder, server, python

    def __enter__(self) -> ServedApplication:
        """Start the server and return at once, so that several can start in parallel; see `wait_until_up`."""
        self.process = subprocess.Popen(
            [self._python, "-m", *SERVERS[self._server](self.port)],
            cwd=self._folder,
            env=environment(PYTHONPATH=str(ROOT), PORT=str(self.port), **self.settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def wait_until_up(self, limit: float = 30) -> None:
        """Wait up to `limit` seconds until /healthz responds."""
        self.wait_until(self._is_up, limit)
