"""The folder for temporary files is cleaned, full or read-only: no worker ends, and the service continues."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.reader import ask, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, openai_wire

pytestmark = pytest.mark.slow

ALONE = "# These are the metrics of process "


def in_small_folder(service: Service, folder: Path, size: str) -> None:
    """Run a service with a small private file system as its folder for temporary files."""
    require("unshare", "apt-get install util-linux")
    if os.geteuid() != 0:
        require("a small disk", "run the tests as root, so that they can mount a tmpfs")
    mount = f'mount -t tmpfs -o size={size} none "{folder}" && exec "$@"'
    service.command = ["unshare", "-m", "bash", "-c", mount, "mounted", *service.command]
    service.settings["TMPDIR"] = str(folder)


def scrape(service: Service) -> str:
    answer = send(service.url + "/metrics", method="GET")
    assert answer.status == 200
    return answer.body.decode()


def ended(text: str) -> float:
    """Return the number of ended streams from the metrics."""
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("headrace_streams_total{"))


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def service(upstream: Upstream, temporary: Path) -> Iterator[Service]:
    running = Service(**openai_alone(upstream), WEB_CONCURRENCY="2", HEADRACE_DRAIN="0")
    in_small_folder(running, temporary, "2m")
    with running:
        upstream.answer("counted", openai_wire.answer("a"))
        running.wait_until(lambda: ask(running.url, "openai/counted").status == 200, 30)
        yield running


def seen(service: Service, temporary: Path) -> Path:
    """Return the service's folder for temporary files, as a path of this process."""
    return Path(f"/proc/{service.process.pid}/root{temporary}")


def counts(service: Service, temporary: Path) -> Path:
    """Return the folder of the shared metrics."""
    return next(seen(service, temporary).glob("headrace-metrics-*"))


def remove(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def test_all_workers_are_counted_again_after_their_folder_was_removed(service: Service, temporary: Path) -> None:
    before = ended(scrape(service))
    folder = counts(service, temporary)
    remove(folder)
    scrape(service)
    # Each worker looks once a second, where it counts something.
    service.wait_until(lambda: ask(service.url, "openai/counted").status == 200 and len(list(folder.iterdir())) == 6)
    assert ended(scrape(service)) > before


def test_a_worker_is_replaced_while_their_folder_is_gone(service: Service, temporary: Path) -> None:
    remove(counts(service, temporary))
    old = service.workers()[0]
    os.kill(old, signal.SIGKILL)
    service.wait_until(lambda: len(workers := service.workers()) == 2 and old not in workers, 20)
    service.wait_until(lambda: ask(service.url, "openai/counted").text == "a" and ended(scrape(service)) > 0)


def test_a_worker_that_is_born_on_a_full_disk_serves_and_counts_for_itself_until_there_is_room(
    service: Service, temporary: Path
) -> None:
    filling = seen(service, temporary) / "filling"
    with pytest.raises(OSError, match="No space left"):
        filling.write_bytes(bytes(2 << 20))
    for old in service.workers():
        os.kill(old, signal.SIGKILL)
        service.wait_until(lambda old=old: len(workers := service.workers()) == 2 and old not in workers, 20)
    assert ask(service.url, "openai/counted").text == "a"
    service.wait_until(lambda: scrape(service).startswith(ALONE))
    assert "are not shared with other workers: [Errno 28] No space left on device" in service.log()
    assert "SIGBUS" not in service.log()
    filling.unlink()
    service.wait_until(lambda: not any(scrape(service).startswith(ALONE) for _ in range(4)))


def test_a_service_whose_folder_has_become_read_only_goes_on_and_starts_the_missing_worker_later(
    service: Service, temporary: Path
) -> None:
    old, other = service.workers()
    inside(service, "mount", "-t", "tmpfs", "-o", "ro", "none", str(temporary))
    os.kill(old, signal.SIGKILL)
    service.wait_until(lambda: "No worker could be started ([Errno 30] Read-only file system" in service.log(), 20)
    assert service.workers() == [other]
    assert ask(service.url, "openai/counted").text == "a"
    inside(service, "umount", str(temporary))
    service.wait_until(lambda: len(service.workers()) == 2, 20)


def inside(service: Service, *command: str) -> None:
    """Run a command in the service's mount namespace."""
    subprocess.run(["nsenter", "-t", str(service.process.pid), "-m", *command], check=True)


def test_a_service_starts_on_a_disk_that_is_nearly_full(upstream: Upstream, tmp_path: Path) -> None:
    running = Service(**openai_alone(upstream), WEB_CONCURRENCY="2", HEADRACE_DRAIN="0")
    in_small_folder(running, tmp_path, "64k")
    with running as own:
        upstream.answer("counted", openai_wire.answer("a"))
        own.wait_until(lambda: ask(own.url, "openai/counted").status == 200, 30)
        own.wait_until(lambda: scrape(own).startswith(ALONE), 20)  # after the first worker has found no room
        assert "was sent" not in own.log()
