"""Answers in views of an application: what `Headrace.stream` and `Headrace.stream_from` return."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from flask import Response, current_app, has_request_context, request
from gevent.event import Event as Flag

from .blueprints.http.auth import check_owner
from .blueprints.http.request_body import format_validation_error
from .blueprints.http.request_id import current_request_id
from .blueprints.http.request_streams import close_with_request
from .blueprints.native.body import ChatBody
from .blueprints.native.endpoint import open_chat
from .blueprints.native.request import to_chat_request
from .blueprints.offered_tools import ChosenTools, with_tools
from .blueprints.open_source import StreamOptions, idempotency_key, open_source
from .blueprints.protocol_registry import check_view_protocol, echoed_of_view, view_response
from .blueprints.state import current_state
from .core.errors import InvalidRequest
from .core.events import Event, StreamMetadata
from .providers.chat_request import ChatRequest, Json, Tool
from .providers.custom_events import SourceItem, linked_batches
from .providers.source_type import UnreadSource
from .streaming.async_source import AsyncSource, async_items, is_async
from .streaming.context import StreamContext
from .streaming.json_schema.enforce import validate_output
from .streaming.json_schema.validator import SchemaValidator
from .streaming.producer import Source
from .streaming.reader import StreamReader
from .streaming.recording import AnswerSubject
from .streaming.request_digest import request_digest
from .tools.local_tool import local_tools
from .tools.tool_options import check_tools
from .view_sources import check_type, has_context, late_batches

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


def stream_chat(
    fields: Mapping[str, Any],
    tools: Sequence[Any],
    further: Mapping[str, Any],
    protocol: str,
    owner: str | None,
    **told: Any,  # noqa: ANN401  # further arguments of `open_stream`
) -> Response:
    """Return the response to a question; see `Headrace.stream`.

    Args:
        fields: All fields of a `ChatBody` but the tools.
        tools: See `Headrace.stream`.
        further: Further fields of a `ChatRequest`; empty for none.
        protocol: See `Headrace.stream`.
        owner: See `Headrace.stream`.
        told: Further arguments of `open_stream`.
    """
    require_request("stream")
    check_view_protocol(protocol, is_whole=not fields["stream"])
    declared, local = split_tools(tools)
    body, chat_request = to_body_and_request({**fields, "tools": declared}, further)
    chat_request = with_tools(chat_request, local.tools.values())
    told["echoed"] = echoed_of_view(protocol, chat_request)

    def open_() -> StreamReader:
        known = _known_owner(owner, is_needed=body.resumable or bool(local.tools))
        return open_chat(body, chat_request, known, protocol=protocol, is_own_view=True, local=local, **told)

    return view_response(open_, protocol, is_whole=not body.stream)


def split_tools(tools: Sequence[Any]) -> tuple[list[Any], ChosenTools]:
    """Return the tools of a view that the client runs, and those that run here; see `Headrace.stream`.

    Raises:
        TypeError: an object is no tool, or `tools` is no list.
        ConfigurationError: two tools have the same name, or one needs approvals and the application has no key.
        InvalidRequest: a name is that of no tool.
    """
    check_tools(tools)
    declared = [item for item in tools if isinstance(item, (Mapping, Tool))]
    offered = current_state().offered_tools
    named = offered.named([item for item in tools if isinstance(item, str)])
    local = local_tools([*named, *(item for item in tools if not isinstance(item, (Mapping, Tool, str)))])
    for each in local.values():
        offered.approvals.require_key(each)
    return declared, ChosenTools(local)


class SourceView(NamedTuple):
    """How the output of a generator is streamed; see `Headrace.stream_from`."""

    name: str
    model: str | None
    owner: str | None
    protocol: str
    schema: Json | None
    is_whole: bool


def stream_source(
    source: Iterable[SourceItem] | AsyncSource[SourceItem], view: SourceView, options: StreamOptions
) -> Response:
    """Return the response of a generator; see `Headrace.stream_from`."""
    unread = UnreadSource(source)
    try:
        require_request("stream_from")
        close_with_request(request.environ, unread)
        items = _items_of(source)
        check_view_protocol(view.protocol, is_whole=view.is_whole)
        request_end = Flag() if has_context(items) else None

        def batches() -> Iterator[list[Event] | StreamMetadata]:
            unread.is_begun = True
            return linked_batches(items) if request_end is None else late_batches(items, request_end)

        return view_response(
            lambda: _open_source(batches, view, options),
            view.protocol,
            is_whole=view.is_whole,
            on_request_end=None if request_end is None else request_end.set,
        )
    except BaseException:
        unread.close()
        raise


def _items_of(source: Any) -> Iterable[SourceItem]:  # noqa: ANN401  # checked here
    if is_async(source):
        return async_items(source, current_app.app_context)
    check_type(source)
    return source  # type: ignore[no-any-return]  # it has just been checked


def _open_source(source: Source, view: SourceView, options: StreamOptions) -> StreamReader:
    key = idempotency_key(options)
    owner = _known_owner(view.owner, is_needed=options.is_resumable or key is not None)
    name, model = view.name, view.model or f"{view.name}/{view.name}"
    context = StreamContext(
        model=model,
        provider=name,
        name=model,
        pricing_provider=name,
        owner=owner,
        partial_mode="all" if view.schema is not None else None,
        created=int(time.time()),
        request_id=current_request_id(),
    )
    subject = AnswerSubject(
        chat=options.chat or "",
        protocol=view.protocol,
        is_document=view.schema is not None,
        context=options.app_context,
    )
    if view.schema is not None:
        source = validate_output(SchemaValidator(view.schema, owner), source, model)
    # A second call with the same id reads the first one's stream: only its name tells one source from another.
    digest = request_digest((name, model), "", None)
    return open_source(context, source, options, key, lambda: digest, lambda: subject)


def _known_owner(owner: str | None, *, is_needed: bool) -> str:
    if owner is not None:
        return check_owner(owner, "owner is")
    return current_state().authorize() if is_needed else ""


def _convert(fields: Mapping[str, Any], struct: type[S]) -> S:
    try:
        return msgspec.convert(fields, struct)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The request is not valid: {format_validation_error(error, struct)}.") from None
