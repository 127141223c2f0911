"""What an application streams by itself: from its views, and within its generators."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, Literal
from weakref import WeakSet

from flask import Flask, Response

from . import custom_views
from .asking import ask_model
from .blueprints.open_source import StreamOptions
from .blueprints.protocol_registry import ViewProtocol
from .core.events import Completed, Event
from .providers.custom_events import SourceItem
from .signals import EndHook
from .streaming.async_source import AsyncSource
from .tools.local_tool import ToolLike


class ApplicationStreams:
    """The methods of `Headrace` that views and generators of the application call."""

    _apps: WeakSet[Flask]

    def stream(  # noqa: PLR0913  # by name, as the endpoint takes them
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        system: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tools: Sequence[Mapping[str, Any] | str | ToolLike] = (),
        tool_choice: Literal["auto", "none", "required"] | Mapping[str, Any] | None = None,
        schema: Mapping[str, Any] | None = None,
        max_steps: int | None = None,
        max_cost: float | None = None,
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
            tools: Tools that the model may call. Functions, what `tool` makes of them, and all tools of a `ToolSource`
                run here, and so does a tool of the extension's own `tools` that is given by its name. A mapping, with
                `name`, and optionally `description`, `parameters` and `strict`, is a tool of the client, which gets its
                calls.
            tool_choice: `auto`, `none`, `required`, or `{"name": …}` for one tool; None for the provider's default.
            max_steps: How often the model may call tools that run here, before it must answer without; None for
                HEADRACE_MAX_STEPS, which is the most.
            max_cost: The most that the answer may cost, in the currency of its usage: one that costs more is ended in
                the middle. None for HEADRACE_MAX_COST, which is the most.
            schema: The JSON Schema that the answer must fit, as one JSON document; None for free text.
            stream_tool_arguments: Whether `partial` events stream the arguments of tool calls while the model writes
                them. With a schema they always do.
            stream: Whether the answer is an event stream. If False, it is one JSON object, sent when it is complete.
            resumable: Whether clients can read and stop the stream at `api/streams/<id>`, below the prefix. A
                resumable stream continues for HEADRACE_RESUME_GRACE seconds without a reader.
            id: Id of a resumable stream: 16 to 64 letters, digits, hyphens and underscores. If a stream with this id
                exists, the response continues it. None for a new random id.
            owner: Id of the user who asks: who may read and stop a resumable stream, and whom tools and approvals are
                for. None calls `authorize` if the stream is resumable or a tool runs here, and otherwise means no
                owner; an empty text means no owner in any case.
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
            TypeError: `owner` is no text, `tools` is no list, or a tool is none.
            ConfigurationError: two tools have the same name, or one needs approvals and the application has no
                SECRET_KEY.
            InvalidRequest: an argument is not valid; 400.
            ModelNotFound: no provider that is set up has the model; 404.
            StreamConflict: another conversation or another owner has a stream with this id; 409.
            NotSupported: the stream is resumable, and the server does not run gevent; 501.
            LimitError: too many streams are open, or the store of resumable streams is not available; 503.
        """
        custom_views.require_request("stream")
        fields = {
            "messages": list(messages), "model": model, "system": system, "max_tokens": max_tokens,
            "temperature": temperature, "tool_choice": tool_choice, "schema": schema, "max_steps": max_steps,
            "max_cost": max_cost, "partials": stream_tool_arguments, "stream": stream, "resumable": resumable, "id": id,
        }  # fmt: skip
        told = {"chat_id": chat, "on_end": on_end, "app_context": context}
        return custom_views.stream_chat(fields, tools, options, protocol, owner, **told)

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

    def ask(  # noqa: PLR0913  # by name
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        system: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
        **options: Any,  # noqa: ANN401  # the other fields of a ChatRequest
    ) -> Generator[Event, None, Completed]:
        """Ask a model within a generator of the application, which `stream_from` streams, or a provider's own.

        `yield from headrace.ask(…)` passes the answer on as it comes, and gives its `Completed`. An answer that ends
        the generator's own also ends it for the same reason: one that is cut at its limit of tokens is told as cut.
        Whatever the generator passes on, the tokens and the cost of the question count for the stream, and the model is
        stopped with it. The time limits of HEADRACE_FIRST_TOKEN_TIMEOUT and HEADRACE_STALL_TIMEOUT, or those of a
        chain, hold for the question. The functions of `before` do not see it.

        Args:
            messages: As in `stream`.
            model: As in `stream`.
            system: As in `stream`.
            max_tokens: As in `stream`.
            temperature: As in `stream`.
            tools: Tools that the model may call, as mappings: the generator gets the calls. None runs here.
            options: Further fields of a `ChatRequest`, such as `stop` or `response_format`.

        Returns:
            The events of the answer: text, reasoning and tool calls. Its return value says how the model has ended it.

        Raises:
            InvalidRequest: an argument is not valid.
            ModelNotFound: no provider that is set up has the model.
            RuntimeError: it is read outside of a stream, or nothing says which application asks.
            UpstreamError: the model could not be reached, refused the request, or broke off its answer; raised where
                the events are read. A chain of models whose answer begins anew raises `FallbackMismatch`.
            MaxCostExceeded: the stream has cost more than HEADRACE_MAX_COST; raised where the events are read.
        """
        fields = {
            "messages": list(messages), "model": model, "system": system, "max_tokens": max_tokens,
            "temperature": temperature, "tools": list(tools),
        }  # fmt: skip
        return ask_model(self._apps, fields, options)
