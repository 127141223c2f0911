"""Servers with several processes, without this project's gunicorn.conf.py: every one of them finds every stream."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from flask_headrace.server.process_count import count_processes
from tests.support.reader import Answer, Reading, send
from tests.support.service import ROOT, Service, environment

pytestmark = pytest.mark.slow

HOST = """
import os, pathlib
import gevent
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False)
headrace = Headrace(app)


@app.after_request
def name_process(response):
    response.headers["Process"] = str(os.getpid())
    response.headers["Connection"] = "close"  # the next request may reach another process
    return response


def wait_for(path):
    yield "begun"
    while not pathlib.Path(path).exists():
        gevent.sleep(0.01)


@app.get("/begin/<name>")
def begin(name):
    return headrace.stream_from(wait_for(name), resumable=True)


@headrace.on_end
def tell(answer):
    print("told", answer.id, flush=True)


def create_app():
    return app
"""

PATCHED = "from gevent import monkey\n\nmonkey.patch_all()\n"
UWSGI = "import sys, pyuwsgi\n\npyuwsgi.run(sys.argv[1:])\n"
PROGRAM = """
import sys

from gunicorn.app.base import BaseApplication
from hosting import app


class Program(BaseApplication):
    def load_config(self):
        options = {"bind": f"127.0.0.1:{sys.argv[1]}", "workers": 2, "worker_class": "gevent"}
        for name, value in (options | {"control_socket_disable": True}).items():
            self.cfg.set(name, value)

    def load(self):
        return app


Program().run()
"""
GEVENT = ("gunicorn", "--no-control-socket", "-b", "127.0.0.1:PORT", "-k", "gevent")
OF_UWSGI = ("uwsgi_server", "--http-socket", "127.0.0.1:PORT", "--gevent", "100", "--gevent-monkey-patch", "--master")

SERVERS: Mapping[str, tuple[str, ...]] = {
    "-w 2": (*GEVENT, "-w", "2", "hosting:app"),
    "a factory": (*GEVENT, "--workers", "2", "hosting:create_app()"),
    "GUNICORN_CMD_ARGS": (*GEVENT, "hosting:app"),
    "WEB_CONCURRENCY": (*GEVENT, "hosting:app"),
    "a configuration of the host": (*GEVENT, "-c", "host_conf.py", "hosting:app"),
    "preloaded": (*GEVENT, "-w", "2", "--preload", "hosting:app"),
    "preloaded and patched": (*GEVENT, "-w", "2", "--preload", "patched:app"),
    "uWSGI": (*OF_UWSGI, "--processes", "2", "--module", "hosting:app", "--die-on-term"),
    "uWSGI, lazy": (*OF_UWSGI, "--processes", "2", "--module", "hosting:app", "--die-on-term", "--lazy-apps"),
}
"""Servers with two processes, by what says so."""

SETTINGS = {"GUNICORN_CMD_ARGS": {"GUNICORN_CMD_ARGS": "--workers=2"}, "WEB_CONCURRENCY": {"WEB_CONCURRENCY": "2"}}


class Server(Service):
    """A server of the host application, with a temporary folder of its own and so a default store of its own."""

    def __init__(self, folder: Path, *command: str, **settings: str) -> None:
        super().__init__(TMPDIR=str(folder), **settings)
        (folder / "hosting.py").write_text(HOST)
        (folder / "patched.py").write_text(PATCHED + "from hosting import app\n")
        (folder / "host_conf.py").write_text("workers = 2\n")
        (folder / "uwsgi_server.py").write_text(UWSGI)
        self.folder = folder
        self.command = [sys.executable, "-m", *(word.replace("PORT", str(self.port)) for word in command)]

    def follow(self, id_: str) -> Answer:
        return send(f"{self.url}/api/streams/{id_}", method="GET")

    def reach_both(self, id_: str, status: int) -> None:
        """Ask for a stream until two processes have answered, each with this status."""
        processes = set()
        while len(processes) < 2:
            answer = self.follow(id_)
            assert answer.status == status, answer.body
            assert status != 200 or answer.text == "begun"
            processes.add(answer.headers["process"])

    def finish(self, name: str) -> None:
        """Let a stream end."""
        (self.folder / name).touch()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Server]]:
    """Start all servers in parallel: each needs a second or two."""
    servers = {
        name: Server(tmp_path_factory.mktemp("host"), *command, **SETTINGS.get(name, {}))
        for name, command in SERVERS.items()
    }
    with contextlib.ExitStack() as stack:
        starting = [threading.Thread(target=stack.enter_context, args=(server,)) for server in servers.values()]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        yield servers
        for server in servers.values():
            server.process.send_signal(signal.SIGINT)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, started: Mapping[str, Server]) -> Server:
    return started[request.param]


def test_each_process_finds_a_stream(server: Server) -> None:
    server.finish("found")
    id_ = send(f"{server.url}/begin/found", method="GET").headers["headrace-stream-id"]
    server.reach_both(id_, 200)
    assert "HEADRACE_STORE" not in server.log()


def test_the_stream_of_a_killed_process_is_finished_and_told_by_another(started: Mapping[str, Server]) -> None:
    # Where each worker loads the application, tests/answers/test_workers_that_end.py shows it.
    forking = [started[name] for name in ("preloaded", "preloaded and patched", "uWSGI")]
    killed = []
    for server in forking:
        with Reading(f"{server.url}/begin/killed", method="GET") as reading:
            head = reading.response()
            reading.until(b"begun")
            killed.append((server, head.getheader("Headrace-Stream-Id")))
            os.kill(int(head.getheader("Process")), signal.SIGKILL)
    for server, id_ in killed:
        server.wait_until(lambda server=server, id_=id_: f"told {id_}" in server.log(), 30)
        assert server.follow(id_).named("error")[0]["code"] == "worker_lost"
        assert server.log().count(f"told {id_}") == 1


def test_the_metrics_say_that_they_are_those_of_one_process(server: Server) -> None:
    first = send(f"{server.url}/metrics", method="GET").body.decode().partition("\n")[0]
    assert re.fullmatch(r"# These are the metrics of process \d+ only: set PROMETHEUS_MULTIPROC_DIR .*", first)


@pytest.mark.parametrize(
    ("store", "says"),
    [
        (None, "There are 2 workers now, and the first one keeps its resumable streams in its memory"),
        ("memory", "There are 2 workers, and each keeps its resumable streams in its own memory"),
    ],
)
def test_a_second_worker_is_told_of_where_the_first_keeps_its_streams(
    tmp_path: Path, store: str | None, says: str
) -> None:
    settings = {} if store is None else {"HEADRACE_STORE": store}
    with Server(tmp_path, *GEVENT, "-w", "1", "hosting:app", WEB_CONCURRENCY="4", **settings) as own:
        assert own.follow("0123456789abcdef").status == 404
        assert "HEADRACE_STORE" not in own.log()
        assert b"metrics of process" not in send(f"{own.url}/metrics", method="GET").body
        own.process.send_signal(signal.SIGTTIN)
        own.wait_until(lambda: says in own.log())
        own.wait_until(lambda: len(own.workers()) == 2)
        assert "name a file or a Redis in HEADRACE_STORE" in own.log()


def test_a_program_that_gives_gunicorn_a_loaded_application_is_told_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with Server(tmp_path, "program", "PORT") as own:
        own.wait_until(lambda: "There are 2 workers, and each keeps its resumable streams in its own" in own.log())
        own.reach_both("0123456789abcdef", 404)
        assert "If the server has several processes" not in own.log()
    with Server(tmp_path, "program", "PORT", HEADRACE_STORE=f"sqlite:///{tmp_path}/streams.db") as own:
        own.reach_both("0123456789abcdef", 404)
        assert "HEADRACE_STORE" not in own.log()


def test_memory_as_the_store_of_two_workers_is_refused(tmp_path: Path) -> None:
    own = Server(tmp_path, *GEVENT, "-w", "2", "hosting:app", HEADRACE_STORE="memory")
    code, log = run(own)
    assert code != 0
    assert log.count("Headrace cannot start. HEADRACE_STORE is memory, and there are 2 workers") == 1
    assert "Traceback" not in log


def test_gunicorns_own_worker_beside_a_copied_configuration_is_refused_in_one_sentence(tmp_path: Path) -> None:
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)
    code, log = run(Server(tmp_path, *GEVENT, "-w", "2", "hosting:app"))
    assert code != 0
    assert log.count("Headrace cannot start. The worker class is gevent (-k), but gunicorn.conf.py needs its own") == 1
    assert "Traceback" not in log


def run(server: Server) -> tuple[int, str]:
    """Run a server to its end; return its exit code and its log."""
    settings = environment(**server.settings)
    done = subprocess.run(
        server.command, cwd=server.folder, env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_any_other_server_is_warned_of_other_processes_once_a_stream_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pywsgi.py").write_text(
        f"{PATCHED}from gevent.pywsgi import WSGIServer\nfrom hosting import app\n\n"
        "import sys\n\nWSGIServer(('127.0.0.1', int(sys.argv[1])), app, log=None).serve_forever()\n"
    )
    with Server(tmp_path, "pywsgi", "PORT") as own:
        own.finish("found")
        id_ = send(f"{own.url}/begin/found", method="GET").headers["headrace-stream-id"]
        assert own.follow(id_).status == 200
        assert "HEADRACE_STORE" not in own.log()
        for _ in range(2):
            assert own.follow("0123456789abcdef").status == 404
        assert own.log().count("If the server has several processes, name a file or a Redis in HEADRACE_STORE") == 1


@pytest.mark.parametrize(("value", "count"), [("", 1), ("1", 1), ("0", 1), ("3", 3), ("many", 1)])
def test_without_a_server_that_says_it_the_environment_does(
    monkeypatch: pytest.MonkeyPatch, value: str, count: int
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", value)
    assert count_processes() == (count, count, count > 1)
