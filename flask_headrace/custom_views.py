"""Answers in views of an application: what `Headrace.stream` and `Headrace.stream_from` return."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from inspect import getgeneratorlocals
from types import GeneratorType
from typing import Any, TypeVar

import msgspec
from flask import Response, has_request_context, request
from flask.ctx import AppContext
from gevent.event import Event as Flag

from .blueprints.http.auth import check_owner
from .blueprints.http.event_loop import reject_other_thread
from .blueprints.http.request_body import format_validation_error
from .blueprints.http.request_streams import close_with_request
from .blueprints.http.stream_response import stream_response
from .blueprints.native import encoder as native_encoder
from .blueprints.native.body import ChatBody
from .blueprints.native.request import to_chat_request
from .blueprints.state import current_state
from .core.errors import InvalidRequest
from .core.events import Event, StreamMetadata
from .providers.chat_request import ChatRequest
from .providers.custom_events import event_batches
from .providers.source_type import close_unread, source_type_fault
from .streaming.context import StreamContext
from .streaming.reader import StreamReader
from .streaming.session import StreamSession

MAX_INNER_ITERATORS = 64
"""How many iterators inside of a source are searched for a context; a source has one or two."""

S = TypeVar("S", bound=msgspec.Struct)


def require_request(method: str) -> None:
    """Return if there is a request, whose response the stream can become.

    Args:
        method: The name of the method of `Headrace` that was called.

    Raises:
        RuntimeError: there is no request.
    """
    if not has_request_context():
        raise RuntimeError(
            f"Headrace.{method} was called outside of a request: call it in a view, and return its response there."
        )


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


def stream_source(source: Iterable[str | Event], name: str, owner: str) -> Response:
    """Return the event stream of a generator; see `Headrace.stream_from`."""
    try:
        require_request("stream_from")
        _check_type(source)
        check_owner(owner, "owner is")
        reject_other_thread()
        context = StreamContext(model=f"{name}/{name}", provider=name, name=name, pricing_provider=name, owner=owner)
        if _has_context(source):
            request_end = Flag()
            session = current_state().streams.open(context, lambda: _late_batches(source, request_end))
            response = stream_response(StreamReader(session), native_encoder, on_request_end=request_end.set)
        else:
            session = current_state().streams.open(context, lambda: event_batches(source))
            response = stream_response(StreamReader(session), native_encoder)
        close_with_request(request.environ, _UnreadSource(session, source))
        return response
    except BaseException:
        close_unread(source)
        raise


def _has_context(source: Iterable[str | Event]) -> bool:
    """Whether a source, or an iterator inside of it, pushes the request's context, as `stream_with_context` does.

    The view and the source run in different greenlets, and a context can only be popped where it was pushed last: such
    a source must not begin before the request has ended.
    """
    seen: set[int] = set()
    iterators: list[object] = [source]
    while iterators and len(seen) < MAX_INNER_ITERATORS:
        iterator = iterators.pop()
        if id(iterator) in seen:
            continue
        seen.add(id(iterator))
        for value in _values_inside(iterator):
            if isinstance(value, AppContext):
                return True
            if issubclass(type(value), (Iterator, tuple)):  # `map` and the like keep theirs in a tuple
                iterators.append(value)
    return False


def _values_inside(iterator: object) -> Iterable[object]:
    if isinstance(iterator, GeneratorType):
        return getgeneratorlocals(iterator).values()
    if not issubclass(type(iterator), (Iterator, tuple)):
        return ()
    attributes: Mapping[str, object] = getattr(iterator, "__dict__", {})
    return (*attributes.values(), *gc.get_referents(iterator))


def _late_batches(source: Iterable[str | Event], request_end: Flag) -> Iterator[list[Event] | StreamMetadata]:
    try:
        request_end.wait()
    except BaseException:
        close_unread(source)
        raise
    yield from event_batches(source)


def _check_type(source: object) -> None:
    if fault := source_type_fault(source):
        raise TypeError(
            f"stream_from got {source!a:.200}, of type {type(source).__name__}: pass a generator, or a list, of text "
            f"or events; {fault}."
        )


class _UnreadSource:
    """Closes a source at the end of the request if its stream has ended before the source was called."""

    def __init__(self, session: StreamSession, source: Iterable[str | Event]) -> None:
        self._session, self._source = session, source

    def close(self) -> None:
        if not self._session.is_source_started:
            close_unread(self._source)


def _convert(fields: Mapping[str, Any], struct: type[S]) -> S:
    try:
        return msgspec.convert(fields, struct)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The request is not valid: {format_validation_error(error, struct)}.") from None
