"""`FakeProvider` in Flask's test client, where nothing is patched: its scripts, and its waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flask_headrace import (
    AnswerRestarted,
    ChatRequest,
    Completed,
    Event,
    Failed,
    HeadraceError,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    ResponseStarted,
    TextDelta,
    ToolCall,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    UpstreamError,
    UpstreamStatusError,
    Usage,
)
from flask_headrace.testing import FakeProvider, Pause, ProviderContract, Silence, read_stream
from tests.testing.application import SCHEMA, Application, make_application


class NoCredit(HeadraceError):
    code, status = "no_credit", 402


class _Counted(FakeProvider):
    """Counts the answers that it is giving."""

    open = 0

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        self.open += 1
        try:
            yield from super().stream(request)
        finally:
            self.open -= 1


class TestContract(ProviderContract):
    @pytest.fixture
    def answering(self) -> FakeProvider:
        return FakeProvider().answers(ReasoningPart("hm", "s"), "one ", Usage(9, 2), "two", times=None)

    @pytest.fixture
    def silent(self) -> FakeProvider:
        return _Counted().answers("one", Silence())

    @pytest.fixture
    def open_answers(self, silent: _Counted) -> Callable[[], int]:
        return lambda: silent.open

    @pytest.fixture(params=[UpstreamError("down"), ConnectionResetError("reset")], ids=["error", "connection"])
    def failing(self, request: pytest.FixtureRequest) -> FakeProvider:
        return FakeProvider().answers("one", request.param)


@pytest.fixture
def shop() -> Application:
    return make_application(HEADRACE_STALL_TIMEOUT=0.2)


STALLED = "openai/gpt-5 sent nothing for 0.2 s in the middle of its answer. Try again."
CALL = [ToolCallStarted(0, "call_1", "find"), ToolCallDelta(0, '{"q":1}'), ToolCallCompleted(0, {"q": 1})]


@pytest.mark.parametrize(
    ("items", "events"),
    [
        ((), [Completed("stop")]),
        (("Hel", "", "lo"), [TextDelta("Hel"), TextDelta("lo"), Completed("stop")]),
        (("a", Pause(0), TextDelta("b")), [TextDelta("a"), TextDelta("b"), Completed("stop")]),
        ((ToolCall("", "find", {"q": 1}),), [*CALL, Completed("tool_calls")]),
        ((CALL,), [*CALL, Completed("tool_calls")]),
        (tuple(CALL), [*CALL, Completed("tool_calls")]),
        (
            (CALL, ToolCall("mine", "find")),
            [
                *CALL,
                ToolCallStarted(1, "mine", "find"),
                ToolCallDelta(1, "{}"),
                ToolCallCompleted(1, {}),
                Completed("tool_calls"),
            ],
        ),
        ((ReasoningDelta("hm"), "a"), [ReasoningDelta("hm"), TextDelta("a"), Completed("stop")]),
        (
            (ReasoningPart("hm", "sig"), "a"),
            [ReasoningDelta("hm"), ReasoningSignature("sig"), TextDelta("a"), Completed("stop")],
        ),
        (("a", Completed("length")), [TextDelta("a"), Completed("length")]),
        (("a", AnswerRestarted("again", "b/c"), "b"), None),
        (("a", Failed("mine", "so", False)), [TextDelta("a"), Failed("mine", "so", False)]),
        (("a", UpstreamError("broken")), [TextDelta("a"), Failed("upstream_failed", "broken", True)]),
        (("a", NoCredit("none left")), [TextDelta("a"), Failed("no_credit", "none left", False)]),
        (
            ("a", ConnectionResetError("reset")),
            [
                TextDelta("a"),
                Failed("upstream_broken", "The upstream broke off its answer: ConnectionResetError('reset')", True),
            ],
        ),
        (
            ("a", Silence()),
            [
                TextDelta("a"),
                Failed("stall_timeout", STALLED, True),
            ],
        ),
    ],
)  # fmt: skip
def test_script_is_answered(shop: Application, provider: FakeProvider, items: tuple[Any, ...], events: Any) -> None:
    provider.answers(*items)
    reading = read_stream(shop.ask())
    if events is None:
        assert reading.answer.text == "b"
    else:
        got = [event for event in reading.events if not isinstance(event, (ResponseStarted, Usage))]
        assert got == events
    (told,) = shop.told
    assert (told.text, told.end, told.reason, told.messages) == (
        reading.answer.text, reading.answer.end, reading.answer.reason, reading.answer.messages,
    )  # fmt: skip


@pytest.mark.parametrize("items", [(Usage(9, 2), "a"), ("a", Usage(9, 2)), ("a", [Usage(9, 2), Completed("stop")])])
def test_usage_is_that_of_the_script(shop: Application, provider: FakeProvider, items: tuple[Any, ...]) -> None:
    provider.answers(*items)
    usage = read_stream(shop.ask()).answer.usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (9, 2, False)
    assert shop.told[0].usage == usage


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("value", [{"city": "Ōsaka", "more": [1, None, {"a": "b" * 50}]}, {"city": ""}])
def test_document_is_written_in_pieces(
    shop: Application, provider: FakeProvider, value: dict[str, Any], stream: bool
) -> None:
    provider.answers(value)
    reading = read_stream(shop.ask(schema=SCHEMA, stream=stream))
    assert reading.answer.document == value == shop.told[0].document
    provider.answers(value)
    assert read_stream(shop.ask()).answer.document is None


def test_document_that_does_not_fit_its_schema_fails(shop: Application, provider: FakeProvider) -> None:
    provider.answers({"town": "Oslo"})
    assert read_stream(shop.ask(schema=SCHEMA)).answer.reason == "answer_invalid"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoCredit("none left"), 402, "no_credit"),
        (UpstreamStatusError("busy", status=429, code="rate_limited", retryable=True), 429, "rate_limited"),
        (ConnectionRefusedError("nobody"), 502, "upstream_unreachable"),
        (TimeoutError(), 502, "upstream_unreachable"),
        (RuntimeError("a bug"), 500, "internal"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [True, False])
def test_exception_that_comes_first_is_a_failure_before_the_first_token(
    shop: Application, provider: FakeProvider, error: Exception, status: int, code: str, stream: bool
) -> None:
    provider.answers(error, times=2)
    for _ in range(2):
        reading = read_stream(shop.ask(stream=stream))
        assert reading.error is not None
        assert (reading.status, reading.error.code, reading.answer.reason) == (status, code, code)
    assert [answer.reason for answer in shop.told] == [code, code]


def test_answers_come_in_their_order_and_then_the_repeated_one(shop: Application, provider: FakeProvider) -> None:
    provider.answers("rest", times=None).answers("one").answers("two", times=2)
    assert [read_stream(shop.ask()).answer.text for _ in range(5)] == ["one", "two", "two", "rest", "rest"]


def test_question_without_a_script_is_told_so(shop: Application, provider: FakeProvider) -> None:
    provider.answers("one")
    shop.ask()
    reading = read_stream(shop.ask(content="What now?"))
    assert reading.error is not None
    assert (reading.status, reading.error.code, reading.error.retryable) == (500, "unscripted", False)
    assert "question 2, 'What now?'" in reading.error.message
    assert "answers(" in reading.error.message


@pytest.mark.parametrize(
    "item",
    [b"bytes", 7, None, object(), {1, 2}, UpstreamError, KeyboardInterrupt(), ResponseStarted("a", "b", "c"),
     ["text", TextDelta("a")], (Pause(1), TextDelta("a")), [ResponseStarted("a", "b", "c")]],
)  # fmt: skip
def test_item_that_no_answer_has_is_refused_where_it_is_scripted(item: Any) -> None:
    with pytest.raises(TypeError, match="An answer cannot have"):
        FakeProvider().answers("a", item)


@pytest.mark.parametrize(
    "item",
    [Pause(-1), Pause(61), Pause(float("nan")), Pause("1"), Silence(61), {"a": object()}, [object()], [{}, {1, 2j}]],
)  # fmt: skip
def test_value_that_cannot_be_played_is_refused_where_it_is_scripted(item: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        FakeProvider().answers(item)
    assert str(caught.value)


@pytest.mark.parametrize("times", [0, -1])
def test_number_of_times_is_positive(times: int) -> None:
    with pytest.raises(ValueError, match=f"times is {times}"):
        FakeProvider().answers("a", times=times)


class TestWaits:
    def test_pause_is_waited_for(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("one ", Pause(0.05), "two", Pause(0.05))
        begun = time.monotonic()
        assert read_stream(shop.ask()).answer.text == "one two"
        assert time.monotonic() - begun >= 0.1

    def test_pause_after_code_that_blocks_is_waited_for(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("one", times=1).answers("two", Pause(0.1))
        read_stream(shop.ask())
        time.sleep(0.15)  # the loop stands still
        begun = time.monotonic()
        read_stream(shop.ask())
        assert time.monotonic() - begun >= 0.1

    def test_silence_ends_by_itself(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("one", Silence(0.01))
        assert "0.01 s" in read_stream(shop.ask()).error.message  # type: ignore[union-attr]

    def test_silence_before_the_first_token_is_a_timeout(self) -> None:
        shop = make_application(HEADRACE_FIRST_TOKEN_TIMEOUT=0.1)
        provider = FakeProvider()
        provider.install(shop.app)
        provider.answers(Silence())
        reading = read_stream(shop.ask())
        assert (reading.status, reading.answer.reason) == (504, "first_token_timeout")
        provider.uninstall()
