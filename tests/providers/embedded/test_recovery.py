"""The supervisor recovers from a removed state file, a foreign folder, and a process that does not respond."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flask_headrace.providers.embedded import endpoint, supervisor
from tests.providers.embedded.process_table import ask, is_alive, model_pid, until

pytestmark = pytest.mark.slow

WORKER = """
import os
from flask_headrace.providers.embedded import endpoint, supervisor
before = os.environ[supervisor.STATE_VARIABLE]
supervisor.ensure_started()
assert os.environ[supervisor.STATE_VARIABLE] == before, "it has started one of its own"
try:
    supervisor.get_endpoint()
except supervisor.EmbeddedModelUnavailable as error:
    print(error.retryable, error)
"""


def state_file() -> Path:
    return Path(os.environ[supervisor.STATE_VARIABLE])


def is_ready() -> bool:
    return isinstance(supervisor.read_state(), supervisor.Ready)


def occupy_folder(folder: Path) -> bool:
    """Create the folder before the supervisor does, open to all users; return whether that succeeded."""
    shutil.rmtree(folder)
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    folder.chmod(0o777)
    return True


def test_a_state_that_was_removed_is_told_anew(
    model: supervisor.EmbeddedModelSupervisor, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    where = supervisor.wait_until_ready()
    # Moved away first: while it is being removed, the supervisor may write a file into it again.
    removed = state_file().parent.rename(tmp_path / "removed")
    shutil.rmtree(removed)
    until(is_ready)
    assert supervisor.get_endpoint() == where
    assert state_file().parent.stat().st_mode & 0o777 == 0o700
    assert [record for record in caplog.records if "is missing; writing it again" in record.message]


def test_a_state_that_cannot_be_written_is_told_once_and_tried_again(
    model: supervisor.EmbeddedModelSupervisor, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor.wait_until_ready()
    folder = state_file().parent
    until(lambda: occupy_folder(folder))
    until(lambda: "must belong to this user" in caplog.text)
    with pytest.raises(supervisor.EmbeddedModelUnavailable, match="address is not known") as caught:
        supervisor.get_endpoint()
    assert caught.value.retryable
    assert list(folder.iterdir()) == []
    folder.rmdir()
    until(is_ready)
    assert caplog.text.count("cannot be written") == 1


def test_a_worker_starts_none_of_its_own_while_the_state_of_a_living_supervisor_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / f"{endpoint.STATE_FOLDER_PREFIX}{os.getpid()}-x" / "state.json"
    run = subprocess.run(
        [sys.executable, "-c", WORKER],
        env=os.environ | {supervisor.STATE_VARIABLE: str(gone)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.startswith("True The embedded model's address is not known at the moment"), run.stderr


def test_a_process_that_stands_still_is_told_and_then_started_again(
    model: supervisor.EmbeddedModelSupervisor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor.wait_until_ready()
    monkeypatch.setattr(supervisor, "_UNRESPONSIVE_TIMEOUT", 1.0)
    monkeypatch.setattr(supervisor, "_KILL_TIMEOUT", 2.5)
    pid = model_pid()
    os.kill(pid, signal.SIGSTOP)
    until(lambda: not is_ready())
    with pytest.raises(supervisor.EmbeddedModelUnavailable, match="does not respond") as caught:
        supervisor.get_endpoint()
    assert caught.value.retryable
    until(lambda: not is_alive(pid))
    supervisor.wait_until_ready()
    assert model_pid() != pid
    assert ask("Say hello.").status == 200
    assert "has not responded for 2.5 s" in caplog.text


def test_a_process_that_goes_on_in_time_is_left_alone(
    model: supervisor.EmbeddedModelSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = supervisor.wait_until_ready()
    monkeypatch.setattr(supervisor, "_UNRESPONSIVE_TIMEOUT", 1.0)
    pid = model_pid()
    os.kill(pid, signal.SIGSTOP)
    until(lambda: not is_ready())
    os.kill(pid, signal.SIGCONT)
    until(is_ready)
    assert supervisor.get_endpoint() == where
    assert model_pid() == pid
