"""Several applications with the extension in one gunicorn, each below a prefix of its own: one start serves a file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from tests.support.host import Host
from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.service import ROOT
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream

PRELUDE = """
from flask import Flask, Response, g, jsonify, make_response, request
from flask_headrace import Headrace, stream_ended
from werkzeug.middleware.dispatcher import DispatcherMiddleware

ENDS, MOUNTED = [], {"/nowhere": None}  # werkzeug would replace an empty dict


def mount(name, wrap=lambda application: application, config={}, **options):
    # The application is returned: further hooks and views are added to it.
    application = Flask(name)
    application.config.update(config, HEADRACE_EMBEDDED=False)
    application.headrace = Headrace(application, **options)
    stream_ended.connect(lambda app, stream: ENDS.append([stream.model, stream.end, stream.reason]), application, False)
    MOUNTED["/" + name] = wrap(application)
    return application


app = Flask("root")
app.config.update(HEADRACE_EMBEDDED=False)
Headrace(app)
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, MOUNTED)


@app.get("/ends")
def ends():
    return jsonify(ENDS)
"""

PLAIN = ("-k", "gevent", "--no-control-socket")
"""The arguments of gunicorn with its own gevent worker."""

CONFIGURED = ("-c", str(ROOT / "gunicorn.conf.py"))
"""The arguments of gunicorn with this project's configuration."""


class MountedHost(Host):
    """The applications that `code` mounts, under gunicorn, as a context manager.

    Args:
        folder: The folder for the module.
        code: The module's source after `PRELUDE`: it calls `mount`.
        upstream: The model.
        command: The command that starts gunicorn's command; empty for none.
        arguments: The arguments of gunicorn.
        settings: Environment variables.
    """

    def __init__(
        self,
        folder: Path,
        code: str,
        upstream: Upstream,
        *,
        command: tuple[str, ...] = (),
        arguments: tuple[str, ...] = PLAIN,
        **settings: str,
    ) -> None:
        super().__init__(folder, PRELUDE + code, **{**openai_alone(upstream), **settings})
        self.command = [*command, program("gunicorn"), *arguments, "-b", f"127.0.0.1:{self.port}", "hosting:app"]
        self.folder = folder

    def ask(self, name: str, model: str, **fields: Any) -> Answer:
        """Send a request to an application's `POST /api/chat` and return the complete response."""
        return self.send(name, "/api/chat", {"model": f"openai/{model}", "messages": QUESTION, **fields})

    def asking(self, name: str, model: str, **fields: Any) -> Reading:
        """Send a request to an application's `POST /api/chat` and return it open; the caller reads the response."""
        return self.sending(name, "/api/chat", {"model": f"openai/{model}", "messages": QUESTION, **fields})

    def send(self, name: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Send a request to an application and return the complete response."""
        return send(f"{self.url}/{name}{path}", body, **options)

    def sending(self, name: str, path: str, body: Any = None, **options: Any) -> Reading:
        """Send a request to an application and return it open; the caller reads the response."""
        return Reading(f"{self.url}/{name}{path}", body, **options)

    def wait_for_end(self, model: str) -> list[str]:
        """Wait until the account has a stream of a model; return its end and reason."""
        return self.wait_until(lambda: next((end[1:] for end in self.ends() if end[0] == f"openai/{model}"), None))

    def ends(self) -> list[list[str]]:
        """Return the account: model, end and reason of each stream that has ended."""
        return send(self.url + "/ends", method="GET").json


def program(name: str) -> str:
    """Return the path of a program that a development dependency has installed."""
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    assert path is not None, f"{name} is not installed: make -B install"
    return path
