"""The Flask extension: adds Headrace's endpoints to an application, under its prefix and behind its login."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from weakref import WeakSet

from flask import Flask

from .application_streams import ApplicationStreams as _ApplicationStreams
from .blueprints import cli
from .blueprints.before_hooks import BeforeHook
from .blueprints.http.async_views import run_async_views_in_greenlets
from .blueprints.http.auth import check_host
from .blueprints.http.error_handlers import handle_headrace_error
from .blueprints.http.request_streams import close_request_streams
from .blueprints.page_options import ChatPage
from .blueprints.state import EXTENSION
from .core.errors import HeadraceError
from .providers.custom import CustomProvider
from .server.open_access import flask_run_addresses, reject_public_addresses
from .server.start_errors import reported_in_one_sentence
from .settings import Settings
from .setup.blueprints import build_blueprints
from .setup.csrf import exempt_from_csrf
from .setup.extension_state import build_state
from .setup.name_list import name_list
from .setup.options import ExtensionOptions
from .setup.own_loggers import enable_own_loggers
from .setup.page import chat_page
from .signals import EndHook
from .tools.local_tool import ToolLike
from .tools.tool_options import check_tools

H = TypeVar("H", bound=BeforeHook)
E = TypeVar("E", bound=EndHook)


class Headrace(_ApplicationStreams):
    """The Flask extension that streams LLM answers.

    Args:
        app: The application; None to call `init_app` later.
        url_prefix: The prefix of all paths of this extension, such as `/assistant`; None for no prefix.
        authorize: Called in each request. It returns the id of the user who makes the request, which becomes the owner
            of the streams, or it aborts; also in a request for the chat page. None accepts the bearer keys of
            HEADRACE_API_KEYS, and every request if that setting is empty.
        page: Whether the chat page is served at the prefix, or a `ChatPage`, or a dict of its arguments, that sets its
            title, its pictures, its colours and what it shows. The page's JavaScript modules and style sheets are
            always served, below `headrace-static`, for pages of the application.
        trusted_hosts: Host names under which the endpoints answer. None allows every name if there are keys or an
            `authorize`, and otherwise only localhost and the names of HEADRACE_TRUSTED_HOSTS.
        providers: Providers of the application, beside those that the settings name.
        endpoints: The endpoints that the application has, as names of protocols: `native` (the chat page needs it),
            `openai`, `openai-responses`, `anthropic` and `ai-sdk`. None for all; empty for none but those of streams,
            which the application's own views need.
        tools: Tools that run here: functions, what `tool` makes of them, and `ToolSource`s such as `MCPServer`. A
            question to one of the `tool_endpoints` is offered all of them, unless it names some, or none, in its own
            `tools`. The application's own views pass theirs to `stream`.
        tool_endpoints: The endpoints whose questions are offered `tools`, as names of protocols. OpenAI's and
            Anthropic's clients get text and reasoning alone, since they would run what they see called.
        models: The models that clients may name, as ids (`provider/name`, or an alias) or patterns such as
            `openai/*`; others are not listed, and are a 404. The default model is always among them.
            The application's own views may name any model. None for all models.
        hold_request: Whether a view waits until the status of its answer is known: until the model's first event, a
            refusal, or the first heartbeat (HEADRACE_HEARTBEAT), and for an answer that is not streamed until its end.
            `after_request` functions, extensions and tracing then see what the client gets. If False, the request
            ends at once, with everything that belongs to it, such as a database session; it then seems to have
            status 200, and the client gets the status that turns out later.

    Raises:
        ConfigurationError: a setting or an option of the page is wrong, two tools have the same name, or a tool needs
            approvals and the application has no SECRET_KEY; the message says which.
        TypeError: an object in `tools` is no tool, or `page` is none of these.
    """

    def __init__(  # noqa: PLR0913  # by name
        self,
        app: Flask | None = None,
        *,
        url_prefix: str | None = None,
        authorize: Callable[[], str] | None = None,
        page: bool | ChatPage | Mapping[str, Any] = True,
        trusted_hosts: Sequence[str] | None = None,
        providers: Sequence[CustomProvider] = (),
        endpoints: Sequence[str] | None = None,
        models: Sequence[str] | None = None,
        tools: Sequence[ToolLike] = (),
        tool_endpoints: Sequence[str] = ("native", "ai-sdk"),
        hold_request: bool = True,
    ) -> None:
        check_tools(tools)
        self._url_prefix = url_prefix
        self._options = ExtensionOptions(
            authorize=authorize,
            has_page=page is not False,
            page=chat_page(page),
            trusted_hosts=trusted_hosts,
            providers=providers,
            endpoints=name_list("endpoints", endpoints),
            models=name_list("models", models),
            tools=tuple(tools),
            tool_endpoints=name_list("tool_endpoints", tool_endpoints) or (),
            holds_requests=hold_request,
        )
        self._apps = WeakSet[Flask]()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add the endpoints, the commands and the extension's state to an application.

        Args:
            app: The application. Its `config` is read now; later changes have no effect.

        Raises:
            ConfigurationError: a setting is wrong, in `app.config` or in the environment; two tools have the same name,
                or a tool needs approvals and the application has no SECRET_KEY; or `flask run` would serve an
                application without keys and without `authorize` on an address that other machines can reach.
            TypeError: an object in `tools` is no tool.
        """
        enable_own_loggers()
        self._apps.add(app)
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
