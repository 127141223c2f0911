"""The wheel of this project, and a fresh environment in which it is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.packaging.checkout import PYTHON, dependencies
from tests.support.service import ROOT

COMMANDS = ("flask", "gunicorn", "pytest", "py.test")
"""The console scripts of the dependencies that a user of the wheel runs."""


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, and return its path."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, wheel: Path) -> Path:
    """Make a virtual environment with the wheel and its dependencies, and return its folder of programs.

    Nothing is loaded from an index: the dependencies are those of the development environment, by links.
    """
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    python = folder / "bin/python"
    install = ["-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(dependencies().name + "\n")
    for script in entry_points(group="console_scripts"):
        if script.name in COMMANDS:
            program = folder / "bin" / script.name
            program.write_text(f"#!{python}\nimport sys\nfrom {script.module} import {script.attr}\n")
            with program.open("a") as file:
                file.write(f"sys.exit({script.attr}())\n")
            program.chmod(0o755)
    return folder / "bin"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh environment with the wheel."""
    return make_environment(tmp_path_factory.mktemp("environment"), wheel)
