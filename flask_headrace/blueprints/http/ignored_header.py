"""Says what of a request the answering provider did not receive: in a header of the response and in the log."""

from __future__ import annotations

import logging

from flask import Response

from ...streaming.readable import ReadableStream

log = logging.getLogger("flask_headrace")

MAX_NAMES = 20
"""Names in one header; the header says how many more there are."""


def add_ignored_header(response: Response, stream: ReadableStream) -> Response:
    """Return `response` with the header `Headrace-Ignored`, if the answering provider did not receive everything.

    Args:
        response: The response, whose head was not sent yet.
        stream: The stream, whose model has begun to answer.
    """
    names = stream.context.ignored.get(stream.context.provider, ())
    if names:
        rest = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
        text = ", ".join([*map(_printable, names[:MAX_NAMES]), *rest])
        response.headers["Headrace-Ignored"] = text
        log.info("stream %s: %s is not sent: %s", stream.id, stream.context.provider, text)
    return response


def _printable(name: str) -> str:
    # Clients choose the names of fields: a header must not contain line feeds or bytes outside ASCII.
    return "".join([char if " " <= char <= "~" else "?" for char in name])
