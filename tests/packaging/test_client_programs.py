"""What `make test-clients` installs is installed once, and anew when its list has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.client_programs import InstallError, install_part, run


class Part:
    """A part whose installation is only counted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.list, self.installed = folder / "part", folder / "list.txt", 0
        self.list.write_text("mill==1.0\n")

    def install(self) -> None:
        install_part(self.folder, [self.list], self._install)

    def _install(self, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "bin").mkdir()
        self.installed += 1


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return Part(tmp_path)


def test_a_second_run_installs_nothing(part: Part) -> None:
    part.install()
    part.install()
    assert part.installed == 1


def test_another_list_is_installed_in_place_of_the_first(part: Part) -> None:
    part.install()
    part.list.write_text("mill==1.1\n")
    part.install()
    assert part.installed == 2


def test_what_failed_is_installed_again(part: Part) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").mkdir()
        run("sh", "-c", "echo the disk is full; exit 1")

    with pytest.raises(InstallError, match="the disk is full"):
        install_part(part.folder, [part.list], fail)
    part.install()
    assert part.installed == 1


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(InstallError, match="no-such-program is not there: install it"):
        run("no-such-program")
