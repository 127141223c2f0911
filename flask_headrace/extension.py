"""The Flask extension: adds Headrace's endpoints to an application, under its prefix and behind its login."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from flask import Flask, Response

from . import custom_views
from .blueprints import cli
from .blueprints.before_hooks import BeforeHook
from .blueprints.http.async_views import run_async_views_in_greenlets
from .blueprints.http.auth import check_host
from .blueprints.http.error_handlers import handle_headrace_error
from .blueprints.http.request_streams import close_request_streams
from .blueprints.open_source import StreamOptions
from .blueprints.protocol_registry import ViewProtocol
from .blueprints.state import EXTENSION
from .core.errors import HeadraceError
from .providers.custom import CustomProvider
from .providers.custom_events import SourceItem
from .server.open_access import flask_run_addresses, reject_public_addresses
from .server.start_errors import reported_in_one_sentence
from .settings import Settings
from .setup.blueprints import build_blueprints
from .setup.csrf import exempt_from_csrf
from .setup.extension_state import build_state
from .setup.name_list import name_list
from .setup.options import ExtensionOptions
from .setup.own_loggers import enable_own_loggers
from .signals import EndHook
from .streaming.async_source import AsyncSource

H = TypeVar("H", bound=BeforeHook)
E = TypeVar("E", bound=EndHook)


class Headrace:
    """The Flask extension that streams LLM answers.

    Args:
        app: The application; None to call `init_app` later.
        url_prefix: The prefix of all paths of this extension, such as `/assistant`; None for no prefix.
        authorize: Called in each request. It returns the id of the user who makes the request, which becomes the owner
            of the streams, or it aborts; also in a request for the chat page. None accepts the bearer keys of
            HEADRACE_API_KEYS, and every request if that setting is empty.
        page: Whether the chat page is served at the prefix. Its JavaScript modules and style sheets are always served,
            below `headrace-static`, for pages of the application.
        trusted_hosts: Host names under which the endpoints answer. None allows every name if there are keys or an
            `authorize`, and otherwise only localhost and the names of HEADRACE_TRUSTED_HOSTS.
        providers: Providers of the application, beside those that the settings name.
        endpoints: The endpoints that the application has, as names of protocols: `native` (the chat page needs it),
            `openai`, `openai-responses`, `anthropic` and `ai-sdk`. None for all; empty for none but those of streams,
            which the application's own views need.
        models: The models that clients may name, as ids (`provider/name`, or an alias) or patterns such as
            `openai/*`; others are not listed, and are a 404. The default model is always among them.
            The application's own views may name any model. None for all models.
        hold_request: Whether a view waits until the status of its answer is known: until the model's first event, a
            refusal, or the first heartbeat (HEADRACE_HEARTBEAT), and for an answer that is not streamed until its end.
            `after_request` functions, extensions and tracing then see what the client gets. If False, the request
            ends at once, with everything that belongs to it, such as a database session; it then seems to have
            status 200, and the client gets the status that turns out later.

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
        trusted_hosts: Sequence[str] | None = None,
        providers: Sequence[CustomProvider] = (),
        endpoints: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        hold_request: bool = True,
    ) -> None:
        self._url_prefix = url_prefix
        self._options = ExtensionOptions(
            authorize=authorize,
            has_page=page,
            trusted_hosts=trusted_hosts,
            providers=providers,
            endpoints=name_list("endpoints", endpoints),
            models=name_list("models", models),
            holds_requests=hold_request,
        )
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the endpoints, the commands and the extension's state to an application.

        Args:
            app: The application. Its `config` is read now; later changes have no effect.

        Raises:
            ConfigurationError: a setting is wrong, in `app.config` or in the environment; or `flask run` would serve
                an application without keys and without `authorize` on an address that other machines can reach.
        """
        enable_own_loggers()
        with reported_in_one_sentence():
            self._add_to(app)

    def _add_to(self, app: Flask) -> None:
        settings = Settings.from_app_config(app.config)
        if self._options.authorize is None and not settings.api_keys:
            reject_public_addresses(flask_run_addresses())
        app.extensions[EXTENSION] = state = build_state(app, settings, self._options)
        run_async_views_in_greenlets(app)
        app.wsgi_app = close_request_streams(app.wsgi_app, state.process.begin_if_forked)  # type: ignore[assignment, method-assign]  # as Flask documents it
        blueprints = list(build_blueprints(settings, self._options))
        for blueprint in blueprints:
            blueprint.before_request(check_host)
            app.register_blueprint(blueprint, url_prefix=self._url_prefix)
        exempt_from_csrf(app, {blueprint.name for blueprint in blueprints})
        if HeadraceError not in app.error_handler_spec[None][None]:
            app.register_error_handler(HeadraceError, handle_headrace_error)
        app.cli.add_command(cli.group)

    def before(self, hook: H) -> H:
        """Call a function before each question, in its request: a decorator.

        The function gets a `Question`, at every endpoint and in `Headrace.stream`, before anything is sent to a model.
        It may

        - return None: the question stays as it is;
        - return another question, such as `question.replace(model="smart")` or `question.with_system("…")`;
        - return text, an event, or an iterable of them: the answer, which no model is asked for;
        - raise a `HeadraceError`, or call `abort`: the client gets the error in the form of its protocol.

        Functions are called in the order in which they were added. A repeated request for a resumable stream, with the
        same id, calls them again and then gets the stream of the first request.

        Args:
            hook: The function.

        Returns:
            The function, unchanged.
        """
        self._options.before_hooks.append(hook)
        return hook

    def on_end(self, hook: E) -> E:
        """Call a function with each answer after its end: a decorator.

        The function gets an `Answer`: whole, stopped, failed or abandoned ones alike, each once, in one process. It
        runs after the end was sent, in a greenlet and an application context of its own, and may block. An exception is
        logged, and affects nobody. A worker that shuts down waits for it; one that is killed may leave it out. The end
        of a resumable stream whose worker has died is told by another worker.

        Answers are collected in memory only if an application has such a function, or receives the signal
        `stream_ended`; each up to HEADRACE_STORE_STREAM.

        Args:
            hook: The function.

        Returns:
            The function, unchanged.
        """
        self._options.end_hooks.append(hook)
        return hook

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
        stream_tool_arguments: bool = False,
        stream: bool = True,
        resumable: bool = False,
        id: str | None = None,  # noqa: A002  # the endpoint's name
        owner: str | None = None,
        protocol: ViewProtocol = "native",
        chat: str | None = None,
        on_end: EndHook | None = None,
        context: Any = None,  # noqa: ANN401  # the application's own
        **options: Any,  # noqa: ANN401  # the other fields of a ChatRequest
    ) -> Response:
        """Answer a conversation from a view of the application, as `POST /api/chat` does.

        A view need not catch errors: the extension converts those below, and an error of the model before its first
        token, to a response with the status of the error.

        Args:
            messages: The turns of the conversation, oldest first, each with `role` and `content`.
            model: `provider/name`, or an alias; None for the default model.
            system: The system prompt; None for no system prompt.
            max_tokens: Maximum tokens of the answer, 1 or more; None for the provider's default.
            temperature: Sampling temperature from 0 to 2; None for the provider's default.
            tools: Tools that the model may call, each with `name`, and optionally `description`, `parameters` and
                `strict`.
            tool_choice: `auto`, `none`, `required`, or `{"name": …}` for one tool; None for the provider's default.
            schema: The JSON Schema that the answer must fit, as one JSON document; None for free text.
            stream_tool_arguments: Whether `partial` events stream the arguments of tool calls while the model writes
                them. With a schema they always do.
            stream: Whether the answer is an event stream. If False, it is one JSON object, sent when it is complete.
            resumable: Whether clients can read and stop the stream at `api/streams/<id>`, below the prefix. A
                resumable stream continues for HEADRACE_RESUME_GRACE seconds without a reader.
            id: Id of a resumable stream: 16 to 64 letters, digits, hyphens and underscores. If a stream with this id
                exists, the response continues it. None for a new random id.
            owner: Id of the user who may read and stop a resumable stream. None calls `authorize` if the stream is
                resumable, and otherwise means no owner.
            protocol: The protocol of the response: `native`, `openai` (chat completions), `openai-responses`,
                `anthropic`, `ai-sdk` (the UI message stream of versions 5 and later), `ai-sdk-v4` (the data stream),
                or `text`.
            chat: Id of the owner's conversation: the answer has it, and a resumable stream is found by it. None for no
                conversation.
            on_end: Called with the `Answer` after its end, like the functions of `Headrace.on_end`; not if the worker
                of a resumable stream dies. None for none.
            context: A value of the application's that comes back as `answer.context`; for a resumable stream a JSON
                value.
            options: Further fields of a `ChatRequest`, such as `stop` or `top_p`.

        Returns:
            The response to return from the view.

        Raises:
            TypeError: `owner` is no text.
            InvalidRequest: an argument is not valid; 400.
            ModelNotFound: no provider that is set up has the model; 404.
            StreamConflict: another conversation or another owner has a stream with this id; 409.
            NotSupported: the stream is resumable, and the server does not run gevent; 501.
            LimitError: too many streams are open, or the store of resumable streams is not available; 503.
        """
        custom_views.require_request("stream")
        fields = {
            "messages": list(messages), "model": model, "system": system, "max_tokens": max_tokens,
            "temperature": temperature, "tools": list(tools), "tool_choice": tool_choice, "schema": schema,
            "partials": stream_tool_arguments, "stream": stream, "resumable": resumable, "id": id,
        }  # fmt: skip
        told = {"chat_id": chat, "on_end": on_end, "app_context": context}
        return custom_views.stream_chat(fields, options, protocol, owner, **told)

    def stream_from(  # noqa: PLR0913  # by name
        self,
        source: Iterable[SourceItem] | AsyncSource[SourceItem],
        *,
        name: str = "app",
        model: str | None = None,
        owner: str | None = None,
        protocol: ViewProtocol = "native",
        schema: Mapping[str, Any] | None = None,
        stream: bool = True,
        resumable: bool = False,
        id: str | None = None,  # noqa: A002  # as in `stream`
        chat: str | None = None,
        on_end: EndHook | None = None,
        context: Any = None,  # noqa: ANN401  # the application's own
    ) -> Response:
        """Stream the output of a generator of the application, such as a chain, an agent or a file.

        Args:
            source: A generator, or another iterable, of pieces of text or of events. It is iterated in a greenlet of
                its own, outside of the request context, and closed when the reader disconnects. Or an async generator,
                another async iterable, or a coroutine that returns one: it runs in an asyncio event loop in a thread of
                its own, which all agents of the process share, in an application context of its own, and is cancelled
                when the reader disconnects.
            name: Name of the source in the log, the metrics and the signals.
            model: Name of the model that clients see; None for `name/name`.
            owner: Id of the user who may read and stop a resumable stream. None calls `authorize` if the stream is
                resumable, and otherwise means no owner.
            protocol: The protocol of the response; see `stream`.
            schema: The JSON Schema that the text must fit, as one JSON document; None for free text.
            stream: Whether the answer is an event stream. If False, it is one JSON value, sent when it is complete.
            resumable: Whether clients can read and stop the stream at `api/streams/<id>`, below the prefix.
            id: Id of a resumable stream. If a stream with this id exists, the response continues it, and `source` is
                not iterated. None for a new random id.
            chat: Id of the owner's conversation; see `stream`.
            on_end: Called with the `Answer` after its end; see `stream`. None for none.
            context: A value of the application's that comes back as `answer.context`; see `stream`.

        Returns:
            The response to return from the view.

        Raises:
            TypeError: `source` is something else, such as a coroutine, a `str` or None; or `owner` is no text.
            InvalidRequest: an argument is not valid; 400.
            StreamConflict: another source or another owner has a stream with this id; 409.
            NotSupported: the stream is resumable, and the server does not run gevent; 501.
            LimitError: too many streams are open, or the store of resumable streams is not available; 503.
        """
        view = custom_views.SourceView(
            name, model, owner, protocol, None if schema is None else dict(schema), is_whole=not stream
        )
        options = StreamOptions(resumable, id, chat, on_end, context)
        return custom_views.stream_source(source, view, options)
