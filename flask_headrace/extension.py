"""The Flask extension: the endpoints inside an application, under its prefix and behind its login."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec
from flask import Blueprint, Flask, Response
from flask_cors import CORS
from werkzeug.exceptions import HTTPException

from .blueprints import cli, health
from .blueprints.chat_page import create_page_blueprint
from .blueprints.endpoints import ENDPOINTS
from .blueprints.http.auth import LOOPBACK_NAMES, bearer_auth, check_host, login_redirect
from .blueprints.http.error_handlers import handle_application_abort, handle_headrace_error
from .blueprints.http.request_body import format_validation_error
from .blueprints.http.stream_response import stream_response
from .blueprints.http.unread_body import close_unread_connection
from .blueprints.native import encoder as native_encoder
from .blueprints.native import endpoint as native
from .blueprints.native.body import ChatBody
from .blueprints.native.request import to_chat_request
from .blueprints.openapi.document import create_openapi_blueprint
from .blueprints.state import EXTENSION, ExtensionState, current_state
from .core.errors import HeadraceError, InvalidRequest
from .core.events import Event
from .metrics import metrics, render_metrics
from .providers.chat_request import ChatRequest
from .providers.custom import CustomProvider, adapt_provider
from .providers.custom_events import event_batches
from .server.open_access import addresses_of_flask_run, refuse_open_door
from .settings import Settings
from .setup import providers as provider_setup
from .setup import schemas, stores
from .signals import report_end, report_start
from .streaming.context import StreamContext
from .streaming.reader import StreamReader
from .streaming.registry import StreamRegistry
from .streaming.resumable_streams import ResumableStreams
from .streaming.resume.store_writer import StoreWriter
from .streaming.stores.availability import Condition

S = TypeVar("S", bound=msgspec.Struct)


class Headrace:
    """Streaming answers for a Flask application.

    Args:
        app: The application; None to call `init_app` later.
        url_prefix: What stands before this extension's paths; None for nothing.
        authorize: Called in each request; returns who asks, as a string that will own the streams, or aborts. None
            lets in the bearers of HEADRACE_API_KEYS, and everybody where there are none.
        page: Whether the chat page is served too, at the prefix itself.
        hosts: Names by which these endpoints may be asked; None for any where a key or `authorize` keeps the door, and
            otherwise for localhost and those of HEADRACE_HOSTS.
        providers: Providers of the application's own, beside those that the settings name.

    Raises:
        ConfigurationError: a setting is wrong; the message names it.
    """

    def __init__(  # noqa: PLR0913  # by name
        self,
        app: Flask | None = None,
        *,
        url_prefix: str | None = None,
        authorize: Callable[[], str] | None = None,
        page: bool = True,
        hosts: Sequence[str] | None = None,
        providers: Sequence[CustomProvider] = (),
    ) -> None:
        self._url_prefix = url_prefix
        self._authorize = authorize
        self._has_page = page
        self._hosts = None if hosts is None else tuple(hosts)
        self._providers = tuple(providers)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the endpoints, the commands and the state to an application.

        Raises:
            ConfigurationError: a setting is wrong, in `app.config` or in the environment, or `flask run` is to let the
                whole network ask.
        """
        settings = Settings.from_app_config(app.config)
        is_open = self._authorize is None and not settings.api_keys
        if is_open:
            refuse_open_door(addresses_of_flask_run())
        counted = metrics()
        start, end = report_start(app, counted.begin), report_end(app, counted.end)
        catalogue = provider_setup.build_registry(settings, [adapt_provider(own) for own in self._providers])
        for model, breaker in catalogue.breakers().items():
            counted.watch(model, breaker)
        store = stores.open_configured_store(settings)
        journal = StoreWriter(store)
        streams = StreamRegistry(
            settings.limits(),
            settings.max_streams,
            most_of_one=settings.max_streams_per_owner,
            on_start=start,
            on_end=end,
            journal=journal,
        )
        app.extensions[EXTENSION] = ExtensionState(
            streams=streams,
            resumable_streams=ResumableStreams(streams, journal),
            registry=catalogue,
            authorize=self._authorize or bearer_auth(settings.api_keys),
            max_content_length=settings.max_body,
            body_timeout=settings.client_timeout,
            cors_origins=settings.cors_origins,
            is_open=is_open,
            trusted_hosts=self._hosts_for(settings, is_open=is_open),
            schemas=schemas.load_schemas(settings),
            drain_timeout=settings.drain,
            store_availability=Condition(store),
        )
        for blueprint in self._blueprints(settings):
            blueprint.before_request(check_host)
            app.register_blueprint(blueprint, url_prefix=self._url_prefix)
        if HeadraceError not in app.error_handler_spec[None][None]:
            app.register_error_handler(HeadraceError, handle_headrace_error)
        app.cli.add_command(cli.group)

    def _hosts_for(self, settings: Settings, *, is_open: bool) -> tuple[str, ...] | None:
        if self._hosts is not None:
            return tuple(name.lower() for name in self._hosts)
        return (*LOOPBACK_NAMES, *(name.lower() for name in settings.hosts)) if is_open else None

    def _blueprints(self, settings: Settings) -> Iterator[Blueprint]:
        for create, _ in ENDPOINTS:
            blueprint = create()
            blueprint.register_error_handler(HTTPException, handle_application_abort)
            blueprint.after_request(close_unread_connection)
            if settings.cors_origins:
                exposed = ["Headrace-Stream-Id", "Retry-After", "X-Should-Retry"]
                CORS(blueprint, origins=list(settings.cors_origins), expose_headers=exposed)
            yield blueprint
        yield health.create_health_blueprint(render_metrics)
        described = [operation for _, operations in ENDPOINTS for operation in operations]
        yield create_openapi_blueprint([*described, *health.OPERATIONS])
        if self._has_page:
            yield create_page_blueprint(login_redirect)

    def stream(  # noqa: PLR0913  # by name, as the endpoint takes them
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        system: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        tool_choice: Literal["auto", "none", "required"] | Mapping[str, Any] | None = None,
        schema: Mapping[str, Any] | None = None,
        partials: bool = False,
        stream: bool = True,
        resumable: bool = False,
        id: str | None = None,  # noqa: A002  # the endpoint's name
        owner: str | None = None,
        **options: Any,  # noqa: ANN401  # the other fields of a ChatRequest
    ) -> Response:
        """Answer a conversation from a view of one's own, as `POST /api/chat` does, whose fields these are.

        Args:
            messages: The turns so far, oldest first, each with `role` and `content`.
            model: `provider/name`, or an alias; None for the default one.
            system: What the model is told before the conversation; None for nothing.
            max_tokens: Most tokens that the answer may have, 1 or more; None for the provider's own bound.
            temperature: 0 for the likeliest words, up to 2 for livelier ones; None for the provider's own.
            tools: What the model may ask to be called, each with `name`, and `description`, `parameters`, `strict`.
            tool_choice: Whether it calls tools: as it likes, not at all, at least one, or the one of `{"name": …}`;
                None leaves it to the provider.
            schema: The JSON Schema that the answer is to fit, as one JSON document; None for an answer in any form.
            partials: Whether frames tell how the arguments of tool calls grow; with a schema they do.
            stream: Whether the answer comes as an event stream; otherwise as one JSON object when it is whole.
            resumable: Whether the stream can be followed and stopped at `api/streams/<id>`, below the prefix; then it
                goes on for HEADRACE_RESUME_GRACE seconds without a reader.
            id: A resumable stream's own id: 16 to 64 letters, digits, hyphens and underscores; one of that id that is
                there is followed. None for one that nobody can guess.
            owner: Who asks, and alone may follow or stop a resumable stream; None for the one that `authorize` names
                where the stream is resumable, and for nobody otherwise.
            options: Further fields of a `ChatRequest`, such as `stop` or `top_p`.

        Raises:
            InvalidRequest: the question is not one that the model can be asked; 400.
            ModelNotFound: no such model is set up; 404.
            StreamConflict: there is a stream of that id, for another question or somebody else; 409.
            NotSupported: the stream is to be resumable, and the application is served without gevent; 501.
            LimitError: too many streams are open, or the store of resumable ones is away; 503.

        Left alone, each becomes a response with its status; so does a failure of the model before its first token.
        """
        asked = {
            "messages": list(messages), "model": model, "system": system, "max_tokens": max_tokens,
            "temperature": temperature, "tools": list(tools), "tool_choice": tool_choice, "schema": schema,
            "partials": partials, "stream": stream, "resumable": resumable, "id": id,
        }  # fmt: skip
        body = _read(asked, ChatBody)
        question = to_chat_request(body)
        if options:
            if schema is not None and "response_format" in options:
                raise InvalidRequest(
                    "schema and response_format are both given: one of them says what the answer fits."
                )
            question = _read({**msgspec.structs.asdict(question), **options}, ChatRequest)
        if owner is None:
            owner = current_state().authorize() if resumable else ""
        return native.chat_response(body, question, owner)

    def stream_from(self, source: Iterable[str | Event], *, name: str = "app", owner: str = "") -> Response:
        """Stream what a generator of one's own yields: pieces of text, or events; a chain, an agent, a file.

        Args:
            source: Iterated in a greenlet of its own, outside of the request; closed when the reader leaves.
            name: What the accounts call it.
            owner: Who asks.
        """
        target = StreamContext(model=f"{name}/{name}", provider=name, name=name, pricing_provider=name, owner=owner)
        return stream_response(
            StreamReader(current_state().streams.open(target, lambda: event_batches(source))), native_encoder
        )


def _read(asked: Mapping[str, Any], kind: type[S]) -> S:
    try:
        return msgspec.convert(asked, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The question is invalid: {format_validation_error(error, kind)}.") from None
