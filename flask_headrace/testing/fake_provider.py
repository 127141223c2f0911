"""A provider for tests: it answers each question with the next script, and records what it was asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import gevent
from flask import Flask

from ..blueprints.state import EXTENSION, ExtensionState
from ..core.errors import ConfigurationError, UpstreamStatusError
from ..core.events import Event
from ..providers.chat_request import ChatRequest
from ..providers.custom import adapt_provider
from ..providers.registry import ModelRegistry
from .script import Script, ScriptItem
from .scripted_registry import ScriptedRegistry

STOP_TIMEOUT = 5.0
"""Seconds that `FakeProvider.uninstall` waits for the streams that it stops."""


class FakeProvider:
    """A provider whose answers a test has scripted. It needs no network and no key.

    `Headrace(app, providers=[provider])` adds it to an application like any other; `install` lets it answer every model
    of an application that exists.

    Args:
        name: The part before the slash in the ids of its models.

    Attributes:
        questions: The requests that it was asked, oldest first. The `model` of a request is the model as it was named
            if the provider is installed, and otherwise without `name/`.
    """

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.questions: list[ChatRequest] = []
        self._scripts: deque[Script] = deque()
        self._repeated: Script | None = None
        self._replaced: list[tuple[Flask, ModelRegistry, ModelRegistry]] = []
        self._loop: object = None
        self._has_other_loops = False

    def __repr__(self) -> str:
        return f"<FakeProvider {self.name!r}, {len(self.questions)} questions, {len(self._scripts)} answers left>"

    def answers(self, *items: ScriptItem, times: int | None = 1) -> FakeProvider:
        """Script the next answer. Several calls script several answers, in their order.

        Each item is one of these:

        - text: a piece of the answer;
        - a `ToolCall`, or a `ReasoningPart`;
        - any event, such as `ReasoningDelta`, `Usage`, or a `Completed("length")` that ends the answer; or a list of
          events. Without an end of its own, the answer ends with `stop`, or with `tool_calls` if it has calls;
        - a `Pause`, or a `Silence`;
        - an exception: the provider raises it, before the first token or after it. A `ConnectionError` or another
          `OSError` becomes the error of an upstream that is not there, or has broken off its answer;
        - a dict, or a list of other values: a JSON document, written in pieces.

        Args:
            items: The items; none for an empty answer.
            times: How many questions get this answer; None for all that have no other one.

        Returns:
            The provider itself.

        Raises:
            TypeError: an item is none of these.
            ValueError: an item has a value that cannot be played; or `times` is less than 1.
        """
        script = Script(items)
        if times is None:
            self._repeated = script
        elif times < 1:
            raise ValueError(f"times is {times!r}: it must be 1 or more, or None for all further questions.")
        else:
            self._scripts.extend([script] * times)
        return self

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Answer a question with the next script; see `CustomProvider.stream`.

        Raises:
            UpstreamStatusError: no answer is scripted for this question.
        """
        self.questions.append(request)
        self._has_other_loops |= gevent.get_hub() is not self._loop
        try:
            script = self._scripts.popleft()
        except IndexError:
            if self._repeated is None:
                raise _unscripted(request, len(self.questions)) from None
            script = self._repeated
        yield from script.play()

    def install(self, app: Flask) -> None:
        """Answer all questions of an application, whatever model they name, until `uninstall`.

        Its aliases and its default model keep their names. Resumable streams then work in its test client.

        Args:
            app: The application, with its `Headrace`.

        Raises:
            ConfigurationError: the application has no `Headrace`.
        """
        if EXTENSION not in app.extensions:
            raise ConfigurationError(f"The application {app.name!r} has no Headrace: call its init_app first.")
        own = _state(app).registry
        registry = ScriptedRegistry(own, adapt_provider(self))
        _set_registry(app, registry)
        self._replaced.append((app, own, registry))
        self._loop = gevent.get_hub()

    def uninstall(self) -> None:
        """Give the applications their own models back, and stop their open streams. Idempotent.

        Streams of a server that runs in other threads of the test are left to that server.
        """
        while self._replaced:
            app, own, registry = self._replaced.pop()
            if _state(app).registry is registry:
                _set_registry(app, own)
            streams = _state(app).streams
            if len(streams) and not self._has_other_loops:
                streams.stop_all()
                streams.wait_for_reports(STOP_TIMEOUT)


def _state(app: Flask) -> ExtensionState:
    return cast("ExtensionState", app.extensions[EXTENSION])


def _set_registry(app: Flask, registry: ModelRegistry) -> None:
    app.extensions[EXTENSION] = replace(_state(app), registry=registry)


def _unscripted(request: ChatRequest, number: int) -> UpstreamStatusError:
    asked = request.messages[-1].content if request.messages else ""
    return UpstreamStatusError(
        f"No answer is scripted for question {number}, {asked!r:.80}: call answers(…) of the FakeProvider once for "
        "each question before it is asked.",
        status=500,
        code="unscripted",
        retryable=False,
    )
