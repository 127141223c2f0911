"""The headers of a request that go on to providers of the client's own protocol. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from werkzeug.datastructures import Headers

from ...core.errors import InvalidRequest


def pick_protocol_headers(
    headers: Headers | Mapping[str, str], names: Sequence[str], max_chars: int | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the names and values of those headers of a request that belong to a protocol.

    Args:
        headers: The headers of the request, with names in upper or lower case.
        names: The names of the protocol's headers; the result has them as they are here.
        max_chars: Maximum length of a value; None for the server's own limit.

    Raises:
        InvalidRequest: a value is too long, or has characters that do not go on.
    """
    values = {name.lower(): value for name, value in headers.items()}
    found = [(name, value) for name in names if (value := values.get(name.lower()))]
    for name, value in found:
        if not (value.isascii() and value.isprintable()):
            raise InvalidRequest(f"The header {name} is {value!r:.100}: it may have printable ASCII characters alone.")
        if max_chars is not None and len(value) > max_chars:
            raise InvalidRequest(f"The header {name} has {len(value)} characters: it may have {max_chars} at most.")
    return tuple(found)
