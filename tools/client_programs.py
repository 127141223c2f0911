"""Install the published programs and libraries that `make test-clients` drives, at their pinned versions.

    python tools/client_programs.py [FOLDER]

The npm programs and one virtual environment for each file of tests/programs/requirements/ go into FOLDER (`.programs`
if none is named). What is there already is not installed again: each part has a stamp with the checksum of its list.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT / "tests/programs"
SETUP_SCRIPTS = ("@anthropic-ai/claude-code/install.cjs", "opencode-ai/postinstall.mjs")
"""Scripts that put a package's program in its place. All other scripts of packages are not run: none is needed."""


class InstallError(Exception):
    """A part could not be installed; the message says what to do."""


def install_npm(folder: Path) -> None:
    """Install the npm programs into a folder."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LISTS / name, folder / name)
    # `npm ci` wants the builds for other systems in the list too, and some of those are in no registry
    run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
    for script in SETUP_SCRIPTS:
        path = folder / "node_modules" / script
        run("node", path, folder=path.parent)


def install_environment(folder: Path) -> None:
    """Make a virtual environment with the packages of the list that has its name."""
    if sys.version_info < (3, 11):
        raise InstallError(f"{folder.name} needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    run(sys.executable, "-m", "venv", "--clear", folder)
    run(
        folder / "bin/pip",
        "install",
        "--no-deps",
        "--no-compile",
        "--no-input",
        "-r",
        LISTS / f"requirements/{folder.name}.txt",
    )


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Run a command.

    Raises:
        InstallError: it failed; with the end of its output.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except FileNotFoundError as error:
        raise InstallError(f"{command[0]} is not there: install it, then run the same command again.") from error
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-15:])
        raise InstallError(f"{end}\n\n{' '.join(map(str, command))} failed: see above.")


def install_part(folder: Path, lists: list[Path], install: Callable[[Path], None]) -> None:
    """Install a part into a folder, unless its stamp says that just this is there.

    Raises:
        InstallError: see `run`.
    """
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in lists)).hexdigest()
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    stamp.write_text(wanted)
    print(f"{folder.name}: installed in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Install what is missing and return the exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".programs").resolve()
    parts: list[tuple[Path, list[Path], Callable[[Path], None]]] = [
        (folder / "npm", [LISTS / "package.json", LISTS / "package-lock.json"], install_npm)
    ]
    requirements = sorted(LISTS.glob("requirements/*.txt"))
    parts += [(folder / path.stem, [path], install_environment) for path in requirements]
    with ThreadPoolExecutor(2) as pool:
        try:
            list(pool.map(lambda part: install_part(*part), parts))
        except InstallError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
