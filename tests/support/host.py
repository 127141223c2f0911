"""An application of somebody's with the extension in it, under this project's gunicorn.conf.py."""

from __future__ import annotations

from pathlib import Path

from tests.support.service import Service


class Host(Service):
    """The application, from `with` to its end.

    Args:
        folder: Where its module is written.
        code: The module; it has an `app` that answers at /healthz. It is imported after gevent's patches.
        arguments: What else stands on gunicorn's command line.
        settings: Environment variables.

    Attributes:
        module: The file of the module.
    """

    def __init__(self, folder: Path, code: str, *, arguments: tuple[str, ...] = (), **settings: str) -> None:
        self.module = folder / "hosting.py"
        self.module.write_text(code)
        super().__init__(arguments=(*arguments, "--pythonpath", str(folder), "hosting:app"), **settings)
