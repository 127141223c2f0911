"""The application that gunicorn serves, the service itself or another with the extension in it, and whether it may be.

Workers look at it when they have loaded it, and the trial of a reload as well.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from ..blueprints.state import EXTENSION, ExtensionState
from ..core.errors import ConfigurationError
from .open_access import reject_public_addresses

SERVICE_APP_FILE = Path(__file__).resolve().parent.parent / "app.py"
"""The application of the service itself, where this is a checkout."""


def is_headrace_service(application: str) -> bool:
    """Whether gunicorn serves this project's own application, whose settings are the environment's alone.

    Its name alone does not tell: others call theirs `app:app` as well. It is found, and not imported.
    """
    module = application.partition(":")[0]
    if module != SERVICE_APP_FILE.stem:
        return False
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == SERVICE_APP_FILE


def extension_state(application: Any, name: str) -> ExtensionState:  # noqa: ANN401  # whatever gunicorn was told to load
    """Return what the extension has set up in an application: its settings, not the environment's alone, hold.

    Raises:
        ConfigurationError: it is no Flask application with the extension in it.
    """
    try:
        return cast("ExtensionState", application.extensions[EXTENSION])
    except (AttributeError, KeyError):
        raise ConfigurationError(
            f"{name} is {application!r:.100}, and no Flask application with Headrace in it: name that "
            "one, and put what wraps it around its wsgi_app."
        ) from None


def check_application(state: ExtensionState, addresses: Iterable[str]) -> None:
    """Refuse an application that lets the whole network ask.

    Raises:
        ConfigurationError: it does, at one of the addresses.
    """
    if state.is_open:
        reject_public_addresses(addresses)
