"""`Headrace.ask`: models asked within generators of the application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask

from flask_headrace import (
    ChatRequest,
    Completed,
    Event,
    Headrace,
    HeadraceError,
    TextDelta,
    ToolCallStarted,
    UpstreamConnectionError,
    UpstreamError,
    Usage,
    tool,
)
from flask_headrace.testing import FakeProvider, Silence
from tests.steps.stage import QUESTION, Desk, call
from tests.support.event_loop import until
from tests.support.reader import Answer as Response

Items = Iterator[Any]


class Asking(Desk):
    """A desk with a view that streams a generator of a test."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.source: Callable[[], Items]

        @self.app.post("/generator")
        def generator() -> Any:
            return self.headrace.stream_from(self.source())

    def stream(self, source: Callable[[], Items]) -> Response:
        self.source = source
        return super().ask("/generator")


@pytest.fixture
def desk() -> Asking:
    return Asking()


def test_an_answer_is_passed_on_and_its_tokens_are_those_of_the_stream(desk: Asking) -> None:
    desk.model.answers("one ", Usage(10, 5), "two")
    response = desk.stream(lambda: desk.headrace.ask(QUESTION))
    assert response.text == "one two"
    [usage] = response.named("usage")
    assert usage["attempts"] == [{"model": "fake/m", "input_tokens": 10, "output_tokens": 5, "cost": None}]
    assert (usage["input_tokens"], usage["output_tokens"]) == (10, 5)


def test_answers_that_are_collected_silently_count_as_well(desk: Asking) -> None:
    desk.model.answers("a draft", Usage(10, 5)).answers("better", Usage(20, 6))

    def pieces() -> Items:
        draft = "".join(event.text for event in desk.headrace.ask(QUESTION) if isinstance(event, TextDelta))
        yield from desk.headrace.ask([*QUESTION, {"role": "user", "content": draft}])

    response = desk.stream(pieces)
    assert response.text == "better"
    [usage] = response.named("usage")
    assert [(one["input_tokens"], one["output_tokens"]) for one in usage["attempts"]] == [(10, 5), (20, 6)]
    assert usage["input_tokens"] == 30
    assert desk.asked()[-1].content == "a draft"


def test_an_answer_that_a_generator_leaves_in_the_middle_is_closed_and_counts(desk: Asking) -> None:
    desk.model.answers("one ", "two ", Silence())

    def pieces() -> Items:
        answer = desk.headrace.ask(QUESTION)
        yield next(answer)
        answer.close()
        yield "own"

    response = desk.stream(pieces)
    assert response.text == "one own"
    assert response.is_done
    assert response.named("usage")[0]["estimated"]
    assert len(response.named("usage")[0]["attempts"]) == 1


@pytest.mark.parametrize("reason", ["length", "content_filter", "stop"])
def test_the_end_of_the_last_answer_is_that_of_the_generator(desk: Asking, reason: Any) -> None:
    desk.model.answers("one", Completed(reason))
    assert desk.stream(lambda: desk.headrace.ask(QUESTION)).named("end") == [{"finish_reason": reason}]


def test_the_end_of_an_answer_before_others_is_none_of_the_generators(desk: Asking) -> None:
    desk.model.answers("one", Completed("length"))

    def pieces() -> Items:
        end = yield from desk.headrace.ask(QUESTION)
        yield f" {end.finish_reason}"

    response = desk.stream(pieces)
    assert response.text == "one length"
    assert response.named("end") == [{"finish_reason": "stop"}]


def test_calls_of_several_answers_are_numbered_through_and_have_ids_of_their_own(desk: Asking) -> None:
    desk.model.answers(call(place="a"), call(place="b", id="c2")).answers(call(place="c"))

    def pieces() -> Items:
        yield from desk.headrace.ask(QUESTION, tools=[{"name": "find"}])
        yield from desk.headrace.ask(QUESTION, tools=[{"name": "find"}])

    response = desk.stream(pieces)
    started = [(data["call"], data["id"]) for data in response.named("tool") if "name" in data]
    assert started == [(0, "c1"), (1, "c2"), (2, "c1_3")]
    assert [data["arguments"]["place"] for data in response.named("tool") if "arguments" in data] == ["a", "b", "c"]
    assert response.named("end") == [{"finish_reason": "tool_calls"}]


def test_a_model_that_fails_raises_where_its_answer_is_read(desk: Asking) -> None:
    desk.model.answers("one ", UpstreamError("it broke")).answers("two")

    def pieces() -> Items:
        try:
            yield from desk.headrace.ask(QUESTION)
        except HeadraceError as error:
            yield f"({error.message}) "
        yield from desk.headrace.ask(QUESTION)

    assert desk.stream(pieces).text == "one (it broke) two"
    desk.model.answers(UpstreamConnectionError("not there"))
    failed = desk.stream(lambda: desk.headrace.ask(QUESTION))
    assert (failed.status, failed.error["message"]) == (502, "not there")


def test_the_time_limit_of_a_silent_model_is_the_questions_and_not_the_streams() -> None:
    desk = Asking(config={"HEADRACE_FIRST_TOKEN_TIMEOUT": 0.4, "HEADRACE_STALL_TIMEOUT": 0.4})
    desk.model.answers(Silence()).answers("one ", Silence()).answers("two")

    def pieces() -> Items:
        yield "own "
        for _ in range(3):
            try:
                yield from desk.headrace.ask(QUESTION)
            except HeadraceError as error:  # noqa: PERF203
                yield f"({error.code}) "

    assert desk.stream(pieces).text == "own (first_token_timeout) one (stall_timeout) two"


def test_a_generator_that_is_silent_itself_keeps_the_streams_limit() -> None:
    desk = Asking(config={"HEADRACE_STALL_TIMEOUT": 0.4})
    desk.model.answers("one ")

    def pieces() -> Items:
        yield from desk.headrace.ask(QUESTION)
        gevent.sleep(30)
        yield "never"

    began = time.monotonic()
    assert desk.stream(pieces).named("error")[0]["code"] == "stall_timeout"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("place", ["asked", "in a greenlet"])
def test_a_reader_that_leaves_stops_the_model(desk: Asking, place: str) -> None:
    ends: list[str] = []

    class Watched(FakeProvider):
        def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
            try:
                yield from super().stream(request)
            finally:
                ends.append("closed")

    watched = Watched("watched")
    desk = Asking(providers=[watched])
    watched.answers("one ", Silence(60))

    def pieces() -> Items:
        answer = desk.headrace.ask(QUESTION, model="watched/m")
        yield "begun "
        if place == "asked":
            yield from answer
        else:
            gevent.spawn(list, answer).join()

    desk.source = pieces
    response = desk.app.test_client().post("/generator", buffered=False)
    chunks = iter(response.response)
    while b"begun" not in next(chunks):
        pass
    until(lambda: watched.questions)
    response.close()
    until(lambda: ends)
    answer = desk.answer()
    assert (answer.end, len(answer.usage.attempts)) == ("cancelled", 1)  # type: ignore[union-attr]


def test_a_chain_whose_answer_begins_anew_cannot_be_taken_back(tmp_path: Path) -> None:
    config = tmp_path / "headrace.toml"
    config.write_text('[models.chain]\nchain = ["fake/m", "second/m"]\nretries = 0\n')
    second = FakeProvider("second")
    desk = Asking(providers=[second], config={"HEADRACE_CONFIG": str(config), "HEADRACE_MODEL": "chain"})
    desk.model.answers("one two ", UpstreamError("broke"))
    second.answers("quite another answer")
    [error] = desk.stream(lambda: desk.headrace.ask(QUESTION)).named("error")
    assert error["message"].startswith("second/m began the answer again")
    # One that goes on is passed on.
    desk.model.answers("one two ", UpstreamError("broke"))
    second.answers("one two three")
    assert desk.stream(lambda: desk.headrace.ask(QUESTION)).text == "one two three"


def test_a_provider_of_the_application_may_ask_others_and_stand_in_a_chain(tmp_path: Path) -> None:
    class Mixed:
        name = "mixed"
        headrace: Headrace

        def stream(self, request: ChatRequest) -> Items:
            yield "so "
            yield from self.headrace.ask(QUESTION, model="fake/m")

    config = tmp_path / "headrace.toml"
    config.write_text('[models.chain]\nchain = ["second/m", "mixed/mixed"]\nretries = 0\n')
    second, mixed = FakeProvider("second"), Mixed()
    desk = Asking(providers=[second, mixed], config={"HEADRACE_CONFIG": str(config), "HEADRACE_MODEL": "chain"})
    mixed.headrace = desk.headrace
    second.answers(UpstreamConnectionError("down"))
    desk.model.answers("it is", Usage(10, 5))
    response = desk.ask()
    assert response.text == "so it is"
    assert ("fake/m", 10, 5) in [
        (one["model"], one["input_tokens"], one["output_tokens"]) for one in response.named("usage")[0]["attempts"]
    ]


def test_a_tool_may_ask_a_model_whose_tokens_are_those_of_the_answer(desk: Asking) -> None:
    @tool
    def summary() -> str:
        events = desk.headrace.ask(QUESTION)
        return "".join(event.text for event in events if isinstance(event, TextDelta))

    desk = Asking(tools=[summary])
    desk.model.answers(call("summary"), Usage(10, 5)).answers("in short", Usage(20, 6)).answers("ok", Usage(30, 7))
    response = desk.ask()
    assert response.text == "ok"
    assert [data["result"] for data in response.named("tool") if "result" in data] == ["in short"]
    assert sorted(one["input_tokens"] for one in response.named("usage")[0]["attempts"]) == [10, 20, 30]


def test_outside_of_a_stream_it_says_what_to_do(desk: Asking) -> None:
    with desk.app.app_context():
        answer = desk.headrace.ask(QUESTION)
    with pytest.raises(RuntimeError, match="is read outside of a stream: read it in a generator"):
        list(answer)
    assert desk.model.questions == []


def test_of_several_applications_it_says_what_to_do() -> None:
    headrace = Headrace()
    apps = [Flask("one"), Flask("two")]  # the extension holds none of them
    for app in apps:
        app.config["HEADRACE_EMBEDDED"] = False
        headrace.init_app(app)
    with pytest.raises(RuntimeError, match=r"cannot tell which of 2 applications asks: .* app.app_context"):
        headrace.ask(QUESTION)


@pytest.mark.parametrize(
    "field", [{"model": "no/x"}, {"temperature": "warm"}, {"odd": 1}, {"tools": ["it"]}, {"tools": [tool]}]
)
def test_what_is_not_valid_is_said_at_the_call(desk: Asking, field: dict[str, Any]) -> None:
    with desk.app.app_context(), pytest.raises(HeadraceError, match=r"model|temperature|odd|runs no tools"):
        desk.headrace.ask(QUESTION, **field)


def test_events_are_those_of_the_answer_without_usage_and_end(desk: Asking) -> None:
    seen: list[Event] = []
    desk.model.answers("a", call(), Usage(1, 1))

    def pieces() -> Items:
        for event in desk.headrace.ask(QUESTION):
            seen.append(event)
            yield event

    desk.stream(pieces)
    assert [type(event).__name__ for event in seen] == [
        "TextDelta", "ToolCallStarted", "ToolCallDelta", "ToolCallCompleted",
    ]  # fmt: skip
    assert not any(isinstance(event, ToolCallStarted) and event.runs_here for event in seen)
