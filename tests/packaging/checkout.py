"""A clean checkout of the working tree, and a Python that finds the dependencies without this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.service import ROOT, environment

PYTHON = str(Path(sys.base_prefix) / "bin/python3")
"""The Python that .venv was made with: it has no packages but those on its PYTHONPATH."""

IDENTITY = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]


def git(*arguments: str, folder: Path) -> str:
    """Run git in a folder and return what it writes."""
    command = [require("git", "apt-get install git"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


def make_repository(folder: Path) -> Path:
    """Make a repository of the files of the working tree that git knows or would add, and return its folder."""
    if not (ROOT / ".git").exists():
        pytest.skip("these tests need the git repository of this project, and run in none")
    repository = folder / "repository"
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=ROOT).split("\0"):
        source, target = ROOT / name, repository / name
        if name and (source.exists() or source.is_symlink()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    git("init", "-q", folder=repository)
    git("add", "-A", folder=repository)
    git(*IDENTITY, "commit", "-q", "-m", "The working tree", folder=repository)
    return repository


@cache
def dependencies() -> tempfile.TemporaryDirectory[str]:
    """Make a folder of links to what is installed, except this project; it is removed when the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="dependencies-")
    for installed in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "headrace" not in installed.name:
            (Path(folder.name) / installed.name).symlink_to(installed)
    return folder


def bare_environment(*paths: Path, **settings: str) -> dict[str, str]:
    """Return an environment in which `PYTHON` imports from these folders first, and else only the dependencies.

    The installation of this project is not among them, nor is its metadata.
    """
    path = os.pathsep.join([*map(str, paths), dependencies().name])
    return environment(**settings, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")


def run_python(code: str, folder: Path, *paths: Path, python: str = PYTHON) -> subprocess.CompletedProcess[str]:
    """Run code with a bare Python in a folder, which it imports from as well."""
    return subprocess.run(
        [python, "-c", code],
        cwd=folder,
        env=bare_environment(*paths),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Run a command in a folder, in this environment, and return what it writes."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    return done.stdout


def build(folder: Path, kind: str, target: Path) -> Path:
    """Build the `wheel` or the `sdist` of a checkout by its build backend, and return the file."""
    require("npm", "apt-get install npm")
    target.mkdir(parents=True, exist_ok=True)
    code = f"import build_backend; build_backend.build_{kind}({str(target)!r})"
    done = run_python(code, folder, folder / "tools")
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = target.iterdir()
    return file


def names_in_wheel(file: Path) -> set[str]:
    """Return the names of the files in a wheel, without its metadata."""
    with zipfile.ZipFile(file) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}
