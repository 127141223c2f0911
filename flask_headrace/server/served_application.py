"""The application that gunicorn serves: Headrace's own, or a host application with the extension.

Workers check it after loading it, and so does the check before a reload.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from ..blueprints.state import EXTENSION, ExtensionState
from ..core.errors import ConfigurationError
from .open_access import reject_public_addresses

SERVICE_APP_FILE = Path(__file__).resolve().parents[2] / "app.py"
"""The module of Headrace's own application in a checkout."""


def is_headrace_service(application: str) -> bool:
    """Whether `application`, given as `module:name`, is Headrace's own, whose only settings are the environment's.

    The name does not suffice, because `app:app` is common: the module is located, without importing it.
    """
    module = application.partition(":")[0]
    if module != SERVICE_APP_FILE.stem:
        return False
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == SERVICE_APP_FILE


def extension_state(application: Any, name: str) -> ExtensionState:  # noqa: ANN401  # any object that gunicorn loads
    """Return the extension's state in a Flask application.

    Args:
        application: The object that gunicorn has loaded.
        name: Its name as `module:name`, for the message.

    Raises:
        ConfigurationError: the object is not a Flask application with the extension.
    """
    try:
        return cast("ExtensionState", application.extensions[EXTENSION])
    except (AttributeError, KeyError):
        raise ConfigurationError(
            f"{name} is {application!r:.100}, which is not a Flask application with Headrace in it: name the "
            "Flask application, and assign middleware to its wsgi_app."
        ) from None


def check_application(state: ExtensionState, addresses: Iterable[str]) -> None:
    """Check that an application without authorization is not open to the network.

    Args:
        state: The application's extension state.
        addresses: The listening addresses, as `host:port` or `unix:path`.

    Raises:
        ConfigurationError: everybody may use it, and an address is not a loopback address.
    """
    if state.is_open:
        reject_public_addresses(addresses)
