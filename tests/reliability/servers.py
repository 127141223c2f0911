"""Every server that can run an application with the extension, each as its own process."""

from __future__ import annotations

import signal
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
headrace = Headrace(app)


@app.route("/ask/<model>", methods=["GET", "POST"])
def answer(model):
    return headrace.stream([{"role": "user", "content": "hi"}], model=f"openai/{model}")
"""

PYWSGI = """
from gevent import monkey

monkey.patch_all()

import sys

from gevent.pywsgi import WSGIServer
from hosted import app

WSGIServer(("127.0.0.1", int(sys.argv[1])), app, log=None).serve_forever()
"""

UWSGI = """
import sys

import pyuwsgi

pyuwsgi.run(sys.argv[1:])
"""

ASGI = """
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from hosted import app

in_a2wsgi = WSGIMiddleware(app, workers={threads})
in_asgiref = WsgiToAsgi(app)
"""

THREADS = 36
"""Threads of a threaded server: its number of concurrent requests."""

UWSGI_GEVENT = ("--gevent", "100", "--gevent-monkey-patch", "--master", "--need-app", "--die-on-term")

Command = Callable[[int], list[str]]
"""Returns the command that serves `hosted:app` of the current folder on a port."""


def _gunicorn(*arguments: str) -> Command:
    return lambda port: ["gunicorn", "-b", f"127.0.0.1:{port}", "--no-control-socket", *arguments, "hosted:app"]


def _uvicorn(name: str) -> Command:
    return lambda port: ["uvicorn", "--host", "127.0.0.1", "--port", str(port), "--no-access-log", f"asgi:{name}"]


SERVERS: Mapping[str, Command] = {
    "flask run": lambda port: ["flask", "--app", "hosted", "run", "--port", str(port)],
    "gunicorn -k gthread": _gunicorn("-k", "gthread", "--threads", str(THREADS)),
    "gunicorn -k gevent": _gunicorn("-k", "gevent"),
    "gunicorn -c gunicorn.conf.py": _gunicorn("-c", str(ROOT / "gunicorn.conf.py")),
    "gevent.pywsgi": lambda port: ["pywsgi", str(port)],
    "uvicorn, a2wsgi": _uvicorn("in_a2wsgi"),
    "uvicorn, asgiref": _uvicorn("in_asgiref"),
    "hypercorn, a2wsgi": lambda port: ["hypercorn", "-b", f"127.0.0.1:{port}", "asgi:in_a2wsgi"],
    "uWSGI's gevent": lambda port: [
        *("uwsgi_server", "--http-socket", f"127.0.0.1:{port}", "--module", "hosted:app", *UWSGI_GEVENT),
    ],
    "waitress": lambda port: ["waitress", f"--listen=127.0.0.1:{port}", f"--threads={THREADS}", "hosted:app"],
}
"""Commands by the user's name for the server. The first word of a command is a Python module."""


class ServedApplication(Service):
    """The application under one of the servers, as a context manager.

    Args:
        folder: The folder for its modules, and the server's working directory.
        server: A name in `SERVERS`.
        views: Source code that is added to the application's module.
        code: The source of the application's module, `hosted`, with the `app`.
        python: The Python that runs the server.
        settings: Environment variables.

    Attributes:
        name: The server's name.
    """

    def __init__(
        self,
        folder: Path,
        server: str,
        *,
        views: str = "",
        code: str = APP,
        python: str = sys.executable,
        **settings: str,
    ) -> None:
        super().__init__(**settings)
        (folder / "hosted.py").write_text(code + views)
        (folder / "pywsgi.py").write_text(PYWSGI)
        (folder / "uwsgi_server.py").write_text(UWSGI)
        (folder / "asgi.py").write_text(ASGI.format(threads=THREADS))
        self._folder, self._python, self.name = folder, python, server

    def __enter__(self) -> ServedApplication:
        """Start the server and return at once, so that several can start in parallel; see `wait_until_up`."""
        self.process = subprocess.Popen(
            [self._python, "-m", *SERVERS[self.name](self.port)],
            cwd=self._folder,
            env=environment(PYTHONPATH=str(ROOT), PORT=str(self.port), **self.settings),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(self._end)
        self._log.close()

    def leave(self) -> None:
        """Begin to end, so that several can end in parallel."""
        self.process.send_signal(self._end)

    @property
    def _end(self) -> signal.Signals:
        # A SIGINT while gunicorn's thread worker hands a request to a thread makes it wait for itself.
        return signal.SIGTERM if "gthread" in self.name else signal.SIGINT

    def wait_until_up(self, limit: float = 30) -> None:
        """Wait up to `limit` seconds until /healthz responds."""
        self.wait_until(self._is_up, limit)
