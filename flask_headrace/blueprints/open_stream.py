"""Opens a stream that answers a `ChatRequest`, for the endpoints of all protocols."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from secrets import token_urlsafe
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..core import exact_json
from ..core.errors import InvalidRequest, NotSupported, StreamConflict, UpstreamError
from ..core.json_object import exact_decoder
from ..core.usage import estimate_tokens
from ..providers.base import Provider, TokenCounter
from ..providers.chat_request import ChatRequest
from ..providers.fallback.router import Router
from ..providers.passthrough import ignored, missing_features, reduced, refusal
from ..providers.request_validation import validation_error
from ..streaming.context import PartialMode, StreamContext
from ..streaming.json_schema.enforce import validate_output
from ..streaming.json_schema.validator import SchemaValidator
from ..streaming.producer import Source
from ..streaming.reader import StreamReader
from ..streaming.request_digest import request_digest
from .http import idempotency
from .http.event_loop import has_one_loop, reject_other_thread, require_one_loop
from .http.request_id import current_request_id
from .state import ExtensionState, current_state

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


_STREAM_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


def open_stream(  # noqa: PLR0913  # all but the first two are keyword-only
    model: str | None,
    chat_request: ChatRequest,
    *,
    owner: str,
    default_provider: str | None = None,
    is_resumable: bool = False,
    is_background: bool = False,
    id: str | None = None,  # noqa: A002
    chat_id: str | None = None,
    partial_mode: PartialMode | None = None,
    enforce_schema: bool = False,
    echoed: EchoedFields | None = None,
) -> StreamReader:
    """Open a stream in which a model answers a request, and return a reader at its beginning.

    Args:
        model: The model as the client named it; None for the default model.
        chat_request: The request. Its `model` is ignored and replaced by the resolved model's name.
        owner: The authenticated caller; empty if the service has no keys.
        default_provider: The provider for a model that is named without a provider and that no provider lists.
        is_resumable: Whether any worker can resume and stop the stream.
        is_background: Whether the stream goes on without readers, until it ends or is stopped. It is resumable then.
        id: The id of a resumable stream. If the owner already has a stream of this id for the same request, that stream
            is read. None for a random id, or the one of the request's `Idempotency-Key`.
        chat_id: The owner's chat whose latest answer the resumable stream becomes; None for no chat.
        partial_mode: Which JSON documents native frames report as they grow; see `StreamContext`.
        enforce_schema: Whether an answer that does not match the JSON Schema of the request fails.
        echoed: The request fields that the response echoes; None for no fields.

    Raises:
        InvalidRequest: the model cannot answer this request; 400.
        ModelNotFound: no such model is configured; 404.
        StreamConflict: a stream of this id exists for another request; 409.
        LimitError: a limit of open streams is reached, or the store is unavailable; 429 or 503.
        NotSupported: the stream is resumable or opened in an `async def` view, and this process has no shared event
            loop; 501.
    """
    reject_other_thread()
    state = current_state()
    is_resumable |= is_background
    if id is not None and not is_resumable:
        raise InvalidRequest("id is given, but resumable is not true: only a resumable stream can have a chosen id.")
    sent = chat_request
    provider, chat_request = _resolve(model, chat_request, default_provider)
    model_id = state.registry.model_id(provider, chat_request.model)
    context = _stream_context(model_id, provider, chat_request, owner, partial_mode)
    context = replace(context, ignored=_ignored_by_provider(provider, sent), is_background=is_background)
    key = idempotency.requested_key() if id is None and has_one_loop() else None
    if echoed is not None:
        is_stored = is_resumable or key is not None
        fields = echoed.without(echoed.fields, _ignored_by_all(provider, context.ignored))
        bounded_fields = _limit_size(fields) if is_stored else fields
        context = replace(context, protocol=echoed.protocol, echoed_fields=exact_json.encode(bounded_fields))
    source = _source(provider, chat_request, context, enforce_schema=enforce_schema)
    if key is not None:
        return _open_idempotent(state, chat_request, context, source, key, chat_id)
    if is_resumable:
        return _open_resumable(state, chat_request, context, source, id, chat_id)
    return StreamReader(state.streams.open(context, source))


def _source(provider: Provider, chat_request: ChatRequest, context: StreamContext, *, enforce_schema: bool) -> Source:
    response_format = chat_request.response_format
    if not enforce_schema or response_format is None or response_format.schema is None:
        return lambda: provider.stream(chat_request)
    validator = SchemaValidator(response_format.schema, context.owner)
    return validate_output(validator, lambda: provider.stream(chat_request), context.model)


class TokenCount(NamedTuple):
    """The number of input tokens of a request, and whether it is estimated."""

    input_tokens: int
    is_estimated: bool


def count_tokens(model: str | None, chat_request: ChatRequest, *, default_provider: str | None = None) -> TokenCount:
    """Return the number of input tokens of a request: the provider's count if it counts them, else an estimate.

    Args:
        model: The model as the client named it; None for the default model.
        chat_request: The request.
        default_provider: The provider for a model that is named without a provider and that no provider lists.

    Raises:
        InvalidRequest: the model cannot answer this request; 400.
        ModelNotFound: no such model is configured; 404.
        UpstreamError: the provider is unreachable or rejected the request.
    """
    provider, chat_request = _resolve(model, chat_request, default_provider)
    if isinstance(provider, TokenCounter):
        try:
            return TokenCount(provider.count_tokens(chat_request), is_estimated=False)
        except NotSupported:
            pass
        except UpstreamError as error:
            if not _is_endpoint_missing(error, chat_request.model):
                raise
    return TokenCount(estimate_tokens(_prompt_bytes(chat_request)), is_estimated=True)


def _is_endpoint_missing(error: UpstreamError, model: str) -> bool:
    # Many servers that speak Anthropic's protocol only answer messages. A 404 that names the model is about the model.
    return error.status == 405 or (error.status == 404 and model not in error.message)


def _resolve(
    model: str | None, chat_request: ChatRequest, default_provider: str | None
) -> tuple[Provider, ChatRequest]:
    if problem := validation_error(chat_request):
        raise InvalidRequest(problem)
    if model is not None and not model.strip():
        raise InvalidRequest(f"model is {model!r:.100}: name a model as provider/name, or omit model for the default.")
    provider, name = current_state().registry.resolve(model, default_provider)
    _reject_unsupported(provider, chat_request)
    return provider, replace(reduced(chat_request, provider), model=name)


def _open_resumable(  # noqa: PLR0913, PLR0917  # the arguments of `open_stream`
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
    state.store_availability.log_once()
    digest = _digest(context.model, chat_request)
    return state.resumable_streams.open(stream_id or token_urlsafe(16), digest, context, source, chat_id)


def _open_idempotent(  # noqa: PLR0913, PLR0917  # the arguments of `_open_resumable`
    state: ExtensionState,
    chat_request: ChatRequest,
    context: StreamContext,
    source: Source,
    key: str,
    chat_id: str | None,
) -> StreamReader:
    ids = [idempotency.stream_id_of(key, context.owner, attempt + 1) for attempt in range(idempotency.MAX_ATTEMPTS)]
    streams = state.resumable_streams
    stream_id = next((id_ for id_ in ids[:-1] if not streams.has_failed_before_answer(id_, context.owner)), ids[-1])
    try:
        return _open_resumable(state, chat_request, context, source, stream_id, chat_id)
    except StreamConflict:
        raise StreamConflict(
            f"{idempotency.HEADER} is {key!r:.100}, with which another question was sent: use a new key for each "
            "question."
        ) from None


def _digest(model: str, chat_request: ChatRequest) -> str:
    source = chat_request.source
    common = (model, replace(chat_request, source=None))
    if source is None:
        return request_digest(common, "", None)
    specific = (source.fields, [turn.values for turn in source.turns], source.headers)
    return request_digest(common, source.family, specific)


def _reject_unsupported(provider: Provider, chat_request: ChatRequest) -> None:
    if unsupported := missing_features(chat_request, provider):
        raise InvalidRequest(
            f"{provider.name} does not support {', '.join(unsupported)}: omit it, or use another model."
        )
    reasons = [refusal(chat_request, recipient) for recipient in _recipients(provider)]
    if reasons and all(reasons):
        raise InvalidRequest(reasons[0] or "")


def _ignored_by_provider(provider: Provider, chat_request: ChatRequest) -> dict[str, tuple[str, ...]]:
    names = {recipient.name: ignored(chat_request, recipient) for recipient in _recipients(provider)}
    return {recipient: left_out for recipient, left_out in names.items() if left_out}


def _ignored_by_all(provider: Provider, names: Mapping[str, tuple[str, ...]]) -> set[str]:
    return set[str].intersection(*[set(names.get(recipient.name, ())) for recipient in _recipients(provider)])


def _recipients(provider: Provider) -> list[Provider]:
    return provider.providers if isinstance(provider, Router) else [provider]


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
        partial_mode=partial_mode,
        created=int(time.time()),
        request_id=current_request_id(),
    )


def _limit_size(fields: Mapping[str, Any]) -> dict[str, Any]:
    sizes = sorted([(len(exact_json.encode(value)), name) for name, value in fields.items()])
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
        surrogate = error.object[error.start]
        raise InvalidRequest(f"The request contains {surrogate!r}, a lone surrogate: send whole characters.") from None
