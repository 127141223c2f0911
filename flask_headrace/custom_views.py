"""Answers in views of an application: what `Headrace.stream` and `Headrace.stream_from` return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from flask import Response, current_app

from .blueprints.http.event_loop import reject_other_thread
from .blueprints.http.request_body import format_validation_error
from .blueprints.http.stream_response import stream_response
from .blueprints.native import encoder as native_encoder
from .blueprints.native.body import ChatBody
from .blueprints.native.request import to_chat_request
from .blueprints.open_source import StreamOptions, open_source
from .core.errors import InvalidRequest
from .providers.chat_request import ChatRequest
from .providers.custom_events import SourceItem, event_batches
from .streaming.async_source import AsyncSource, async_items, is_async
from .streaming.context import StreamContext
from .streaming.producer import Source
from .streaming.recording import AnswerSubject

S = TypeVar("S", bound=msgspec.Struct)


def to_body_and_request(fields: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[ChatBody, ChatRequest]:
    """Return the body of `POST /api/chat` for some arguments, and the request to the model.

    Args:
        fields: All fields of a `ChatBody`.
        options: Further fields of a `ChatRequest`; empty for none.

    Raises:
        InvalidRequest: a field has a wrong type or is unknown, or both a schema and a `response_format` are given.
    """
    body = _convert(fields, ChatBody)
    chat_request = to_chat_request(body)
    if not options:
        return body, chat_request
    if "source" in options:
        raise InvalidRequest("The request is not valid: an object contains unknown field `source`.")
    if body.schema is not None and "response_format" in options:
        raise InvalidRequest("schema and response_format are both given: pass only one of them.")
    return body, _convert({**msgspec.structs.asdict(chat_request), **options}, ChatRequest)


def stream_source(
    source: Iterable[SourceItem] | AsyncSource[SourceItem], name: str, owner: str, options: StreamOptions
) -> Response:
    """Return the event stream of a generator; see `Headrace.stream_from`."""
    reject_other_thread()
    context = StreamContext(model=f"{name}/{name}", provider=name, name=name, pricing_provider=name, owner=owner)
    subject = AnswerSubject(chat=options.chat or "", protocol="native", context=options.app_context)
    reader = open_source(context, _batches_of(source), options, None, lambda: "", lambda: subject)
    return stream_response(reader, native_encoder)


def _batches_of(source: Iterable[SourceItem] | AsyncSource[SourceItem]) -> Source:
    if not is_async(source):
        return lambda: event_batches(source)  # type: ignore[arg-type]  # `event_batches` checks it
    items = async_items(source, current_app.app_context)  # type: ignore[arg-type]  # checked above
    return lambda: event_batches(items())


def _convert(fields: Mapping[str, Any], struct: type[S]) -> S:
    try:
        return msgspec.convert(fields, struct)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The request is not valid: {format_validation_error(error, struct)}.") from None
