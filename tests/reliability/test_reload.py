"""Configuration errors in a running service: a reload reports each, and the service continues unchanged."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.reader import ask, asking, send
from tests.support.service import Service, children
from tests.support.started_service import openai_alone
from tests.support.upstream import Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow

VALID_CONFIG = '[models.first]\nchain = ["openai/one"]\n'
REJECTED = "The reload is rejected, and the service continues unchanged. "


class Reloaded(Service):
    """A service whose configuration file and schema folder tests change."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.config, self.schemas = folder / "headrace.toml", folder / "schemas"
        super().__init__(HEADRACE_CONFIG=str(self.config), HEADRACE_SCHEMAS=str(self.schemas), **settings)
        self.restore()

    def restore(self) -> None:
        """Restore valid configuration."""
        self.config.write_text(VALID_CONFIG)
        self.schemas.mkdir(exist_ok=True)
        (self.schemas / "colour.json").write_text('{"type": "object"}')

    def hup(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def rejections(self) -> list[str]:
        """Return the messages of the reloads rejected so far, from the log."""
        return [line.partition(REJECTED)[2] for line in self.log().splitlines() if REJECTED in line]


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloaded]:
    with Reloaded(tmp_path_factory.mktemp("reloaded"), **openai_alone(upstream), HEADRACE_DRAIN="30") as running:
        upstream.answer("one", openai_wire.answer("one"))
        running.wait_until(lambda: ask(running.url, "first").status == 200, 30)
        yield running


@pytest.fixture(autouse=True)
def restore_configuration(service: Reloaded) -> Iterator[None]:
    yield
    service.restore()


def break_toml(service: Reloaded) -> None:
    service.config.write_text('[models.first]\nchain = "openai/one\n')


def misspell_key(service: Reloaded) -> None:
    service.config.write_text('[models.first]\nchian = ["openai/one"]\n')


def remove_schemas(service: Reloaded) -> None:
    (service.schemas / "colour.json").unlink()
    service.schemas.rmdir()


def break_schema(service: Reloaded) -> None:
    (service.schemas / "colour.json").write_text('{"type": 7}')


def test_the_master_keeps_no_process_for_the_checks_of_its_start(service: Reloaded) -> None:
    assert children(service.process.pid) == service.workers()


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        (break_toml, "headrace.toml"),
        (misspell_key, "chian"),
        (remove_schemas, "it must be a folder of files NAME.json"),
        (break_schema, "colour.json in HEADRACE_SCHEMAS is no JSON Schema"),
    ],
)
def test_a_reload_with_a_mistake_is_told_and_the_worker_goes_on(service: Reloaded, slip, says: str) -> None:
    before, workers = len(service.rejections()), service.workers()
    slip(service)
    service.hup()
    messages = service.wait_until(lambda: service.rejections()[before:], 30)
    assert says in messages[0]
    assert service.workers() == workers
    assert ask(service.url, "first").text == "one"


def test_a_reload_with_other_settings_holds_for_what_is_asked_from_then_on(
    service: Reloaded, upstream: Upstream
) -> None:
    old = service.workers()
    upstream.answer("held", openai_wire.answer("one", Gate("held"), "two"))
    with asking(service.url, "openai/held") as reading:
        reading.until(b"one")
        service.config.write_text(VALID_CONFIG + '[models.second]\nchain = ["openai/one"]\n')
        service.hup()
        service.wait_until(lambda: ask(service.url, "second").status == 200, 30)
        upstream.open_gate("held")
        assert b"two" in reading.until(b"[DONE]")
    service.wait_until(lambda: not set(old) & set(service.workers()), 30)


def test_a_worker_that_dies_while_the_settings_are_wrong_does_not_take_the_service_along(service: Reloaded) -> None:
    break_toml(service)
    os.kill(service.workers()[0], signal.SIGKILL)
    service.wait_until(lambda: "The other workers continue; the next attempt is in 5 s" in service.log(), 30)
    service.restore()
    service.hup()
    assert ask(service.url, "first").text == "one"


def test_a_second_worker_is_refused_where_the_streams_are_in_the_memory_of_the_first(service: Reloaded) -> None:
    workers = service.workers()
    service.process.send_signal(signal.SIGTTIN)
    service.wait_until(lambda: "No second worker is started" in service.log(), 30)
    assert service.workers() == workers


def test_a_second_worker_counts_together_with_the_first_where_both_reach_the_store(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.answer("one", openai_wire.answer("one"))
    settings = openai_alone(upstream) | {"HEADRACE_STORE": f"sqlite:///{tmp_path}/streams.db", "HEADRACE_DRAIN": "0"}
    (tmp_path / "headrace.toml").write_text(VALID_CONFIG)
    with Service(**settings, HEADRACE_CONFIG=str(tmp_path / "headrace.toml")) as own:
        (old,) = own.workers()
        own.process.send_signal(signal.SIGTTIN)
        own.wait_until(lambda: len(workers := own.workers()) == 2 and old not in workers, 60)
        own.wait_until(lambda: ask(own.url, "openai/one").status == 200, 60)
        assert {ask(own.url, "openai/one").status for _ in range(5)} == {200}
        own.wait_until(lambda: [scraped(own, "streams_total") for _ in range(6)] == [6] * 6)
        # Who tried a reload is nobody that is counted.
        own.process.send_signal(signal.SIGHUP)
        old_ones = own.workers()
        own.wait_until(lambda: len(workers := own.workers()) == 1 and not set(old_ones) & set(workers), 60)
        own.wait_until(lambda: scraped(own, 'breaker_state{model="openai/one",state="closed"') == 1, 60)


def scraped(service: Service, name: str) -> float:
    """Return the sum of a metric's samples, as one worker reports it."""
    lines = send(service.url + "/metrics", method="GET").body.decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"headrace_{name}"))


def test_a_second_service_is_started_beside_the_first_as_that_one_was(upstream: Upstream, tmp_path: Path) -> None:
    upstream.answer("one", openai_wire.answer("one"))
    pid_file = tmp_path / "master.pid"
    with Service(arguments=("--pid", str(pid_file)), **openai_alone(upstream)) as own:
        assert own.command[1:3] == ["-m", "gunicorn"]
        first = own.process.pid
        own.process.send_signal(signal.SIGUSR2)
        second = int(own.wait_until(lambda: read(tmp_path / "master.pid.2"), 20))
        try:
            own.wait_until(lambda: own.log().count("Booting worker") == 2, 20)
            own.process.send_signal(signal.SIGTERM)
            own.process.wait(30)
            assert ask(own.url, "openai/one").text == "one"
        finally:
            os.kill(second, signal.SIGTERM)
        assert second != first


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


BROKEN = "raise RuntimeError('no such table')\n"
BROKEN_MORE = {
    "in many words": (f"raise RuntimeError('{'ä' * 3000}')\n", "(RuntimeError: ää"),
    "in many words, and one letter": (f"raise RuntimeError('x{'ä' * 3000}')\n", "(RuntimeError: xää"),
    "in half a character": (r"raise RuntimeError('\udc80')", "(RuntimeError: ?)"),
    "and what it says cannot be written": (
        f"import os\nos.dup2(os.open('/dev/full', os.O_WRONLY), 2)\n{BROKEN}", "(RuntimeError: no such table)"
    ),
    "and a process is left of it": (
        f"import os, time\nif os.fork() == 0:\n    time.sleep(20)\n    os._exit(0)\n{BROKEN}",
        "(RuntimeError: no such table)",
    ),
}  # fmt: skip
HOST = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
Headrace(app)
"""


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, **openai_alone(upstream)) as running:
        yield running


@pytest.mark.parametrize("how", BROKEN_MORE)
def test_an_application_that_can_be_loaded_no_more_is_not_reloaded(host: Host, how: str) -> None:
    code, says = BROKEN_MORE[how]
    workers, before = host.workers(), host.log().count(REJECTED)
    host.module.write_text(code)
    host.process.send_signal(signal.SIGHUP)
    host.wait_until(lambda: host.log().count(REJECTED) > before)
    assert f"The application cannot be loaded {says}" in host.log().rpartition(REJECTED)[2]
    assert host.workers() == workers
    assert send(host.url + "/healthz", method="GET").status == 200


def test_a_reload_for_whose_trial_there_is_no_room_is_told_and_done_later(host: Host) -> None:
    workers, before = host.workers(), host.log().count(REJECTED)
    host.module.write_text(HOST)
    limits = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (3, 20000))
    try:
        host.process.send_signal(signal.SIGHUP)
        host.wait_until(lambda: host.log().count(REJECTED) > before)
        assert "The application cannot be checked ([Errno 24] Too many open files)" in host.log()
    finally:
        resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, limits)
    assert host.workers() == workers
    host.process.send_signal(signal.SIGHUP)
    host.wait_until(lambda: (now := host.workers()) and not set(workers) & set(now), 30)


def test_an_application_that_no_worker_could_serve_any_more_is_not_reloaded(upstream: Upstream, tmp_path: Path) -> None:
    with Host(tmp_path, HOST, **openai_alone(upstream)) as own:
        workers = own.workers()
        named = HOST.replace("Headrace(app)", f'app.config["HEADRACE_STORE"] = "sqlite:///{tmp_path}"\nHeadrace(app)')
        for code, says in [(named, "which is a folder"), (HOST.replace("Headrace(app)", ""), "with Headrace in it")]:
            (tmp_path / "hosting.py").write_text(code)
            own.process.send_signal(signal.SIGHUP)
            own.wait_until(lambda says=says: says in own.log())
        assert own.log().count(REJECTED) == 2
        assert own.workers() == workers
        assert send(own.url + "/healthz", method="GET").status == 200
