"""The contract of all providers, as tests that the test class of a custom provider inherits. Needs pytest.

    class TestMine(ProviderContract):
        @pytest.fixture
        def answering(self):
            return Mine(a_server_that_answers())

The tests know no upstream. The fixtures of the class start one, real or simulated, and return a provider that uses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest
from typing import cast

import gevent
import pytest

from ..core.errors import HeadraceError
from ..core.events import (
    AnswerRestarted,
    Cancelled,
    Completed,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    StreamMetadata,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from ..providers.base import Provider
from ..providers.chat_request import FEATURES, ChatRequest, Message
from ..providers.custom import CustomProvider, adapt_provider

__all__ = ["ProviderContract", "check_answer", "check_beginning"]

FORBIDDEN_EVENTS = (ResponseStarted, AnswerRestarted, Cancelled)
"""Events that a provider must not yield: the stream adds them."""

WAIT_TIMEOUT = 5.0
"""Seconds within which an upstream must have received the request, or must be closed."""


def check_answer(batches: Iterable[list[Event] | StreamMetadata]) -> list[Event]:
    """Check that a complete answer fulfils the contract of providers.

    Args:
        batches: All that `Provider.stream` has yielded.

    Returns:
        The events of the answer.

    Raises:
        AssertionError: the answer breaks the contract; the message says how.
    """
    events = check_beginning(batches)
    ends = [event for event in events if isinstance(event, (Completed, Failed))]
    assert ends, f"An answer ends with a Completed or a Failed: this one ends with {events[-1:]}."
    following = events[events.index(ends[0]) + 1 :]
    assert not following, f"Nothing follows the end of an answer: {following[0]} follows {ends[0]}."
    exact = [event for event in events if isinstance(event, Usage) and not event.estimated]
    assert exact in ([], events[-2:-1]), f"The usage of an answer comes once, right before its end: {events[-4:]}."
    if isinstance(ends[0], Completed):
        started = _Calls.of(events)
        assert not started.open, f"Every call is completed before Completed: {sorted(started.open)} are not."
        is_stop = ends[0].finish_reason == "stop" and started.ids
        assert not is_stop, "An answer that calls tools does not end with Completed('stop')."
    return events


def check_beginning(batches: Iterable[list[Event] | StreamMetadata]) -> list[Event]:
    """Check that the beginning of an answer fulfils the contract of providers; see `check_answer`."""
    events: list[Event] = []
    for batch in batches:
        if isinstance(batch, StreamMetadata):
            continue
        assert isinstance(batch, list), f"A provider yields lists of events, not {batch!r:.200}."
        for event in batch:
            assert isinstance(event, Event), f"A provider yields events, not {event!r:.200}."
            assert not isinstance(event, FORBIDDEN_EVENTS), f"A provider does not yield this event: {event}."
            _check_values(event)
        usages = [event for event in batch if isinstance(event, Usage)]
        is_last = not usages or batch[-1] is usages[-1] or isinstance(batch[-1], (Completed, Failed))
        assert is_last, f"A Usage is the last event of its list, or precedes the end of the answer: {batch}."
        events += batch
    _Calls.of(events)
    return events


def _check_values(event: Event) -> None:
    match event:
        case TextDelta(text) | ReasoningDelta(text) | ToolCallDelta(_, text):
            assert isinstance(text, str), f"The text of a delta is a str: {event}."
            assert text, f"A delta has text: {event}."
            text.encode()  # UTF-8 cannot encode half of a surrogate pair
        case ReasoningSignature(signature):
            assert isinstance(signature, str), f"A signature is a str: {event}."
        case Usage():
            assert 0 <= event.cached_tokens <= event.input_tokens, f"Cached tokens are a part of the input: {event}."
            written = event.cache_write_tokens
            assert 0 <= written <= event.input_tokens, f"Tokens written to the cache are a part of the input: {event}."
            assert 0 <= event.reasoning_tokens <= event.output_tokens, f"Reasoning is a part of the output: {event}."
            assert event.cost is None or event.cost >= 0, f"An unknown cost is None: {event}."


class _Calls:
    """Checks the tool calls of an answer, one event after another."""

    def __init__(self) -> None:
        self.open: dict[int, str] = {}
        self.ids: list[str] = []

    @classmethod
    def of(cls, events: list[Event]) -> _Calls:
        """Check the calls in these events."""
        calls = cls()
        for event in events:
            calls.check(event)
        return calls

    def check(self, event: Event) -> None:
        """Check the next event."""
        match event:
            case ToolCallStarted(call, id_, name):
                assert call == len(self.ids), f"Calls are numbered from 0, in the order in which they begin: {event}."
                assert id_, f"A call has an id: {event}."
                assert id_ not in self.ids, f"Each call has an id of its own: {event}."
                assert name, f"A call has the name of a tool: {event}."
                self.ids.append(id_)
                self.open[call] = ""
            case ToolCallDelta(call, text):
                assert call in self.open, f"A delta of a call comes between its start and its end: {event}."
                self.open[call] += text
            case ToolCallCompleted(call, arguments):
                assert call in self.open, f"A call ends once, after it has started: {event}."
                value = json.loads(self.open.pop(call) or "{}")
                assert isinstance(arguments, dict), f"The arguments of a call are an object: {event}."
                assert arguments == value, f"The arguments of a call are the value of its deltas, {value}: {event}."


class ProviderContract:
    """The tests of the contract. The test class of a provider inherits from it and overrides the fixtures.

    Only the fixture `answering` is required. Tests that need another fixture are skipped if it is not overridden.
    """

    model = "m"
    """The name of the model in the requests of the tests, without the name of the provider."""

    @pytest.fixture
    def answering(self) -> CustomProvider:
        """Return a provider whose upstream gives the same complete answer each time, with text in it."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `answering`.")

    @pytest.fixture
    def failing(self) -> CustomProvider:
        """Return a provider whose upstream refuses the request, or breaks off in the middle of the answer."""
        pytest.skip("override the fixture `failing` to test how the provider reports failures")

    @pytest.fixture
    def silent(self) -> CustomProvider:
        """Return a provider whose upstream sends a first piece of text, and nothing more until it is closed."""
        pytest.skip("override the fixture `silent` to test that the provider stops when it is closed")

    @pytest.fixture
    def open_answers(self) -> Callable[[], int]:
        """Return a function that returns how many answers the upstream is sending at the moment."""
        pytest.skip("override the fixture `open_answers` to test that the provider closes its upstream")

    def stream_answer(self, provider: CustomProvider) -> Iterator[list[Event] | StreamMetadata]:
        """Return the answer of a provider to a short request, as `Provider.stream` yields it."""
        return _complete_provider(provider).stream(ChatRequest(self.model, (Message("user", "hi"),)))

    # The attributes of the provider

    def test_is_a_provider(self, answering: CustomProvider) -> None:
        assert isinstance(answering, CustomProvider), f"{answering!r} lacks a name, or a method `stream`."
        assert answering.name, "A provider has a name."
        assert "/" not in answering.name, f"The name of a provider has no slash: {answering.name!r} has one."
        unsupported = _complete_provider(answering).unsupported_features
        assert unsupported <= FEATURES, f"No request has the features {set(unsupported) - FEATURES}."

    def test_lists_models_by_their_names(self, answering: CustomProvider) -> None:
        found = _complete_provider(answering).models()
        assert all(isinstance(name, str) and name for name in found), f"Models are listed by their names: {found}."
        assert len(set(found)) == len(found), f"Each model is listed once: {found}."

    def test_can_be_preloaded_and_checked(self, answering: CustomProvider) -> None:
        provider = _complete_provider(answering)
        provider.preload()
        provider.health_check()

    # The answers of the provider

    def test_gives_an_answer_of_events_with_one_end(self, answering: CustomProvider) -> None:
        events = check_answer(self.stream_answer(answering))
        assert isinstance(events[-1], Completed), f"A complete answer ends with a Completed, not with {events[-1]}."
        assert _text_of(events), "An answer has text."

    def test_gives_another_answer_after_the_first(self, answering: CustomProvider) -> None:
        first, second = (check_answer(self.stream_answer(answering)) for _ in range(2))
        assert _text_of(second) == _text_of(first)

    def test_gives_two_answers_at_once_without_mixing_them(self, answering: CustomProvider) -> None:
        nothing: list[Event] | StreamMetadata = []
        batches = list(zip_longest(self.stream_answer(answering), self.stream_answer(answering), fillvalue=nothing))
        first, second = (check_answer([both[place] for both in batches]) for place in range(2))
        assert _text_of(second) == _text_of(first)

    def test_reports_a_failure_as_an_error_and_never_as_completed(self, failing: CustomProvider) -> None:
        got: list[list[Event] | StreamMetadata] = []
        failure: HeadraceError | Event | None = None
        try:
            for batch in self.stream_answer(failing):
                got.append(batch)  # noqa: PERF402  # the lists before the error count
        except HeadraceError as error:
            failure = error
        events = check_beginning(got)
        failure = failure or check_answer(got)[-1]
        assert not any(isinstance(event, Completed) for event in events), (
            f"A failure does not end with a Completed: {events}."
        )
        assert isinstance(failure, (HeadraceError, Failed))
        assert failure.message, f"A failure says what went wrong: {failure!r}."

    # Closing an answer

    def test_can_be_closed_at_any_point_and_twice(self, answering: CustomProvider) -> None:
        count = len(list(self.stream_answer(answering)))
        for place in range(count + 1):
            batches = self.stream_answer(answering)
            check_beginning(islice(batches, place))
            for _ in range(2):
                batches.close()  # type: ignore[attr-defined]  # a generator, or an object with the same methods
            assert next(batches, None) is None, "Nothing comes after the answer was closed."

    def test_sends_no_request_before_it_is_iterated(
        self, silent: CustomProvider, open_answers: Callable[[], int]
    ) -> None:
        batches = self.stream_answer(silent)
        gevent.sleep(0.02)
        assert open_answers() == 0, "The upstream receives nothing before the first `next`."
        batches.close()  # type: ignore[attr-defined]

    def test_closes_its_upstream_when_it_is_closed(
        self, silent: CustomProvider, open_answers: Callable[[], int]
    ) -> None:
        batches = self.stream_answer(silent)
        while not isinstance(batch := next(batches), list) or not batch:
            pass
        assert open_answers() == 1, "The answer continues until it is closed."
        batches.close()  # type: ignore[attr-defined]
        _wait_for(lambda: open_answers() == 0, "the upstream is closed")

    def test_closes_its_upstream_when_its_greenlet_is_killed(
        self, silent: CustomProvider, open_answers: Callable[[], int]
    ) -> None:
        greenlet = gevent.spawn(list, self.stream_answer(silent))
        _wait_for(lambda: open_answers() == 1, "the upstream receives the request")
        gevent.sleep(0.02)
        assert not greenlet.ready(), f"The provider waits for the next piece; this one ended with {greenlet.value}."
        greenlet.kill()
        _wait_for(lambda: open_answers() == 0, "the upstream is closed")


def _complete_provider(provider: CustomProvider) -> Provider:
    # The adapter repairs some of the faults that these tests must find: a complete provider is tested without it.
    return cast("Provider", provider) if set(dir(provider)) >= _OWN_MEMBERS else adapt_provider(provider)


_OWN_MEMBERS = {"models", "preload", "health_check", "pricing_provider", "is_embedded", "unsupported_features"}
"""The members of a complete provider beyond `CustomProvider`. The others are only for upstreams of known protocols."""


def _text_of(events: list[Event]) -> str:
    return "".join([event.text for event in events if isinstance(event, TextDelta)])


def _wait_for(is_so: Callable[[], bool], what: str) -> None:
    with gevent.Timeout(WAIT_TIMEOUT, AssertionError(f"Within {WAIT_TIMEOUT:g} s {what}.")):
        while not is_so():
            gevent.sleep(0.002)
