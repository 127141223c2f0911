"""Makes what encodes the stream of one response: with the fields of its request that the response echoes."""

from __future__ import annotations

from ...streaming.context import StreamContext
from ...streaming.readable import ReadableStream
from ..echoed_fields import echoed_fields
from .encoder import ResponsesEncoder

PROTOCOL = "openai-responses"
"""The protocol's name in `?protocol=`."""


def encoder_for(stream: ReadableStream) -> ResponsesEncoder:
    """Return the Responses API encoder for a stream."""
    return encoder_of(stream.id, stream.context)


def encoder_of(id: str, context: StreamContext) -> ResponsesEncoder:  # noqa: A002
    """Return the Responses API encoder for the stream of an id and its context."""
    return ResponsesEncoder(id, context.model, context.created, echoed_fields(context, PROTOCOL))
