"""The official Python SDK's own loop: it runs tools, sends their results, and asks again."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic import beta_tool

from tests.clients.anthropic_messages.answers import HI
from tests.support.service import Service
from tests.support.upstream import Script, ToolCall, Upstream, anthropic_wire, openai_wire


@beta_tool
def find(query: str) -> str:
    """Find a thing.

    Args:
        query: What to find.
    """
    return f"no {query}"


def loop(wire: Any) -> list[Script]:
    """Return two answers with a call each, and one with text."""
    calls = [ToolCall(f"call_{query}", "find", (f'{{"query": "{query}"}}',)) for query in ("a", "b")]
    return [*(wire.answer("I look. ", call, finish=wire.FINISHES[2]) for call in calls), wire.answer("Done.")]


@pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
@pytest.mark.parametrize("stream", [False, True])
def test_the_tool_runner_completes_a_task(
    service: Service, upstream: Upstream, provider: str, wire: Any, stream: bool
) -> None:
    name = f"runner-{provider}-{stream}"
    upstream.answer(name, loop(wire))
    client = anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=0)
    asked: dict[str, Any] = {"model": f"{provider}/{name}", "max_tokens": 1024, "messages": HI, "tools": [find]}
    runner = client.beta.messages.tool_runner(**asked, stream=stream)
    answers = [answer.get_final_message() if stream else answer for answer in runner]
    assert [answer.stop_reason for answer in answers] == ["tool_use", "tool_use", "end_turn"]
    assert answers[-1].content[0].text == "Done."
    requests = upstream.requests(name)
    assert len(requests) == 3
    assert "thread" not in requests[-1].body
    results = str(requests[-1].body["messages"])
    assert "no a" in results
    assert "no b" in results


def test_the_tool_runner_sends_its_own_tools_and_headers(service: Service, upstream: Upstream) -> None:
    upstream.answer("runner-memory", anthropic_wire.answer("Done."))
    client = anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=0)
    tools: list[Any] = [find, {"type": "memory_20250818", "name": "memory"}]
    runner = client.beta.messages.tool_runner(
        model="anthropic/runner-memory",
        max_tokens=1024,
        messages=HI,
        tools=tools,
        betas=["context-management-2025-06-27"],
    )
    assert runner.until_done().content[0].text == "Done."
    [request] = upstream.requests("runner-memory")
    assert request.body["tools"][1] == tools[1]
    assert "context-management-2025-06-27" in request.headers["anthropic-beta"]


def test_beta_messages_are_parsed(service: Service, upstream: Upstream) -> None:
    upstream.answer("parsed", anthropic_wire.answer('{"name": "x"}'))
    client = anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=0)
    schema = {"type": "json_schema", "schema": {"type": "object", "properties": {"name": {"type": "string"}}}}
    with client.beta.messages.stream(
        model="anthropic/parsed", max_tokens=9, messages=HI, output_config={"format": schema}
    ) as stream:
        assert stream.get_final_message().content[0].text == '{"name": "x"}'
    assert upstream.requests("parsed")[0].body["output_config"] == {"format": schema}
