"""A set-up that is interrupted, killed or fails: the next one does not take what is half there for whole."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.event_loop import until
from tests.support.process_info import is_alive
from tests.support.service import ROOT

pytestmark = pytest.mark.slow

PIP = """#!/bin/sh
[ "$1" = -c ] && exit 0
echo $$ > pip
echo Installing collected packages: x
[ -e fails ] && exit 1
exec sleep 60
"""
"""A Python whose pip has begun to write, and then fails or takes its time."""


class Place:
    """A folder with the set-up and an environment in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, folder / ".venv" / ".half-done"
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools/bootstrap.py", folder / "tools")
        (folder / ".venv/bin").mkdir(parents=True)
        python = folder / ".venv/bin/python"
        python.write_text(PIP)
        python.chmod(0o755)

    def begin(self) -> subprocess.Popen[str]:
        command = [sys.executable, "tools/bootstrap.py", ".venv"]
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def pip(self) -> int:
        """Return pip's process id, once it writes."""
        until(self.mark.exists)
        return int((self.folder / "pip").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield Place(tmp_path)
    if (tmp_path / "pip").exists() and is_alive(pid := int((tmp_path / "pip").read_text())):
        os.kill(pid, signal.SIGKILL)


def test_what_pip_failed_to_install_is_not_taken_for_whole(place: Place) -> None:
    (place.folder / "fails").touch()
    _, output = place.begin().communicate(timeout=30)
    assert "pip failed" in output
    assert place.mark.exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_an_interrupt_ends_pip_too_and_leaves_a_mark(place: Place, how: signal.Signals) -> None:
    with place.begin() as setting_up:
        pip = place.pip()
        setting_up.send_signal(how)
        _, output = setting_up.communicate(timeout=30)
    assert (setting_up.returncode, output) == (130, "\nInterrupted: the same command goes on from here.\n")
    assert not is_alive(pip)
    assert place.mark.exists()


def test_the_next_set_up_waits_for_the_pip_of_one_that_was_killed(place: Place) -> None:
    with place.begin() as killed:
        pip = place.pip()
        killed.kill()
    with place.begin() as following:
        assert following.stdout is not None
        assert "Another set-up is under way" in following.stdout.readline()
        os.kill(pip, signal.SIGKILL)
        assert following.stdout.readline().startswith("[1/4]")
        os.killpg(following.pid, signal.SIGKILL)  # with the environment that it begins to make
