"""The embedded model's process ends with the service, and all workers share one."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.embedded.process_table import is_alive, until

pytestmark = pytest.mark.slow

SUPERVISOR = """
{before}
import time
from flask_headrace.providers.embedded import supervisor
model = supervisor.EmbeddedModelSupervisor()
model.start()
while not {awaited}:
    time.sleep(0.005)
print(model._process.pid, supervisor.os.environ[supervisor.STATE_VARIABLE], flush=True)
{after}
"""
GEVENT = "from gevent import monkey; monkey.patch_all()"
TICKING = (
    "import gevent; ticks = []; gevent.spawn(lambda: [ticks.append(1) or gevent.sleep(0.01) for _ in range(9999)])"
)


LOADING = """
import subprocess, sys
code = "import os, time; from flask_headrace.providers.embedded.server import kill_with_parent; "
code += "kill_with_parent(os.getppid()); print(os.getpid(), flush=True); time.sleep(60)"
subprocess.run([sys.executable, "-c", code])
"""


def run_supervisor(*, before: str = "", awaited: str, after: str) -> subprocess.Popen[str]:
    code = SUPERVISOR.format(before=before, awaited=awaited, after=after)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("runnable")
class TestEndOfTheProcess:
    @pytest.mark.parametrize("before", ["", GEVENT], ids=["threads", "gevent"])
    def test_it_ends_when_its_supervisor_is_killed(self, before: str) -> None:
        ready = "isinstance(supervisor.read_state(), supervisor.Ready)"
        with run_supervisor(before=before, awaited=ready, after="time.sleep(60)") as supervisor:
            pid = int(supervisor.stdout.readline().split()[0])
            assert is_alive(pid)
            supervisor.kill()
            until(lambda: not is_alive(pid), 3)

    def test_it_dies_at_once_with_a_supervisor_that_is_killed_while_it_loads(self) -> None:
        with subprocess.Popen([sys.executable, "-c", LOADING], stdout=subprocess.PIPE, text=True) as supervisor:
            pid = int(supervisor.stdout.readline())
            assert is_alive(pid)
            supervisor.kill()
            until(lambda: not is_alive(pid), 3)

    def test_nothing_is_left_of_a_killed_supervisor(self) -> None:
        ready = "isinstance(supervisor.read_state(), supervisor.Ready)"
        with run_supervisor(awaited=ready, after="time.sleep(60)") as supervisor:
            directory = Path(supervisor.stdout.readline().split()[1]).parent
            supervisor.kill()
            until(lambda: not directory.exists(), 3)

    @pytest.mark.parametrize("before", ["", f"{GEVENT}; {TICKING}"], ids=["threads", "gevent"])
    def test_it_ends_with_a_command_that_never_stopped_it(self, before: str) -> None:
        ready = "isinstance(supervisor.read_state(), supervisor.Ready)"
        after = "assert len(ticks) > 9, ticks" if before else ""
        with run_supervisor(before=before, awaited=ready, after=after) as supervisor:
            pid = int(supervisor.stdout.readline().split()[0])
            assert supervisor.wait(10) == 0
            assert not is_alive(pid)


GUNICORN = """
from flask_headrace.providers.embedded import supervisor
bind, workers, worker_class, control_socket_disable = "127.0.0.1:0", 2, "gevent", True
model = supervisor.EmbeddedModelSupervisor()
def when_ready(server):
    model.start()
def on_exit(server):
    model.stop()
"""
APP = """
import os
from flask_headrace.providers.embedded import supervisor
def app(environ, start_response):
    start_response("200 OK", [])
    return [f"{os.getpid()} {supervisor.wait_until_ready().base_url} {supervisor.read_state().pid}".encode()]
"""


@pytest.fixture
def gunicorn(runnable: None, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    (tmp_path / "gunicorn.conf.py").write_text(GUNICORN)
    (tmp_path / "served.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "served:app"]
    master = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    line = next(line for line in master.stderr if "Listening at" in line)
    yield master, int(line.rpartition(":")[2].split()[0])
    if master.poll() is None:
        os.killpg(master.pid, signal.SIGKILL)
    master.communicate(timeout=10)


def both_workers(port: int) -> dict[str, str]:
    """Wait until both workers have answered; return the model's process id that each reports.

    A worker that is still starting would miss signals.
    """
    seen: dict[str, str] = {}
    until(lambda: seen.update([report_of(port)[::2]]) or len(seen) == 2)
    return seen


def report_of(port: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    return connection.getresponse().read().decode().split()


def sockets_of(pid: int) -> set[str]:
    names = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.add(os.readlink(fd))
    return {name for name in names if name.startswith("socket:")}


class TestUnderGunicorn:
    def test_all_workers_share_it_also_after_a_restart(self, gunicorn: tuple[subprocess.Popen[str], int]) -> None:
        _, port = gunicorn
        seen = both_workers(port)
        assert len(set(seen.values())) == 1
        os.kill(int(report_of(port)[2]), signal.SIGKILL)
        until(lambda: report_of(port)[2] not in seen.values())

    def test_it_holds_no_socket_of_the_service(self, gunicorn: tuple[subprocess.Popen[str], int]) -> None:
        master, port = gunicorn
        assert sockets_of(master.pid)
        assert not sockets_of(master.pid) & sockets_of(int(report_of(port)[2]))

    def test_control_c_in_the_terminal_leaves_it_to_the_service(
        self, gunicorn: tuple[subprocess.Popen[str], int]
    ) -> None:
        master, port = gunicorn
        pid = int(both_workers(port).popitem()[1])
        assert os.getsid(pid) != os.getsid(master.pid)
        os.killpg(master.pid, signal.SIGINT)
        assert master.wait(10) == 0
        assert not is_alive(pid)

    def test_it_ends_when_the_master_is_killed(self, gunicorn: tuple[subprocess.Popen[str], int]) -> None:
        master, port = gunicorn
        pid = int(report_of(port)[2])
        master.kill()
        until(lambda: not is_alive(pid), 3)
