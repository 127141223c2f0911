"""A host application with the extension, served with this project's gunicorn.conf.py."""

from __future__ import annotations

from pathlib import Path

from tests.support.service import Service


class Host(Service):
    """The host application under gunicorn, as a context manager.

    Args:
        folder: The folder for the module.
        code: The module's source, with an `app` that responds at /healthz. It is imported after gevent's patches.
        arguments: Further command-line arguments of gunicorn.
        settings: Environment variables.

    Attributes:
        module: The path of the module.
    """

    def __init__(self, folder: Path, code: str, *, arguments: tuple[str, ...] = (), **settings: str) -> None:
        self.module = folder / "hosting.py"
        self.module.write_text(code)
        super().__init__(arguments=(*arguments, "--pythonpath", str(folder), "hosting:app"), **settings)
