"""Makes what encodes the stream of one response: with the fields of its request that the response echoes."""

from __future__ import annotations

from ...streaming.context import StreamContext
from ...streaming.readable import ReadableStream
from ..echoed_fields import echoed_fields
from ..encoding.base import JSONEncoder
from ..encoding.without_local_calls import WithoutLocalCalls
from .encoder import ResponsesEncoder

PROTOCOL = "openai-responses"
"""The protocol's name in `?protocol=`."""


def encoder_for(stream: ReadableStream) -> JSONEncoder:
    """Return the Responses API encoder for a stream."""
    return encoder_of(stream.id, stream.context)


def encoder_of(id: str, context: StreamContext) -> JSONEncoder:  # noqa: A002
    """Return the Responses API encoder for the stream of an id and its context."""
    encoder = ResponsesEncoder(id, context.model, context.created, echoed_fields(context, PROTOCOL))
    return WithoutLocalCalls(encoder, has_one_text=False) if context.runs_tools else encoder
