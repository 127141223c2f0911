"""Tools that run here, read by the AI SDK 3.4, 4.0 and 4.3: calls and results, without progress and approvals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import QUESTION
from tests.conftest import upstreams
from tests.support.host import Host
from tests.support.reader import Reading, send
from tests.support.upstream import Gate, Reasoning, ToolCall, Upstream, openai_wire

HOST = """
from flask import Flask
from flask_headrace import Headrace, ToolError, tool

app = Flask(__name__)
app.secret_key = "a secret"


@tool
def find(place: str):
    "Find a place."
    if place == "nowhere":
        raise ToolError("There is no mill.")
    yield "on the way"
    yield {"depth": 3}


@tool(needs_approval=True)
def refund(order: int) -> str:
    "Refund an order."
    raise AssertionError("it runs without approval")


Headrace(app, tools=[find, refund])


@app.get("/healthz")
def health():
    return ""
"""


@pytest.fixture(scope="module")
def host(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    settings = {"HEADRACE_HEARTBEAT": "0.05"}
    with Host(tmp_path_factory.mktemp("tools"), HOST, **upstreams(shared_upstream), **settings) as running:
        yield running


def calling(name: str = "find", arguments: str = '{"place": "mill"}') -> Any:
    return openai_wire.answer("Let me see.", ToolCall("c1", name, (arguments,)), finish="tool_calls")


def chat(reader: Node, host: Host, model: str, messages: Any = QUESTION, **body: Any) -> dict[str, Any]:
    body = {"model": f"openai/{model}", **body}
    result: dict[str, Any] = reader.do("chat", api=host.url + "/ai/v4/chat", messages=messages, body=body)
    return result


def hook(hooks4: Node, host: Host, model: str, **options: Any) -> dict[str, Any]:
    body = {"model": f"openai/{model}", **options.pop("body", {})}
    result: dict[str, Any] = hooks4.do("chat", base=host.url, model=body["model"], text="hi", body=body, **options)
    return result


def name_of(request: pytest.FixtureRequest) -> str:
    return "v4-" + "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


def told(upstream: Upstream, name: str) -> list[str]:
    messages = upstream.requests(name)[-1].body["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


@pytest.mark.parametrize(
    ("arguments", "result"),
    [('{"place": "mill"}', {"depth": 3}), ('{"place": "nowhere"}', {"error": "There is no mill."})],
)
def test_the_result_follows_its_call(
    arguments: str, result: Any, host: Host, reader: Node, upstream: Upstream, request: pytest.FixtureRequest
) -> None:
    name = name_of(request)
    upstream.answer(name, [calling(arguments=arguments), openai_wire.answer("Deep.")])
    shown = chat(reader, host, name)
    assert (shown["error"], shown["content"]) == (None, "Let me see.Deep.")
    assert [(call["state"], call["toolName"], call["result"]) for call in shown["calls"]] == [
        ("result", "find", result)
    ]
    assert shown["finish"]["finishReason"] == "stop"


def test_a_call_that_needs_approval_has_no_result(
    host: Host, reader: Node, upstream: Upstream, request: pytest.FixtureRequest
) -> None:
    name = name_of(request)
    upstream.answer(name, [calling("refund", '{"order": 7}'), openai_wire.answer("As you like.")])
    shown = chat(reader, host, name)
    assert [call["state"] for call in shown["calls"]] == ["call"]
    assert (shown["error"], shown["finish"]["finishReason"]) == (None, "tool-calls")
    invocation = {"state": "call", "toolCallId": "c1", "toolName": "refund", "args": {"order": 7}}
    history = [*QUESTION, {"role": "assistant", "content": "Well.", "toolInvocations": [invocation]}]
    refused = chat(reader, host, name, history)
    assert (refused["status"], "without a result" in refused["error"]["message"]) == (400, True)
    assert chat(reader, host, name, [*history, *QUESTION])["content"] == "As you like."
    assert told(upstream, name) == ["The call was not answered: the tool did not run to its end."]


@pytest.mark.parametrize("body", [{}, {"sendReasoning": True}])
class TestHook:
    """With `maxSteps`, `useChat` sends a conversation again whose last step has calls, all with results."""

    def test_does_not_send_a_complete_answer_again(
        self, body: dict[str, Any], host: Host, hooks4: Node, upstream: Upstream, request: pytest.FixtureRequest
    ) -> None:
        name = name_of(request)
        upstream.answer(name, [calling(), openai_wire.answer("Deep."), openai_wire.answer("never")])
        shown = hook(hooks4, host, name, maxSteps=5, body=body)
        assert (shown["error"], shown["status"], len(upstream.requests(name))) == (None, "ready", 2)
        parts = shown["messages"][-1]["parts"]
        assert [part["type"] for part in parts] == ["text", "tool-invocation", "step-start", "text"]
        assert parts[1]["toolInvocation"]["result"] == {"depth": 3}

    def test_does_not_send_one_with_too_many_steps_again(
        self, body: dict[str, Any], host: Host, hooks4: Node, upstream: Upstream, request: pytest.FixtureRequest
    ) -> None:
        name = name_of(request)
        upstream.answer(name, [calling(), calling(), openai_wire.answer("never")])
        shown = hook(hooks4, host, name, maxSteps=5, body={**body, "max_steps": 1})
        assert (shown["error"], shown["status"], len(upstream.requests(name))) == (None, "ready", 2)

    def test_sends_the_results_with_the_next_message(
        self, body: dict[str, Any], host: Host, hooks4: Node, upstream: Upstream, request: pytest.FixtureRequest
    ) -> None:
        name = name_of(request)
        second = openai_wire.answer(Reasoning("hm"), "Deep.")
        upstream.answer(name, [calling(), second, openai_wire.answer("Yes.")])
        shown = hook(hooks4, host, name, maxSteps=5, body=body, again="sure?")
        assert (shown["error"], shown["messages"][-1]["content"]) == (None, "Yes.")
        roles = [message["role"] for message in upstream.requests(name)[-1].body["messages"]]
        assert roles == ["user", "assistant", "tool", "assistant", "user"]


def test_a_replay_has_all_steps(host: Host, hooks4: Node, upstream: Upstream) -> None:
    upstream.start_afresh()
    upstream.answer("v4-replay", [calling(), openai_wire.answer("Deep", Gate("v4-replay"), ".")])
    parts = [{"type": "text", "text": "hi"}]
    body = {"id": "v4-replay", "model": "openai/v4-replay", "resumable": True}
    with Reading(
        f"{host.url}/ai/v4/chat", {**body, "messages": [{"role": "user", "content": "hi", "parts": parts}]}
    ) as first:
        first.until(b'0:"Deep"')
        resuming = hooks4.begin(
            "chat", base=host.url, model="openai/v4-replay", id="v4-replay", resume=True, noteAt="Deep", maxSteps=5,
            initialMessages=[{"id": "u1", "role": "user", "content": "hi", "parts": parts}],
        )  # fmt: skip
        assert resuming.noted.get(timeout=10) == "Deep"
        upstream.open_gate("v4-replay")
        shown = resuming.result(20)
    answer = shown["messages"][-1]
    assert (shown["error"], shown["status"], answer["content"]) == (None, "ready", "Let me see.Deep.")
    assert [part["type"] for part in answer["parts"]] == ["text", "tool-invocation", "step-start", "text"]
    assert len(upstream.requests("v4-replay")) == 2


def test_names_of_tools_choose_among_them(host: Host, upstream: Upstream) -> None:
    upstream.answer("v4-names", openai_wire.answer("ok"))
    body = {"messages": QUESTION, "model": "openai/v4-names"}
    assert send(f"{host.url}/ai/v4/chat", {**body, "tools": ["find"]}).status == 200
    assert [tool["function"]["name"] for tool in upstream.requests("v4-names")[-1].body["tools"]] == ["find"]
    refused = send(f"{host.url}/ai/v4/chat", {**body, "tools": ["fly"]})
    assert (refused.status, b"find, refund" in refused.body) == (400, True)
