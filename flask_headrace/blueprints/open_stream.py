"""Opens a stream that answers a `ChatRequest`, for the endpoints of all protocols."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import has_request_context, request
from msgspec.structs import replace
from werkzeug.exceptions import HTTPException

from ..core.events import Event, StreamMetadata
from ..core.exact_json import to_builtins
from ..providers.answer_messages import added_places
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest, Tool
from ..providers.custom_events import SourceItem
from ..providers.fallback.router import Router
from ..providers.source_type import UnreadSource
from ..steps.step_loop import step_batches
from ..streaming.context import PartialMode, StreamContext
from ..streaming.json_schema.enforce import validate_output
from ..streaming.json_schema.validator import SchemaValidator
from ..streaming.producer import Source
from ..streaming.reader import StreamReader
from ..streaming.recording import AnswerSubject
from ..streaming.request_digest import request_digest
from ..tools.local_tool import LocalTool
from .before_hooks import REPLY_PROVIDER, Question, question_of_request, reply_source, run_before_hooks
from .body_memory import close_at_first_event
from .echoed_fields import EchoedFields, with_echoed_fields
from .http.aborts import to_application_abort
from .http.receive_body import body_reservation
from .http.request_id import current_request_id
from .http.request_streams import close_with_request
from .offered_tools import NO_TOOLS, ChosenTools
from .open_source import StreamOptions, idempotency_key, open_source
from .planned_steps import Bounds, plan_steps
from .resolution import check_offered, ignored_by_all, ignored_by_provider, prompt_bytes, resolve
from .state import current_state

SYSTEM_ROLES = frozenset({"system", "developer"})
"""The roles of messages that are no turns of the conversation."""


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
    protocol: str | None = None,
    is_own_view: bool = False,
    local: ChosenTools = NO_TOOLS,
    max_steps: int | None = None,
    max_cost: float | None = None,
    on_end: Callable[[Any], object] | None = None,
    app_context: Any = None,  # noqa: ANN401  # the application's own
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
        protocol: The protocol of a view of the application; None for that of the endpoint.
        is_own_view: Whether a view of the application asks, which may name any model.
        local: The tools that run here, which the request declares.
        max_steps: After how many steps with calls the model must answer; None for the service's own limit, which it
            cannot exceed.
        max_cost: The most that the answer may cost; None for the service's own limit, which it cannot exceed.
        on_end: The application's function that gets the answer; None for none beside `Headrace.on_end`.
        app_context: A value of the application's, for the functions that get the answer.

    Raises:
        InvalidRequest: the model cannot answer this request; 400.
        ModelNotFound: no such model is configured, or offered to clients; 404.
        StreamConflict: a stream of this id exists for another request; 409.
        LimitError: a limit of open streams is reached, or the store is unavailable; 429 or 503.
        NotSupported: the stream is resumable or opened in an `async def` view, and this process has no shared event
            loop; 501.
    """
    options = StreamOptions(is_resumable or is_background, id, chat_id, on_end, app_context)
    key = idempotency_key(options)
    if not is_own_view:
        check_offered(model, chat_request, default_provider)
    asked = _ask_application(model, chat_request, owner, protocol, is_own_view=is_own_view)
    sent, steps = plan_steps(asked.question, local, default_provider, Bounds(max_steps, max_cost), app_context)
    provider, request = resolve(asked.question.model, sent, default_provider)
    model_id = current_state().registry.model_id(provider, request.model)
    context = _stream_context(model_id, provider, request, owner, partial_mode)
    context = replace(context, ignored=ignored_by_provider(provider, sent), is_background=is_background)
    if echoed is not None:
        left_out = ignored_by_all(provider, context.ignored)
        context = with_echoed_fields(context, echoed, left_out, is_stored=options.is_resumable or key is not None)
    source: Source = lambda: provider.stream(request)  # noqa: E731  # typed
    if steps is not None:
        source = lambda: step_batches(provider, request, model_id, steps)  # noqa: E731
        context = replace(context, runs_tools=bool(steps.tools or steps.pending))
    if asked.reply is not None:
        source = asked.reply
        context = replace(context, provider=REPLY_PROVIDER, pricing_provider=REPLY_PROVIDER, prompt_bytes=0)
    source = _checked(request, context, source, enforce_schema=enforce_schema)
    if steps is None and not isinstance(provider, Router) and on_end is None and not current_state().wants_answers():
        source = _with_body_freed(source)

    def digest() -> str:
        # A repeated request is the same question, whatever the application makes of it each time.
        is_changed = asked.question.request is not chat_request
        sent_on = chat_request if is_changed else replace(request, messages=chat_request.messages)
        named = {} if is_own_view or local.is_implied else local.tools
        return _digest(model or "" if is_changed else context.model, _with_named_tools(sent_on, local, named))

    def subject() -> AnswerSubject:
        return _subject(asked.question, chat_request, options, local.tools.keys())

    return open_source(context, source, options, key, digest, subject)


class _Asked(NamedTuple):
    """The question to ask, and the source of the application's own answer; None for none."""

    question: Question
    reply: Source | None


def _ask_application(
    model: str | None, chat_request: ChatRequest, owner: str, protocol: str | None, *, is_own_view: bool
) -> _Asked:
    if not has_request_context():  # in the terminal
        return _Asked(Question(model=model, request=chat_request, owner=owner, protocol="", endpoint=""), None)
    question = question_of_request(model, chat_request, owner, protocol)
    try:
        asked = run_before_hooks(current_state().before_hooks, question)
    except HTTPException as error:
        if is_own_view or error.response is None or error.response.status_code < 300:
            raise
        # A program that follows a redirect would take a page for an answer.
        raise to_application_abort(error) from None
    return _Asked(asked.question, None if asked.reply is None else _reply_source(asked.reply))


def _reply_source(reply: Iterable[SourceItem]) -> Source:
    # Nobody reads the reply if the request is refused after it, or joins an earlier stream.
    unread = UnreadSource(reply)
    close_with_request(request.environ, unread)

    def batches() -> Iterator[list[Event] | StreamMetadata]:
        unread.is_begun = True
        return reply_source(reply)()

    return batches


def _with_body_freed(source: Source) -> Source:
    """Return a source that needs the request until its first event, and lets the memory of the body go then."""
    reservation = body_reservation() if has_request_context() else None
    return source if reservation is None else close_at_first_event(source, reservation)


def _subject(
    question: Question, chat_request: ChatRequest, options: StreamOptions, local_names: Container[str]
) -> AnswerSubject:
    """Return what an answer is about: what the client has asked, without what the application has added."""
    messages = [message for message in chat_request.messages if message.role not in SYSTEM_ROLES]
    return AnswerSubject(
        question=tuple([to_builtins(message) for message in messages]),
        added=added_places(messages, local_names),
        chat=options.chat or "",
        protocol=question.protocol,
        is_document=question.request.response_format is not None,
        context=options.app_context,
    )


def _checked(request: ChatRequest, context: StreamContext, source: Source, *, enforce_schema: bool) -> Source:
    response_format = request.response_format
    if not enforce_schema or response_format is None or response_format.schema is None:
        return source
    return validate_output(SchemaValidator(response_format.schema, context.owner), source, context.model)


def _with_named_tools(
    chat_request: ChatRequest, local: ChosenTools, named: Mapping[str, LocalTool[..., Any]]
) -> ChatRequest:
    """Return a request with the names alone of the tools that run here, and only of those that the client has named.

    What servers of tools offer may change before a request is repeated.
    """
    own = [tool for tool in chat_request.tools if tool.name not in local.tools]
    return replace(chat_request, tools=(*own, *[Tool(name) for name in named]))


def _digest(model: str, chat_request: ChatRequest) -> str:
    source = chat_request.source
    common = (model, replace(chat_request, source=None))
    if source is None:
        return request_digest(common, "", None)
    specific = (source.fields, [turn.values for turn in source.turns], source.headers)
    return request_digest(common, source.family, specific)


def _stream_context(
    model: str, provider: Provider, chat_request: ChatRequest, owner: str, partial_mode: PartialMode | None
) -> StreamContext:
    return StreamContext(
        model=model,
        provider=provider.name,
        name=chat_request.model,
        pricing_provider=provider.pricing_provider,
        prompt_bytes=prompt_bytes(chat_request),
        owner=owner,
        partial_mode=partial_mode,
        created=int(time.time()),
        request_id=current_request_id(),
    )
