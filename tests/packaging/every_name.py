"""An application that uses each public name once, as type checkers in their strict modes read it. Nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from flask import Flask, Response, abort, g

import flask_headrace as fh
from flask_headrace import agents, partial_json, testing
from flask_headrace.agents import langchain, langgraph, openai_agents, pydantic_ai


class Mill:
    """A provider of the application."""

    name = "mill"

    def stream(self, request: fh.ChatRequest) -> Iterator[fh.SourceItem]:
        settings: fh.GenerationParams = request
        if settings.temperature is not None and settings.temperature > 1:
            raise fh.UpstreamStatusError("That is too hot.", status=400, code="too_hot", retryable=False)
        yield fh.ResponseStarted("", f"mill/{request.model}", "mill")
        yield "text"
        yield [fh.TextDelta("more"), fh.ReasoningDelta("hm"), fh.ReasoningSignature("signed")]
        yield fh.ModelSelected("mill/a", "mill", "a", "mill")
        yield fh.SuppressedOutput(3)
        yield fh.ProviderEvent("native", "reasoning_state", "opaque")
        yield fh.Usage(3, 4, attempts=(fh.Attempt("mill/a", 3, 4, None),))
        yield fh.Completed("stop")

    def count_tokens(self, request: fh.ChatRequest) -> int:
        return sum(size(part) for message in request.messages for part in message.parts())


def size(part: fh.Part) -> int:
    match part:
        case fh.TextPart() | fh.ReasoningPart():
            return len(part.text)
        case fh.ImagePart() | fh.FilePart():
            return len(part.url)
        case fh.AudioPart():
            return len(part.data)


def conversation(role: fh.Role = "user") -> fh.ChatRequest:
    call = fh.ToolCall("1", "find", {"text": "mill"}, approval=fh.ToolApproval("1", True))
    return fh.ChatRequest(
        model="a",
        messages=(
            fh.Message(role, "What is a mill?"),
            fh.Message(role, (fh.TextPart("And this?"), fh.ImagePart("https://mill.example/a.png"))),
            fh.Message("assistant", (fh.ReasoningPart("hm"),), tool_calls=(call,)),
            fh.Message("tool", "A house.", tool_call_id="1"),
            fh.Message("user", (fh.FilePart("data:text/plain;base64,aGk="), fh.AudioPart("aGk=", "wav"))),
        ),
        tools=(fh.Tool("find"), fh.CustomTool("write")),
        tool_choice=chosen(None),
        response_format=fh.ResponseFormat({"type": "object"}),
    )


def chosen(name: str | None) -> fh.ToolChoice:
    return "auto" if name is None else fh.NamedTool(name)


def authorize() -> str:
    if "user" not in g:
        raise fh.Unauthorized("Log in.")
    return str(g.user) or abort(401)


app = Flask(__name__)
mill: fh.CustomProvider = Mill()
counter: fh.TokenCounter = Mill()
headrace = fh.Headrace(app, authorize=authorize, providers=[mill], models=("mill/*",), endpoints=("native",))
service: Flask = fh.create_app({"HEADRACE_EMBEDDED": "0"})
with_name = fh.Headrace(page=fh.ChatPage(title="Mill", examples=["Why?"]))
with_dict = fh.Headrace(page={"title": "Mill"})
settings: fh.Settings = fh.Settings.from_mapping({"HEADRACE_DRAIN": "3"})


@headrace.before
def ask_better(question: fh.Question) -> fh.Question | fh.Reply | None:
    if question.owner == "mallory":
        raise fh.Forbidden("Not you.")
    if question.messages[-1].text() == "ping":
        return "pong"
    return question.with_system("Be short.").replace(model="mill/a")


def keep(answer: fh.Answer) -> None:
    for call in answer.tool_calls:
        if isinstance(call, fh.AnsweredToolCall):
            print(call.result, answer.context, answer.messages)


before: fh.BeforeHook = ask_better
told: fh.EndHook = keep
headrace.on_end(keep)


@fh.tool
def find(what: str, context: fh.ToolContext) -> str:
    """Find a thing."""
    if context.is_stopped:
        raise fh.ToolError("Somebody has gone.")
    return f"{what} is in Salem"


def is_large(what: str) -> bool:
    return len(what) > 9


ASKS: fh.NeedsApproval = is_large


@fh.tool(needs_approval=ASKS, timeout=3)
def remove(what: str) -> str:
    """Remove a thing."""
    return f"{what} is gone"


class Tools(fh.ToolSource):
    """Tools that may change."""

    def tools(self) -> Sequence[fh.LocalTool[..., Any]]:
        return [find, remove]


def retrieve_and_ask() -> Iterator[fh.Event]:
    answered = yield from headrace.ask([{"role": "user", "content": "What is a mill?"}], model="mill/a")
    yield fh.TextDelta(answered.finish_reason)


def steps() -> Iterator[fh.Event | str]:
    yield fh.StepStarted()
    yield fh.ToolCallStarted(0, "1", "find")
    yield fh.ToolCallDelta(0, "{}")
    yield fh.ToolCallCompleted(0, {})
    yield fh.ToolProgress(0, "half of it")
    yield fh.ApprovalRequested(0, "1")
    yield fh.ToolResult(0, "found")
    yield fh.Source("https://mill.example/")
    yield fh.File("image/png", data=b"\x89PNG")
    yield fh.Data("progress", 0.5, id="1", transient=True)
    yield fh.AnswerRestarted("it broke off", "mill/a")
    yield "text"


async def agent() -> AsyncIterator[str]:
    yield "text"


@app.post("/ask")
def ask() -> Response:
    turns = [{"role": "user", "content": "hi"}]
    tools: list[fh.ToolLike] = [find, remove, Tools()]
    return headrace.stream(turns, tools=tools, on_end=told, context={"id": 1}, protocol=protocol())


@app.post("/steps")
def show_steps() -> Response:
    return headrace.stream_from(steps(), protocol=protocol(), resumable=True, chat="1", on_end=keep)


@app.post("/agents/<kind>")
def run(kind: str) -> Response:
    match kind:
        case "pydantic-ai":
            return headrace.stream_from(pydantic_ai.events(object()))
        case "langchain":
            return headrace.stream_from(langchain.events(iter([])))
        case "langgraph":
            return headrace.stream_from(langgraph.events(iter([])))
        case "openai":
            return headrace.stream_from(openai_agents.events(object()))
        case _:
            return headrace.stream_from(agent())


def protocol() -> fh.ViewProtocol:
    return "ai-sdk"


def reason_of(event: fh.StreamEvent) -> fh.FinishReason | fh.CancelReason | str | None:
    if isinstance(event, fh.Completed | fh.Failed | fh.Cancelled):
        terminal: fh.TerminalEvent = event
        return terminal.code if isinstance(terminal, fh.Failed) else end_of(terminal)
    return None


def end_of(event: fh.Completed | fh.Cancelled) -> fh.FinishReason | fh.CancelReason:
    return event.finish_reason if isinstance(event, fh.Completed) else event.reason


def is_metadata(item: fh.SourceItem) -> bool:
    return isinstance(item, fh.StreamMetadata)


def log_start(_: Flask, stream: fh.StreamStartedInfo) -> None:
    print(stream.id, stream.owner)


def log_end(_: Flask, stream: fh.StreamEndedInfo) -> None:
    print(stream.id, stream.usage.cost, stream.answer and stream.answer.text)


fh.stream_started.connect(log_start)
fh.stream_ended.connect(log_end)

ERRORS: Sequence[type[fh.HeadraceError]] = (
    *(fh.ConfigurationError, fh.InternalError),
    *(fh.RequestError, fh.InvalidRequest, fh.Unauthorized, fh.Forbidden, fh.StreamNotFound, fh.StreamConflict),
    *(fh.StreamCancelled, fh.NotSupported, fh.ModelNotFound, fh.SchemaNotFound, fh.BodyTooLarge, fh.BodyTimeout),
    fh.BodyLimitExceeded,
    *(fh.LimitError, fh.AnswerTooLarge, fh.StreamLimitExceeded, fh.ShuttingDown, fh.ChecksBusy, fh.StoreUnavailable),
    *(fh.ResumptionLost, fh.AnswerReplaced, fh.WorkerLost, fh.MaxDurationExceeded, fh.MaxCostExceeded),
    *(fh.UpstreamError, fh.ModelUnavailable, fh.UpstreamConnectionError, fh.UpstreamProtocolError),
    *(fh.UpstreamStatusError, fh.InvalidToolArguments, fh.FallbackMismatch, fh.SchemaValidationError),
    *(fh.SourceError, fh.ConnectTimeout, fh.FirstTokenTimeout, fh.IdleTimeout),
)


@app.errorhandler(fh.HeadraceError)
def show(error: fh.HeadraceError) -> tuple[str, int]:
    return f"{error.code}: {error.message}", error.status


def document(pieces: Sequence[str]) -> Any:
    parser = partial_json.PartialJSON(
        max_depth=partial_json.MAX_DEPTH, max_path=partial_json.MAX_PATH, max_size=partial_json.MAX_SIZE
    )
    value = partial_json.snapshot("")
    patches: list[partial_json.Patch] = []
    try:
        for piece in pieces:
            patches += parser.feed(piece)
        patches += parser.end()
    except (partial_json.Incomplete, partial_json.Malformed, partial_json.TooDeep, partial_json.TooLong) as error:
        known: partial_json.JSONError = error
        print(known)
    for patch in patches:
        match patch:
            case partial_json.Add() | partial_json.Append():
                print(patch.path, patch.value)
            case partial_json.Close():
                print(patch.path)
    return partial_json.apply(value, patches)


def test_a_view() -> None:
    items: list[testing.ScriptItem] = ["Hello", testing.Pause(0.1), fh.Usage(1, 2), testing.Silence()]
    fake = testing.FakeProvider().answers(*items)
    fake.install(app)
    reading: testing.StreamReading = testing.read_stream(app.test_client().post("/ask"))
    assert reading.answer.text == "Hello"
    testing.check_beginning([reading.events])
    testing.check_answer([reading.events])


class TestMill(testing.ProviderContract):
    """The contract of providers, for the application's own."""


print(agents.__name__)
