"""Models asked within a generator of the application: what `Headrace.ask` returns."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from typing import Any
from weakref import WeakSet

from flask import Flask, has_app_context

from .blueprints.resolution import resolve
from .blueprints.state import current_state
from .core.errors import InvalidRequest
from .core.events import Completed, Event
from .core.source_link import SourceLink, current_link
from .custom_views import to_body_and_request
from .providers.chat_request import Tool
from .steps.asking import ask
from .steps.question import question_limits

NO_STREAM = (
    "An answer of Headrace.ask is read outside of a stream: read it in a generator that Headrace.stream_from or a "
    "provider's `stream` returns. In a greenlet that the generator starts, call Headrace.ask before, or start it with "
    "gevent.spawn(contextvars.copy_context().run, function)."
)


def ask_model(
    apps: WeakSet[Flask], fields: Mapping[str, Any], options: Mapping[str, Any]
) -> Generator[Event, None, Completed]:
    """Return the events of a model's answer; see `Headrace.ask`.

    Args:
        apps: The applications of the extension.
        fields: Fields of a `ChatBody`.
        options: Further fields of a `ChatRequest`; empty for none.

    Raises:
        InvalidRequest: an argument is not valid, such as a tool that would run here.
    """
    for item in fields["tools"]:
        if not isinstance(item, (Mapping, Tool)):
            raise InvalidRequest(
                f"tools has {item!r:.100}: Headrace.ask runs no tools, so pass each one as a mapping, and run its "
                "calls in your generator."
            )
    with ExitStack() as stack:
        if not has_app_context():
            stack.enter_context(_only_one(apps).app_context())
        body, chat_request = to_body_and_request(fields, options)
        provider, request = resolve(body.model, chat_request, None)
        state = current_state()
        model = state.registry.model_id(provider, request.model)
        limits = question_limits(state.streams.limits, state.max_cost)
    link = current_link.get()

    def events() -> Generator[Event, None, Completed]:
        return (yield from ask(provider, request, model, link or _current_link(), limits))

    return events()


def _current_link() -> SourceLink:
    if (link := current_link.get()) is None:
        raise RuntimeError(NO_STREAM)
    return link


def _only_one(apps: WeakSet[Flask]) -> Flask:
    found = list(apps)
    if len(found) != 1:
        raise RuntimeError(
            f"Headrace.ask cannot tell which of {len(found)} applications asks: call it in `with app.app_context():`."
        )
    return found[0]
