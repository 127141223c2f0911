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

MOST_REPEATED = 256 * 1024
"""Bytes of a question that a resumable answer may repeat, since they are kept with it; of more, the largest are not."""


class Repeated(NamedTuple):
    """What an answer repeats of its question.

    Args:
        protocol: The protocol that the question came in; see `protocol_registry`.
        fields: By the names that they have there.
    """

    protocol: str
    fields: Mapping[str, Any]


def repeated_in(stream: ReadableStream, protocol: str) -> dict[str, Any]:
    """Return what a stream's answer repeats of its question; nothing where that came in another protocol."""
    target = stream.context
    return msgspec.json.decode(target.echoed_fields, type=dict[str, Any]) if target.protocol == protocol else {}


_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


def open_stream(  # noqa: PLR0913  # all but the first are given by name
    model: str | None,
    question: ChatRequest,
    *,
    owner: str,
    preferred: str | None = None,
    is_resumable: bool = False,
    id: str | None = None,  # noqa: A002
    chat: str | None = None,
    partials: PartialMode | None = None,
    is_held_to_schema: bool = False,
    repeated: Repeated | None = None,
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
    service = current_state()
    if id is not None and not is_resumable:
        raise InvalidRequest("id is given, and resumable is not true: only a resumable stream has an id of one's own.")
    provider, question = _addressed(model, question, preferred)
    target = _target(service.catalogue.id_of(provider, question.model), provider, question, owner, partials)
    if repeated is not None:
        kept = _bounded(repeated.fields) if is_resumable else repeated.fields
        target = replace(target, protocol=repeated.protocol, repeated=msgspec.json.encode(kept))
    source = _source(provider, question, target, is_held_to_schema=is_held_to_schema)
    if is_resumable:
        return _ask_resumably(service, question, target, source, id, chat)
    return StreamReader(service.streams.open(target, source))


def _source(provider: Provider, question: ChatRequest, target: StreamContext, *, is_held_to_schema: bool) -> Source:
    wanted = question.response_format
    if not is_held_to_schema or wanted is None or wanted.schema is None:
        return lambda: provider.stream(question)
    return validate_output(SchemaValidator(wanted.schema), lambda: provider.stream(question), target.model)


def count_tokens(model: str | None, question: ChatRequest, *, preferred: str | None = None) -> int:
    """Have a model's provider count the input tokens of a question; see `ask` for the arguments.

    Raises:
        InvalidRequest, ModelNotFound: see `ask`.
        NotSupported: the provider does not count; 501.
        UpstreamError: it could not be asked, or refused.
    """
    provider, question = _addressed(model, question, preferred)
    if not isinstance(provider, CountsTokens):
        raise NotSupported(f"{provider.name} does not count tokens: have them counted for a model of Anthropic's.")
    return provider.count_tokens(question)


def _addressed(model: str | None, question: ChatRequest, preferred: str | None) -> tuple[Provider, ChatRequest]:
    if mistake := mistake_in(question):
        raise InvalidRequest(mistake)
    if model is not None and not model.strip():
        raise InvalidRequest(f"model is {model!r:.100}: name one as provider/name, or leave it out for the default.")
    provider, name = current_state().catalogue.resolve(model, preferred)
    _refuse_unsupported(provider, question)
    return provider, replace(question, model=name)


def _ask_resumably(  # noqa: PLR0913, PLR0917  # what `ask` was given
    service: ExtensionState,
    question: ChatRequest,
    target: StreamContext,
    source: Source,
    id_: str | None,
    chat: str | None,
) -> StreamReader:
    require_one_loop()
    if id_ is not None and not _ID.fullmatch(id_):
        raise InvalidRequest(f"id is {id_!r:.100}: it must be 16 to 64 letters, digits, hyphens and underscores.")
    service.store.tell_once()
    # As JSON: a schema or a tool's result may hold integers that MessagePack has not.
    digest = sha256(msgspec.json.encode((target.model, question))).hexdigest()
    return service.resumption.open(id_ or token_urlsafe(16), digest, target, source, chat)


def _refuse_unsupported(provider: Provider, question: ChatRequest) -> None:
    if refused := sorted(question.required_features() & provider.unsupported_features):
        raise InvalidRequest(f"{provider.name} cannot honour {', '.join(refused)}: leave it out, or ask another model.")


def _target(
    model: str, provider: Provider, question: ChatRequest, owner: str, partials: PartialMode | None
) -> StreamContext:
    return StreamContext(
        model=model,
        provider=provider.name,
        name=question.model,
        pricing_provider=provider.pricing_provider,
        prompt_bytes=_size(question),
        owner=owner,
        partial_mode=partials,
        created=int(time.time()),
    )


def _bounded(fields: Mapping[str, Any]) -> dict[str, Any]:
    sizes = sorted([(len(msgspec.json.encode(value)), name) for name, value in fields.items()])
    kept, total = {}, 0
    for size, name in sizes:
        total += size
        if total <= MOST_REPEATED:
            kept[name] = fields[name]
    return kept


def _size(question: ChatRequest) -> int:
    try:
        return question.size()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise InvalidRequest(f"The question holds {half!r}, which is half of a character: send whole ones.") from None
