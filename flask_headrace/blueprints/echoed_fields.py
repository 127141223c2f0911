"""The fields of a request that its response contains again, such as `metadata` in OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..core import exact_json
from ..core.json_object import exact_decoder
from ..streaming.context import StreamContext

MAX_ECHOED_BYTES = 256 * 1024
"""Bytes of echoed fields that are stored with a resumable stream. The largest fields beyond this limit are dropped."""


class EchoedFields(NamedTuple):
    """The fields of a request that its response contains again, such as `metadata` in OpenAI's Responses API.

    Args:
        protocol: The protocol of the request; see `protocol_registry`.
        fields: The JSON values, by their names in that protocol.
        without: Returns the fields without what no provider of the model receives, which is given as paths; see
            `StreamContext.ignored`. By default they stay as they are.
    """

    protocol: str
    fields: Mapping[str, Any]
    without: Callable[[Mapping[str, Any], Collection[str]], Mapping[str, Any]] = lambda fields, _: fields


def echoed_fields(context: StreamContext, protocol: str) -> dict[str, Any]:
    """Return the request fields that a stream's response echoes; empty if the request used another protocol.

    Numbers keep the client's digits.

    Args:
        context: The context of the stream.
        protocol: The protocol of the response.
    """
    return exact_decoder.decode(context.echoed_fields) if context.protocol == protocol else {}


def with_echoed_fields(
    context: StreamContext, echoed: EchoedFields, left_out: Collection[str], *, is_stored: bool
) -> StreamContext:
    """Return the context of a stream with the fields that its response echoes.

    Args:
        context: The context.
        echoed: The fields.
        left_out: What no provider of the model receives; see `EchoedFields.without`.
        is_stored: Whether the context is stored, so that the size of the fields is limited.
    """
    fields = echoed.without(echoed.fields, left_out)
    bounded_fields = _limit_size(fields) if is_stored else fields
    return replace(context, protocol=echoed.protocol, echoed_fields=exact_json.encode(bounded_fields))


def _limit_size(fields: Mapping[str, Any]) -> dict[str, Any]:
    sizes = sorted([(len(exact_json.encode(value)), name) for name, value in fields.items()])
    bounded_fields, total = {}, 0
    for size, name in sizes:
        total += size
        if total <= MAX_ECHOED_BYTES:
            bounded_fields[name] = fields[name]
    return bounded_fields
