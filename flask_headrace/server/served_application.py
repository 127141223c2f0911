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
from .open_access import refuse_open_door

OUR_OWN = Path(__file__).resolve().parent.parent / "app.py"
"""The application of the service itself, where this is a checkout."""


def is_service_itself(application: str) -> bool:
    """Whether gunicorn serves this project's own application, whose settings are the environment's alone.

    Its name alone does not tell: others call theirs `app:app` as well. It is found, and not imported.
    """
    module = application.partition(":")[0]
    if module != OUR_OWN.stem:
        return False
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None and Path(found.origin).resolve() == OUR_OWN


def service_of(application: Any, name: str) -> ExtensionState:  # noqa: ANN401  # whatever gunicorn was told to load
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


def refuse_application(service: ExtensionState, addresses: Iterable[str]) -> None:
    """Refuse an application that lets the whole network ask.

    Raises:
        ConfigurationError: it does, at one of the addresses.
    """
    if service.is_open:
        refuse_open_door(addresses)
