"""A question, from whichever protocol, becomes a stream of the model that it names."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ..core.errors import InvalidRequest, NotSupported
from ..providers.base import CountsTokens, Provider
from ..providers.chat_request import ChatRequest, mistake_in
from ..streaming.context import PartialMode, StreamContext
from ..streaming.json_schema.enforce import validate_output
from ..streaming.json_schema.validator import SchemaValidator
from ..streaming.producer import Source
from ..streaming.readable import ReadableStream
from ..streaming.reader import StreamReader
from .http.event_loop import require_one_loop
from .state import ExtensionState, current_state

MAX_ECHOED_BYTES = 256 * 1024
"""Bytes of a question that a resumable answer may repeat, since they are kept with it; of more, the largest are not."""


class EchoedFields(NamedTuple):
    """What an answer repeats of its question.

    Args:
        protocol: The protocol that the question came in; see `protocol_registry`.
        fields: By the names that they have there.
    """

    protocol: str
    fields: Mapping[str, Any]


def echoed_fields(stream: ReadableStream, protocol: str) -> dict[str, Any]:
    """Return what a stream's answer repeats of its question; nothing where that came in another protocol."""
    context = stream.target
    return msgspec.json.decode(context.repeated, type=dict[str, Any]) if context.protocol == protocol else {}


_STREAM_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


def open_stream(  # noqa: PLR0913  # all but the first are given by name
    model: str | None,
    chat_request: ChatRequest,
    *,
    owner: str,
    default_provider: str | None = None,
    is_resumable: bool = False,
    id: str | None = None,  # noqa: A002
    chat_id: str | None = None,
    partial_mode: PartialMode | None = None,
    enforce_schema: bool = False,
    echoed: EchoedFields | None = None,
) -> StreamReader:
    """Open a stream in which a model answers a question, and follow it.

    Args:
        model: The model, as the reader named it; None for the default one.
        question: What it is asked; its own `model` is set here.
        owner: Who asks.
        preferred: The provider to ask for a model that is named without one, and that nobody lists.
        is_resumable: Whether it can be followed and stopped from anywhere.
        id: The id of a resumable stream; one of that id that is there is followed. None for one that nobody can guess.
        chat: The conversation of the owner's in which a resumable stream is the latest answer; None for none.
        partials: See `StreamContext`.
        is_held_to_schema: Whether an answer that does not fit its schema is a failure.
        repeated: What the answer repeats of the question.

    Raises:
        InvalidRequest: the question is not one that the model can be asked; 400.
        ModelNotFound: no such model is set up; 404.
        StreamConflict: there is a stream of that id, for another question; 409.
        LimitError: no more streams may be opened here now, or the store is away; 503.
        NotSupported: this process gives each request a thread of its own, with which its streams would end; 501.
    """
    state = current_state()
    if id is not None and not is_resumable:
        raise InvalidRequest("id is given, and resumable is not true: only a resumable stream has an id of one's own.")
    provider, chat_request = _resolve(model, chat_request, default_provider)
    context = _stream_context(
        state.registry.id_of(provider, chat_request.model), provider, chat_request, owner, partial_mode
    )
    if echoed is not None:
        bounded_fields = _limit_size(echoed.fields) if is_resumable else echoed.fields
        context = replace(context, protocol=echoed.protocol, repeated=msgspec.json.encode(bounded_fields))
    source = _source(provider, chat_request, context, enforce_schema=enforce_schema)
    if is_resumable:
        return _open_resumable(state, chat_request, context, source, id, chat_id)
    return StreamReader(state.streams.open(context, source))


def _source(provider: Provider, chat_request: ChatRequest, context: StreamContext, *, enforce_schema: bool) -> Source:
    wanted = chat_request.response_format
    if not enforce_schema or wanted is None or wanted.schema is None:
        return lambda: provider.stream(chat_request)
    return validate_output(SchemaValidator(wanted.schema), lambda: provider.stream(chat_request), context.model)


def count_tokens(model: str | None, chat_request: ChatRequest, *, default_provider: str | None = None) -> int:
    """Have a model's provider count the input tokens of a question; see `ask` for the arguments.

    Raises:
        InvalidRequest, ModelNotFound: see `ask`.
        NotSupported: the provider does not count; 501.
        UpstreamError: it could not be asked, or refused.
    """
    provider, chat_request = _resolve(model, chat_request, default_provider)
    if not isinstance(provider, CountsTokens):
        raise NotSupported(f"{provider.name} does not count tokens: have them counted for a model of Anthropic's.")
    return provider.count_tokens(chat_request)


def _resolve(
    model: str | None, chat_request: ChatRequest, default_provider: str | None
) -> tuple[Provider, ChatRequest]:
    if problem := mistake_in(chat_request):
        raise InvalidRequest(problem)
    if model is not None and not model.strip():
        raise InvalidRequest(f"model is {model!r:.100}: name one as provider/name, or leave it out for the default.")
    provider, name = current_state().registry.resolve(model, default_provider)
    _reject_unsupported(provider, chat_request)
    return provider, replace(chat_request, model=name)


def _open_resumable(  # noqa: PLR0913, PLR0917  # what `ask` was given
    state: ExtensionState,
    chat_request: ChatRequest,
    context: StreamContext,
    source: Source,
    stream_id: str | None,
    chat_id: str | None,
) -> StreamReader:
    require_one_loop()
    if stream_id is not None and not _STREAM_ID.fullmatch(stream_id):
        raise InvalidRequest(f"id is {stream_id!r:.100}: it must be 16 to 64 letters, digits, hyphens and underscores.")
    state.store_availability.tell_once()
    # As JSON: a schema or a tool's result may hold integers that MessagePack has not.
    digest = sha256(msgspec.json.encode((context.model, chat_request))).hexdigest()
    return state.resumable_streams.open(stream_id or token_urlsafe(16), digest, context, source, chat_id)


def _reject_unsupported(provider: Provider, chat_request: ChatRequest) -> None:
    if refused := sorted(chat_request.required_features() & provider.unsupported_features):
        raise InvalidRequest(f"{provider.name} cannot honour {', '.join(refused)}: leave it out, or ask another model.")


def _stream_context(
    model: str, provider: Provider, chat_request: ChatRequest, owner: str, partial_mode: PartialMode | None
) -> StreamContext:
    return StreamContext(
        model=model,
        provider=provider.name,
        name=chat_request.model,
        pricing_provider=provider.pricing_provider,
        prompt_bytes=_prompt_bytes(chat_request),
        owner=owner,
        partials=partial_mode,
        created=int(time.time()),
    )


def _limit_size(fields: Mapping[str, Any]) -> dict[str, Any]:
    sizes = sorted([(len(msgspec.json.encode(value)), name) for name, value in fields.items()])
    bounded_fields, total = {}, 0
    for size, name in sizes:
        total += size
        if total <= MAX_ECHOED_BYTES:
            bounded_fields[name] = fields[name]
    return bounded_fields


def _prompt_bytes(chat_request: ChatRequest) -> int:
    try:
        return chat_request.size()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise InvalidRequest(f"The question holds {half!r}, which is half of a character: send whole ones.") from None
