"""What every provider promises, as tests that a provider of one's own inherits. Needs pytest.

    class TestMine(ProviderContract):
        @pytest.fixture
        def answering(self):
            return Mine(a_server_that_answers())

The suite knows no upstream: the fixtures of the class set one up, real or played, and give the provider that asks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, zip_longest

import gevent
import pytest

from .core.errors import HeadraceError
from .core.events import (
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
from .providers.base import Provider
from .providers.chat_request import ChatRequest, Message
from .providers.custom import CustomProvider, adapt_provider

__all__ = ["ProviderContract", "check_answer", "check_beginning"]

NOT_OF_PROVIDERS = (ResponseStarted, AnswerRestarted, Cancelled)
"""Events of whoever asks the provider."""

LIMIT = 5.0
"""Seconds within which an upstream must have been asked, or closed."""


def check_answer(batches: Iterable[list[Event] | StreamMetadata]) -> list[Event]:
    """Hold a whole answer against what providers promise.

    Args:
        batches: What `stream` has yielded, to its end.

    Returns:
        Its events.

    Raises:
        AssertionError: it is not as promised; the message says what is wrong.
    """
    events = check_beginning(batches)
    ends = [event for event in events if isinstance(event, (Completed, Failed))]
    assert ends, f"An answer ends with a Done or a Failed: this one ends with {events[-1:]}."
    behind = events[events.index(ends[0]) + 1 :]
    assert not behind, f"Nothing follows the end of an answer: behind {ends[0]} comes {behind[0]}."
    known = [event for event in events if isinstance(event, Usage) and not event.estimated]
    assert known in ([], events[-2:-1]), f"The usage of an answer comes once, right before its end: {events[-4:]}."
    if isinstance(ends[0], Completed):
        started = _Calls.of(events)
        assert not started.open, f"Every call is ended before a Done: {sorted(started.open)} are not."
        is_stop = ends[0].finish_reason == "stop" and started.ids
        assert not is_stop, "An answer that calls tools does not end with Done('stop')."
    return events


def check_beginning(batches: Iterable[list[Event] | StreamMetadata]) -> list[Event]:
    """Hold the beginning of an answer against what providers promise; see `check_answer`."""
    events: list[Event] = []
    for batch in batches:
        if isinstance(batch, StreamMetadata):
            continue
        assert isinstance(batch, list), f"A provider yields lists of events, and not {batch!r:.200}."
        for event in batch:
            assert isinstance(event, Event), f"A provider yields events, and not {event!r:.200}."
            assert not isinstance(event, NOT_OF_PROVIDERS), f"This event is not a provider's: {event}."
            _check_values(event)
        told = [event for event in batch if isinstance(event, Usage)]
        is_last = not told or batch[-1] is told[-1] or isinstance(batch[-1], (Completed, Failed))
        assert is_last, f"A Usage comes last in its list, or before the answer's end: {batch}."
        events += batch
    _Calls.of(events)
    return events


def _check_values(event: Event) -> None:
    match event:
        case TextDelta(text) | ReasoningDelta(text) | ToolCallDelta(_, text):
            assert isinstance(text, str), f"The text of a delta is a str: {event}."
            assert text, f"A delta without text is none: {event}."
            text.encode()  # half a surrogate pair has no place in UTF-8
        case ReasoningSignature(signature):
            assert isinstance(signature, str), f"A signature is a str: {event}."
        case Usage():
            assert 0 <= event.cached_tokens <= event.input_tokens, f"Cached tokens are a part of the input: {event}."
            assert 0 <= event.reasoning_tokens <= event.output_tokens, f"Reasoning is a part of the output: {event}."
            assert event.cost is None or event.cost >= 0, f"A cost that is not known is None: {event}."


class _Calls:
    """The tool calls of an answer, checked one event after another."""

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
            case ToolCallStarted(call, number, name):
                assert call == len(self.ids), f"Calls are numbered from 0, in the order in which they begin: {event}."
                assert number, f"A call has an id: {event}."
                assert number not in self.ids, f"A call has an id of its own: {event}."
                assert name, f"A call has the name of a tool: {event}."
                self.ids.append(number)
                self.open[call] = ""
            case ToolCallDelta(call, text):
                assert call in self.open, f"A piece of a call comes between its start and its end: {event}."
                self.open[call] += text
            case ToolCallCompleted(call, arguments):
                assert call in self.open, f"A call ends once, after it has started: {event}."
                said = json.loads(self.open.pop(call) or "{}")
                assert isinstance(arguments, dict), f"The arguments of a call are an object: {event}."
                assert arguments == said, f"The arguments of a call are what its pieces add up to, {said}: {event}."


class ProviderContract:
    """The promises. A test class of a provider inherits them and overrides the fixtures.

    Only `answering` is needed; the tests of the others are skipped where they are left out.
    """

    model = "m"
    """The model that is asked."""

    @pytest.fixture
    def answering(self) -> CustomProvider:
        """Give a provider whose upstream gives the same whole answer each time, with text in it."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `answering`.")

    @pytest.fixture
    def failing(self) -> CustomProvider:
        """Give a provider whose upstream refuses, or breaks off."""
        pytest.skip("override the fixture `failing`, to test what the provider makes of failures")

    @pytest.fixture
    def silent(self) -> CustomProvider:
        """Give a provider whose upstream says a first word, and then nothing more for as long as it is listened to."""
        pytest.skip("override the fixture `silent`, to test that the provider stops when it is told to")

    @pytest.fixture
    def open_answers(self) -> Callable[[], int]:
        """Give a function that tells how many answers the upstream is giving right now."""
        pytest.skip("override the fixture `open_answers`, to test that the provider closes its upstream")

    def ask(self, provider: CustomProvider) -> Iterator[list[Event] | StreamMetadata]:
        """Ask a question."""
        return _whole(provider).stream(ChatRequest(self.model, (Message("user", "hi"),)))

    # What it says of itself

    def test_is_a_provider(self, answering: CustomProvider) -> None:
        assert isinstance(answering, CustomProvider), f"{answering!r} lacks a name, or a method `stream`."
        assert answering.name, "A provider has a name."
        assert "/" not in answering.name, f"A provider's name stands before a slash: {answering.name!r} has one."
        known = {*ChatRequest.__struct_fields__[2:], "images", "name"}
        unsupported = _whole(answering).unsupported_features
        assert unsupported <= known, f"No question asks for {set(unsupported) - known}."

    def test_lists_models_by_their_names(self, answering: CustomProvider) -> None:
        found = _whole(answering).models()
        assert all(isinstance(name, str) and name for name in found), f"Models are told by their names: {found}."
        assert len(set(found)) == len(found), f"Each model is told once: {found}."

    def test_can_be_warmed_up_and_checked(self, answering: CustomProvider) -> None:
        provider = _whole(answering)
        provider.preload()
        provider.health_check()

    # Its answers

    def test_gives_an_answer_of_events_with_one_end(self, answering: CustomProvider) -> None:
        events = check_answer(self.ask(answering))
        assert isinstance(events[-1], Completed), f"A whole answer ends with a Done, and not with {events[-1]}."
        assert _text_of(events), "An answer has text."

    def test_gives_another_answer_after_the_first(self, answering: CustomProvider) -> None:
        first, second = (check_answer(self.ask(answering)) for _ in range(2))
        assert _text_of(second) == _text_of(first)

    def test_gives_two_answers_at_once_without_mixing_them(self, answering: CustomProvider) -> None:
        nothing: list[Event] | StreamMetadata = []
        batches = list(zip_longest(self.ask(answering), self.ask(answering), fillvalue=nothing))
        first, second = (check_answer([both[place] for both in batches]) for place in range(2))
        assert _text_of(second) == _text_of(first)

    def test_tells_of_a_failure_by_an_error_of_ours_and_never_by_a_done(self, failing: CustomProvider) -> None:
        got: list[list[Event] | StreamMetadata] = []
        told: HeadraceError | Event | None = None
        try:
            for batch in self.ask(failing):
                got.append(batch)  # noqa: PERF402  # what came before the error counts
        except HeadraceError as error:
            told = error
        events = check_beginning(got)
        told = told or check_answer(got)[-1]
        assert not any(isinstance(event, Completed) for event in events), (
            f"A failure does not end with a Done: {events}."
        )
        assert isinstance(told, (HeadraceError, Failed))
        assert told.message, f"A failure says what went wrong: {told!r}."

    # What stops it

    def test_can_be_closed_at_any_point_and_twice(self, answering: CustomProvider) -> None:
        count = len(list(self.ask(answering)))
        for place in range(count + 1):
            batches = self.ask(answering)
            check_beginning(islice(batches, place))
            for _ in range(2):
                batches.close()  # type: ignore[attr-defined]  # of a generator, or of what has the same
            assert next(batches, None) is None, "Nothing comes after the answer was closed."

    def test_asks_nobody_before_it_is_iterated(self, silent: CustomProvider, open_answers: Callable[[], int]) -> None:
        batches = self.ask(silent)
        gevent.sleep(0.02)
        assert open_answers() == 0, "Nothing is asked before the first `next`."
        batches.close()  # type: ignore[attr-defined]

    def test_closes_its_upstream_when_it_is_closed(
        self, silent: CustomProvider, open_answers: Callable[[], int]
    ) -> None:
        batches = self.ask(silent)
        while not next(batches):
            pass
        assert open_answers() == 1, "The answer goes on while nobody has closed it."
        batches.close()  # type: ignore[attr-defined]
        _wait_for(lambda: open_answers() == 0, "the upstream is closed")

    def test_closes_its_upstream_when_its_greenlet_is_killed(
        self, silent: CustomProvider, open_answers: Callable[[], int]
    ) -> None:
        greenlet = gevent.spawn(list, self.ask(silent))
        _wait_for(lambda: open_answers() == 1, "the upstream is asked")
        gevent.sleep(0.02)
        assert not greenlet.ready(), f"The provider waits for more, and did not end with {greenlet.value}."
        greenlet.kill()
        _wait_for(lambda: open_answers() == 0, "the upstream is closed")


def _whole(provider: CustomProvider) -> Provider:
    # What adopts a provider mends some of what the tests are to find out: one that has all there is stands for itself.
    return provider if isinstance(provider, Provider) else adapt_provider(provider)


def _text_of(events: list[Event]) -> str:
    return "".join([event.text for event in events if isinstance(event, TextDelta)])


def _wait_for(is_so: Callable[[], bool], what: str) -> None:
    with gevent.Timeout(LIMIT, AssertionError(f"Within {LIMIT:g} s {what}.")):
        while not is_so():
            gevent.sleep(0.002)
