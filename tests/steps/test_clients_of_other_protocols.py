"""Clients of OpenAI's and Anthropic's protocols, and of plain text, get text and reasoning of all steps alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.answers.stage import Told
from tests.steps.faults.stage import HOST, settings
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import Gate, Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire, script

OPEN = HOST.replace(
    "tools=[quick, wait, refund, pay],",
    'tools=[quick, wait, refund, pay], tool_endpoints=["native", "openai", "openai-responses", "anthropic", "ai-sdk"],',
)
QUESTION: Any = [{"role": "user", "content": "hi"}]
SCREEN = {"type": "object", "properties": {"n": {"type": "integer"}}}
QUICK = ToolCall("c1", "quick", ('{"place"', ':"Ulm"}'))
SHOW = ToolCall("s1", "show_screen", ('{"n":1}',))
PAY = ToolCall("p1", "pay", ('{"order":5}',))
STEPS = [
    openai_wire.answer(Reasoning("hm"), "I look. ", QUICK, finish="tool_calls"),
    openai_wire.answer(Reasoning("aha"), "It is ", "there."),
]
TEXT = "I look. \n\nIt is there."


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), OPEN, **settings(upstream, told, HEADRACE_STORE="memory")) as running:
        yield running


@pytest.fixture(scope="module")
def openai_client(host: Host) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{host.url}/assistant/v1", api_key="k", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(host: Host) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"{host.url}/assistant", api_key="k", max_retries=0) as client:
        yield client


class TestOpenAIsChat:
    @pytest.fixture(params=[True, False], ids=["streamed", "whole"])
    def ask(self, openai_client: openai.OpenAI, request: pytest.FixtureRequest) -> Any:
        def ask(model: str, **fields: Any) -> tuple[str, str, list[Any], str, Any]:
            """Return text, reasoning, tool calls, finish reason and usage."""
            fields = {"model": f"openai/{model}", "messages": QUESTION, **fields}
            if not request.param:
                answer = openai_client.chat.completions.create(**fields)
                [choice] = answer.choices
                said, extra = choice.message, choice.message.model_extra or {}
                calls = [(call.id, call.function.name) for call in said.tool_calls or ()]
                return said.content or "", extra.get("reasoning_content", ""), calls, choice.finish_reason, answer.usage
            with openai_client.chat.completions.stream(**fields, stream_options={"include_usage": True}) as stream:
                deltas = [
                    event.chunk.choices[0].delta for event in stream if event.type == "chunk" and event.chunk.choices
                ]
                answer = stream.get_final_completion()
            [choice] = answer.choices
            reasoning = "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas)
            calls = [(call.id, call.function.name) for call in choice.message.tool_calls or ()]
            return choice.message.content or "", reasoning, calls, choice.finish_reason, answer.usage

        return ask

    def test_has_text_and_reasoning_alone(self, ask: Any, upstream: Upstream) -> None:
        upstream.answer("chat", STEPS * 2)
        text, reasoning, calls, reason, usage = ask("chat")
        assert (text, reasoning, calls, reason) == (TEXT, "hmaha", [], "stop")
        assert usage.prompt_tokens == 18
        upstream.forget()

    def test_has_the_clients_own_calls_as_if_there_were_no_others(self, ask: Any, upstream: Upstream) -> None:
        mixed = openai_wire.answer("so ", QUICK, SHOW, finish="tool_calls")
        upstream.answer("mixed", [mixed, openai_wire.answer("seen")])
        tool = {"type": "function", "function": {"name": "show_screen", "parameters": SCREEN}}
        text, _, calls, reason, _ = ask("mixed", tools=[tool])
        assert (text, calls, reason) == ("so ", [("s1", "show_screen")], "tool_calls")
        turn = {
            "role": "assistant",
            "content": "so ",
            "tool_calls": [{"id": "s1", "type": "function", "function": {"name": "show_screen", "arguments": "{}"}}],
        }
        again = [*QUESTION, turn, {"role": "tool", "tool_call_id": "s1", "content": "shown"}]
        assert ask("mixed", tools=[tool], messages=again)[0] == "seen"
        upstream.forget()

    def test_is_never_asked_to_approve(self, ask: Any, upstream: Upstream, told: Told) -> None:
        upstream.answer("pay", [openai_wire.answer(PAY, finish="tool_calls"), openai_wire.answer("I cannot.")])
        assert ask("pay")[0] == "I cannot."
        assert "nobody can be asked here" in str(upstream.requests("pay")[1].body)
        assert not [one for one in told.all("tool") if one["what"] == "paid"]
        upstream.forget()


class TestOpenAIsResponses:
    @pytest.mark.parametrize("is_streamed", [True, False])
    def test_has_text_and_reasoning_alone(
        self, openai_client: openai.OpenAI, upstream: Upstream, is_streamed: bool
    ) -> None:
        upstream.answer("responses", STEPS)
        if is_streamed:
            with openai_client.responses.stream(model="openai/responses", input="hi") as stream:
                deltas = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
                answer = stream.get_final_response()
            assert deltas.replace("\n", "") == TEXT.replace("\n", "")
        else:
            answer = openai_client.responses.create(model="openai/responses", input="hi")
        assert answer.output_text.replace("\n", "") == TEXT.replace("\n", "")
        assert {item.type for item in answer.output} == {"message", "reasoning"}
        assert answer.status == "completed"
        upstream.forget()


class TestAnthropics:
    @pytest.mark.parametrize("is_streamed", [True, False])
    def test_has_text_alone(self, anthropic_client: anthropic.Anthropic, upstream: Upstream, is_streamed: bool) -> None:
        upstream.answer("messages", STEPS)
        fields: Any = {"model": "openai/messages", "max_tokens": 99, "messages": QUESTION}
        if is_streamed:
            with anthropic_client.messages.stream(**fields) as stream:
                text = "".join(stream.text_stream)
                answer = stream.get_final_message()
            assert text == "I look. It is there."
        else:
            answer = anthropic_client.messages.create(**fields)
        assert "".join(block.text for block in answer.content if block.type == "text") == "I look. It is there."
        assert {block.type for block in answer.content} <= {"text", "thinking"}
        assert answer.stop_reason == "end_turn"
        upstream.forget()

    def test_has_the_clients_own_calls_as_if_there_were_no_others(
        self, anthropic_client: anthropic.Anthropic, upstream: Upstream
    ) -> None:
        upstream.answer("blocks", openai_wire.answer("so ", QUICK, SHOW, finish="tool_calls"))
        with anthropic_client.messages.stream(
            model="openai/blocks", max_tokens=99, messages=QUESTION,
            tools=[{"name": "show_screen", "input_schema": SCREEN}],
        ) as stream:  # fmt: skip
            answer = stream.get_final_message()
        assert [(block.type, getattr(block, "name", "")) for block in answer.content] == [
            ("text", ""), ("tool_use", "show_screen"),
        ]  # fmt: skip
        assert answer.stop_reason == "tool_use"


def test_the_last_question_to_anthropics_api_declares_the_tools_that_were_called(
    host: Host, upstream: Upstream
) -> None:
    upstream.answer("last", [anthropic_wire.answer(QUICK, finish="tool_use"), anthropic_wire.answer("that is all")])
    body = {"model": "anthropic/last", "messages": QUESTION, "max_steps": 1}
    assert send(f"{host.url}/assistant/api/chat", body, headers=JSON).text == "that is all"
    asked = upstream.requests("last")[1].body
    assert asked["tools"] == [{"name": "quick", "input_schema": {"type": "object"}}]
    assert asked["tool_choice"] == {"type": "none"}


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("protocol", ["openai", "openai-responses", "anthropic", "text"])
def test_a_stream_that_is_resumed_in_another_protocol_has_no_calls(
    host: Host, upstream: Upstream, protocol: str
) -> None:
    model = f"resumed {protocol}"
    upstream.answer(model, STEPS)
    body = {"model": f"openai/{model}", "messages": QUESTION, "resumable": True}
    first = send(f"{host.url}/assistant/api/chat", body, headers=JSON)
    url = f"{host.url}/assistant/api/streams/{first.headers['headrace-stream-id']}"
    again = send(f"{url}?protocol={protocol}", method="GET").body
    assert b"quick" not in again
    assert b"there." in again
    # In the middle, at each event.
    for after in range(1, 12):
        part = send(f"{url}?protocol={protocol}&after={after}", method="GET")
        assert part.status == 200
        assert b"quick" not in part.body
        if protocol != "text":
            assert b"error" not in part.body.replace(b'"error":null', b"")


def test_text_comes_while_a_later_step_is_open(host: Host, upstream: Upstream, openai_client: openai.OpenAI) -> None:
    upstream.answer(
        "open",
        [STEPS[0], script(openai_wire.HEAD, openai_wire.text("It"), Gate("open"), *openai_wire.answer("!").steps[2:])],
    )
    got = ""
    for chunk in openai_client.chat.completions.create(model="openai/open", messages=QUESTION, stream=True):
        got += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        if got.endswith("It"):
            upstream.open_gate("open")
    assert got == "I look. \n\nIt!"


def test_endpoints_that_are_not_named_offer_no_tools(
    upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Host(tmp_path_factory.mktemp("closed"), HOST, **settings(upstream, told, HEADRACE_STORE="memory")) as closed:
        upstream.answer("closed", openai_wire.answer("ok"))
        for path in ("v1/chat/completions", "api/chat"):
            send(f"{closed.url}/assistant/{path}", {"model": "openai/closed", "messages": QUESTION}, headers=JSON)
        assert [bool(request.body.get("tools")) for request in upstream.requests("closed")] == [False, True]


@pytest.mark.parametrize(("provider", "wire", "finish"), [
    ("openai", openai_wire, "tool_calls"), ("anthropic", anthropic_wire, "tool_use"),
])  # fmt: skip
@pytest.mark.parametrize("text", ['{"place":', '{"place":"Ulm"}}', "nonsense", "[1]"])
def test_arguments_that_an_upstream_has_broken_are_told_to_the_model(
    host: Host, upstream: Upstream, provider: str, wire: Any, finish: str, text: str
) -> None:
    model = f"broken {provider} {text}"
    broken = wire.answer("so ", ToolCall("c1", "quick", (text,)), finish=finish)
    upstream.answer(model, [broken, wire.answer("sorry")])
    body = {"model": f"{provider}/{model}", "messages": QUESTION}
    answer = send(f"{host.url}/assistant/api/chat", body, headers=JSON)
    assert answer.text == "so sorry", answer.body
    assert answer.is_done
    [told] = [data["error"] for data in answer.named("tool") if "error" in data]
    assert told.startswith("The arguments ")
    assert told.split(":")[0] in str(upstream.requests(model)[1].body)
