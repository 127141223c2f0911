"""The protocols in which a stream can be followed, by their names in `?protocol=`."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from ..streaming.errors import InvalidRequest
from ..streaming.wire import native
from ..streaming.wire.base import Wire

_WIRES: dict[str, Callable[[], Wire]] = {
    "native": lambda: native,
}


def wanted_wire() -> Wire:
    """Return a wire of the protocol that the request names; the native one where it names none.

    Raises:
        InvalidRequest: there is none of that name; 400.
    """
    name = request.args.get("protocol", "native")
    if name not in _WIRES:
        raise InvalidRequest(f"The protocol is {name!r:.100}: it must be one of {', '.join(_WIRES)}.")
    return _WIRES[name]()
