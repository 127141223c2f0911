"""The packages of the peers, installed once in a folder outside the checkout, in the versions named beside this file.

The folder is ~/.cache/headrace-bench, or the one that HEADRACE_BENCH_CACHE names.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("HEADRACE_BENCH_CACHE") or Path.home() / ".cache/headrace-bench")
STAMP = ".installed"


class InstallError(Exception):
    """The packages of a peer cannot be installed here; the message says why."""


@functools.cache
def node() -> Path:
    """Install the packages of the peers on Node, copy their sources beside them, and return the folder."""
    folder = CACHE / "node"
    wanted = (HERE / "package.json").read_text()
    if not _is_installed(folder, wanted):
        _need("node", "npm")
        (folder / "package.json").write_text(wanted)
        _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], folder)
        _stamp(folder, wanted)
    for source in HERE.glob("*.mjs"):  # Node looks for packages where a source lies
        shutil.copy(source, folder)
    return folder


@functools.cache
def python() -> Path:
    """Install the packages of the peers on asyncio in an environment of their own, and return it."""
    return _environment("python", "requirements.txt")


@functools.cache
def litellm() -> Path:
    """Install LiteLLM in an environment of its own, and return it."""
    return _environment("litellm", "requirements-litellm.txt")


def version(folder: Path, package: str) -> str:
    """Return the version of a package that is installed in one of the folders above."""
    manifest = folder / "node_modules" / package / "package.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text())["version"])
    paths = [str(path) for path in folder.glob("lib/python*/site-packages")]
    return next(found.version for found in importlib.metadata.distributions(name=package, path=paths))


def _environment(name: str, requirements: str) -> Path:
    folder = CACHE / name
    wanted = (HERE / requirements).read_text() + sys.version
    if not _is_installed(folder, wanted):
        _run([sys.executable, "-m", "venv", "--clear", folder], folder)
        _run([folder / "bin/python", "-m", "pip", "install", "-q", "-r", HERE / requirements], folder)
        _stamp(folder, wanted)
    return folder


def _is_installed(folder: Path, wanted: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / STAMP
    return stamp.exists() and stamp.read_text() == wanted


def _stamp(folder: Path, wanted: str) -> None:
    (folder / STAMP).write_text(wanted)


def _need(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise InstallError(f"{program} is not installed")


def _run(argv: Sequence[str | os.PathLike[str]], folder: Path) -> None:
    print(f"  installing into {folder}", file=sys.stderr)
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        last = ((done.stderr or done.stdout).strip().splitlines() or ["it said nothing"])[-1]
        raise InstallError(f"the installation failed: {last}")
