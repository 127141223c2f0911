"""`flask_headrace.testing`: a provider that keeps its promises passes, and each way of breaking one is found out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import gevent
import pytest

from flask_headrace.core.errors import UpstreamProtocolError
from flask_headrace.core.events import (
    Cancelled,
    Completed,
    Event,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
)
from flask_headrace.providers.chat_request import ChatRequest
from flask_headrace.testing import ProviderContract, check_answer
from tests.support.service import ROOT

TEXT, STOP, USAGE = TextDelta("a"), Completed("stop"), Usage(9, 2)
BEGUN, PIECE, ENDED = ToolCallStarted(0, "c1", "find"), ToolCallDelta(0, '{"q":1}'), ToolCallCompleted(0, {"q": 1})
CALLED = Completed("tool_calls")


class Least:
    """As little as one's own provider is, without a network: it plays pieces, waits at a None, fails of an error."""

    name = "least"

    def __init__(self, *says: str | list[Event] | Exception | None) -> None:
        self._says = says
        self.answers = 0

    def stream(self, _request: ChatRequest) -> Iterator[str | list[Event]]:
        self.answers += 1
        try:
            for each in self._says:
                if isinstance(each, Exception):
                    raise each
                if each is None:
                    gevent.sleep(60)
                else:
                    yield each
        finally:
            self.answers -= 1


class Parrot(Least):
    """A provider with all that one has."""

    name = "parrot"
    pricing_provider = "free"
    is_embedded = False
    unsupported_features = frozenset({"images"})

    def models(self) -> list[str]:
        return ["grey"]

    def preload(self) -> None: ...

    def health_check(self) -> None: ...


class TestParrot(ProviderContract):
    @pytest.fixture
    def answering(self) -> Parrot:
        return Parrot([ReasoningDelta("hm")], [], [TEXT, BEGUN], [PIECE, ENDED], [USAGE, CALLED])

    @pytest.fixture
    def failing(self) -> Parrot:
        return Parrot([TEXT], UpstreamProtocolError("The parrot has gone."))

    @pytest.fixture
    def silent(self) -> Parrot:
        return Parrot([], [TEXT], None)

    @pytest.fixture
    def open_answers(self, silent: Parrot) -> Callable[[], int]:
        return lambda: silent.answers


class TestParrotThatTellsOfItsFailure(TestParrot):
    @pytest.fixture
    def failing(self) -> Parrot:
        return Parrot([TEXT], [USAGE, Failed("upstream_broken", "The parrot has gone.", retryable=True)])


class TestLeast(ProviderContract):
    @pytest.fixture
    def answering(self) -> Least:
        return Least("a", "b")

    @pytest.fixture
    def failing(self) -> Least:
        return Least("a", UpstreamProtocolError("The least has gone."))

    @pytest.fixture
    def silent(self) -> Least:
        return Least("a", None)

    @pytest.fixture
    def open_answers(self, silent: Least) -> Callable[[], int]:
        return lambda: silent.answers


@pytest.mark.parametrize(
    "batches",
    [
        [[TEXT], [STOP]],
        [[TEXT, Usage(9, 0, estimated=True)], [], [TEXT, USAGE, STOP]],
        [[Usage(9, 0, estimated=True), STOP]],
        [[ReasoningSignature("x"), TEXT, BEGUN, ToolCallCompleted(0, {}), CALLED]],
        [[BEGUN, ToolCallStarted(1, "c2", "now"), PIECE, ToolCallCompleted(1, {}), ENDED, USAGE, CALLED]],
        [[BEGUN, USAGE, Failed("tool_arguments_invalid", "cut", retryable=True)]],
    ],
)
def test_an_answer_as_promised_passes(batches: list[list[Event]]) -> None:
    assert check_answer(batches) == [event for batch in batches for event in batch]


BROKEN: dict[str, tuple[list, str]] = {
    "no end": ([[TEXT]], "ends with a Completed or a Failed"),
    "nothing at all": ([], "ends with a Completed or a Failed"),
    "two ends": ([[TEXT, STOP, STOP]], "Nothing follows"),
    "something behind the end": ([[STOP], [TEXT]], "Nothing follows"),
    "usage behind the end": ([[STOP, USAGE]], "Nothing follows"),
    "usage twice": ([[USAGE], [USAGE, STOP]], "comes once"),
    "usage early": ([[USAGE], [TEXT, STOP]], "right before its end"),
    "usage within a list": ([[Usage(9, 2, estimated=True), TEXT], [STOP]], "last event of its list"),
    "more cached than read": ([[Usage(9, 2, cached_tokens=10), STOP]], "part of the input"),
    "fewer than no tokens": ([[Usage(9, -1), STOP]], "part of the output"),
    "a cost below nothing": ([[Usage(9, 2, cost=-1.0), STOP]], "unknown cost is None"),
    "an event for a list": ([TEXT, STOP], "yields lists"),
    "text for an event": ([["a"], [STOP]], "yields events"),
    "an event of the engine's": ([[ResponseStarted("s", "m", "p"), STOP]], "does not yield this event"),
    "a cancellation": ([[Cancelled("stopped")]], "does not yield this event"),
    "an empty delta": ([[TextDelta(""), STOP]], "has text"),
    "bytes for text": ([[ReasoningDelta(b"a"), STOP]], "is a str"),
    "no signature": ([[ReasoningSignature(None), STOP]], "signature is a str"),
    "a call that is not ended": ([[BEGUN, CALLED]], "completed before Completed"),
    "calls and a stop": ([[BEGUN, ENDED, STOP]], "the value of its deltas"),
    "a whole call and a stop": ([[BEGUN, PIECE, ENDED, STOP]], "does not end with Completed"),
    "a call of another number": ([[ToolCallStarted(1, "c", "find")]], "numbered from 0"),
    "a call without a name": ([[ToolCallStarted(0, "c", "")]], "name of a tool"),
    "a call without an id": ([[ToolCallStarted(0, "", "find")]], "has an id"),
    "two calls of one id": ([[BEGUN, ToolCallStarted(1, "c1", "now")]], "id of its own"),
    "a piece of no call": ([[PIECE, STOP]], "delta of a call comes between"),
    "an end of no call": ([[ENDED, STOP]], "after it has started"),
    "a call that ends twice": ([[BEGUN, PIECE, ENDED, ENDED]], "ends once"),
    "arguments that are none": ([[BEGUN, ToolCallDelta(0, "[1]"), ToolCallCompleted(0, [1])]], "are an object"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_not_as_promised_is_found_out(name: str) -> None:
    batches, says = BROKEN[name]
    with pytest.raises(AssertionError, match=says):
        check_answer(batches)


def test_half_a_surrogate_is_found_out() -> None:
    with pytest.raises(UnicodeEncodeError):
        check_answer([[TextDelta("\ud83c"), STOP]])


def parrot(**fields: object) -> Parrot:
    """Make a parrot that says something else of itself."""
    made = Parrot([TEXT, STOP])
    for name, value in fields.items():
        setattr(made, name, value)
    return made


class Endless(Parrot):
    """Goes on after it was closed."""

    def stream(self, _request: ChatRequest) -> Endless:
        self.answers = 1
        return self

    def __iter__(self) -> Endless:
        return self

    def __next__(self) -> list[Event]:
        if self.answers == 1:
            raise StopIteration
        return [TEXT]

    def close(self) -> None:
        self.answers = 0


NONSENSE = [
    ("is_a_provider", object(), "lacks a name"),
    ("is_a_provider", parrot(name=""), "has a name"),
    ("is_a_provider", parrot(name="grey/parrot"), "has one"),
    ("is_a_provider", parrot(unsupported_features=frozenset({"seeds"})), "No request has the features"),
    ("lists_models_by_their_names", parrot(models=lambda: ["grey", ""]), "by their names"),
    ("lists_models_by_their_names", parrot(models=lambda: ["grey", "grey"]), "listed once"),
    ("gives_an_answer_of_events_with_one_end", Parrot([STOP]), "has text"),
    ("gives_an_answer_of_events_with_one_end", Parrot([Failed("x", "y", retryable=True)]), "ends with a Completed"),
    (
        "reports_a_failure_as_an_error_and_never_as_completed",
        Parrot([TEXT], [STOP]),
        "not end with a Completed",
    ),
    (
        "reports_a_failure_as_an_error_and_never_as_completed",
        Parrot(UpstreamProtocolError("")),
        "says what went wrong",
    ),
    ("can_be_closed_at_any_point_and_twice", Endless(), "Nothing comes"),
]


@pytest.mark.parametrize(("test", "provider", "says"), NONSENSE)
def test_a_provider_that_breaks_a_promise_is_found_out(test: str, provider: Parrot, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        getattr(ProviderContract(), f"test_{test}")(provider)


class Deaf(Parrot):
    """Its upstream goes on when nobody listens any more."""

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        self.answers += 1
        yield from super().stream(request)


@pytest.mark.parametrize(
    ("test", "provider", "seen", "says"),
    [
        ("sends_no_request_before_it_is_iterated", Parrot([TEXT], None), {0: 1}, "nothing before the first"),
        ("closes_its_upstream_when_it_is_closed", Parrot([TEXT], None), {1: 0}, "continues until"),
        ("closes_its_upstream_when_it_is_closed", Deaf([TEXT], None), {2: 1}, "the upstream is closed"),
        (
            "closes_its_upstream_when_its_greenlet_is_killed",
            Parrot([TEXT], [STOP]),
            {},
            "the upstream receives the request",
        ),
        ("closes_its_upstream_when_its_greenlet_is_killed", Deaf([TEXT], [STOP]), {}, "waits for the next piece"),
        ("closes_its_upstream_when_its_greenlet_is_killed", Deaf([TEXT], None), {2: 1}, "the upstream is closed"),
    ],
)
def test_a_provider_that_does_not_stop_is_found_out(test, provider, seen, says, monkeypatch) -> None:
    monkeypatch.setattr("flask_headrace.testing.provider_contract.WAIT_TIMEOUT", 0.05)
    with pytest.raises(AssertionError, match=says):
        getattr(ProviderContract(), f"test_{test}")(provider, lambda: seen.get(provider.answers, provider.answers))


def test_the_package_does_not_need_pytest() -> None:
    code = "import sys, flask_headrace.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_documents_override_what_there_is() -> None:
    page = (ROOT / "docs/providers.md").read_text()
    named = re.findall(r"^    def (\w+)\(self", page, re.MULTILINE)
    members = [name for name in vars(ProviderContract) if not name.startswith(("_", "test_"))]
    assert named == [name for name in members if name not in {"model", "stream_answer"}]
