"""`examples/existing_app/after`, installed from the wheel and served by gunicorn, as its README says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support.reader import send
from tests.support.service import ROOT, Service, environment

EXAMPLE = ROOT / "examples/existing_app"
REMAINS = shutil.ignore_patterns("__pycache__", "instance", ".pytest_cache", ".ruff_cache")
"""What programs leave behind in the folders of the example."""


def copy_example(state: str, folder: Path) -> Path:
    """Copy one state of the application, `before` or `after`, into a new folder, and return its path."""
    return Path(shutil.copytree(EXAMPLE / state, folder, ignore=REMAINS))


class Shop(Service):
    """The application after it has a support chat, with the customers ann and ben.

    Args:
        folder: A folder that does not exist yet, for the application and its database.
        programs: The folder of the programs of the environment in which the wheel is installed.
        workers: Number of gunicorn's workers.
        settings: Environment variables.
    """

    def __init__(self, folder: Path, programs: Path, *, workers: int = 1, **settings: str) -> None:
        super().__init__(**settings)
        del self.settings["HEADRACE_BIND"]
        self.folder = copy_example("after", folder)
        self._seed = [programs / "flask", "--app", "app", "seed"]
        address = ["-b", f"127.0.0.1:{self.port}", "--no-control-socket"]
        self.command = [str(programs / "gunicorn"), "-k", "gevent", "-w", str(workers), *address, "app:create_app()"]

    def __enter__(self) -> Shop:
        subprocess.run(self._seed, cwd=self.folder, env=environment(**self.settings), check=True, capture_output=True)
        super().__enter__()
        return self

    def _is_up(self) -> bool:
        try:
            return send(self.url + "/help/", method="GET").status == 200
        except OSError:
            return False
