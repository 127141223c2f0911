"""langchain-anthropic with only another base URL."""

from __future__ import annotations

import anthropic
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from tests.clients.anthropic_messages.answers import CALLED, PIECES, PROVIDERS, TEXT, TOOLS, calling, whole
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, anthropic_wire


def model(service: Service, name: str, **settings) -> ChatAnthropic:
    return ChatAnthropic(base_url=service.url, api_key="any", model=name, max_retries=0, **settings)


def joined(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestAModel:
    def test_answers_piece_by_piece(self, service: Service, upstream: Upstream, provider, wire, capsys) -> None:
        upstream.answer("chained", whole(wire))
        base_url, api_key, model = service.url, "any", f"{provider}/chained"
        # docs: LangChain (langchain-anthropic)
        chat = ChatAnthropic(base_url=base_url, api_key=api_key, model=model)
        for chunk in chat.stream("Hello"):
            print(chunk.text, end="", flush=True)
        # end docs
        assert capsys.readouterr().out == TEXT

    def test_tells_what_it_took_and_why_it_ended(self, service, upstream, provider, wire) -> None:
        upstream.answer("chained", whole(wire))
        chat = model(service, f"{provider}/chained")
        chunks = list(chat.stream("hi"))
        assert [chunk.text for chunk in chunks if chunk.text] == list(PIECES)
        for message in (joined(chunks), chat.invoke("hi")):
            assert message.text == TEXT
            assert message.response_metadata["stop_reason"] == "end_turn"
            usage = message.usage_metadata
            assert (usage["input_tokens"], usage["output_tokens"], usage["input_token_details"]["cache_read"]) == (
                9,
                4,
                3,
            )

    def test_calls_tools_and_hears_of_their_results(self, service, upstream, provider, wire) -> None:
        upstream.answer("tooled", [calling(wire), calling(wire), wire.answer("So.")])
        chat = model(service, f"{provider}/tooled").bind_tools(TOOLS)
        turns: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("hi")]
        for message in (joined(list(chat.stream(turns))), chat.invoke(turns)):
            assert [(call["id"], call["name"], call["args"]) for call in message.tool_calls] == CALLED
            assert message.text == "Well. "
            assert [block["reasoning"] for block in message.content_blocks if block["type"] == "reasoning"] == ["hm"]
        results = [ToolMessage("found", tool_call_id="c1"), ToolMessage("no clock", tool_call_id="c2", status="error")]
        assert chat.invoke([*turns, message, *results]).text == "So."
        sent = upstream.requests("tooled")[-1].body["messages"]
        if provider == "openai":
            assert [turn["role"] for turn in sent] == ["system", "user", "assistant", "tool", "tool"]
        else:
            assert [block["type"] for block in sent[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
            assert [block.get("is_error", False) for block in sent[2]["content"]] == [False, True]

    def test_that_fails_raises_what_the_sdk_raises(self, service, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.error(429))
        with pytest.raises(anthropic.RateLimitError):
            model(service, f"{provider}/failing").invoke("hi")
        upstream.answer("failing", wire.failing_after(2))
        heard = []
        with pytest.raises(anthropic.APIStatusError):
            heard.extend(model(service, f"{provider}/failing").stream("hi"))

    def test_that_is_left_is_stopped(self, service, upstream, provider, wire) -> None:
        upstream.answer("left", wire.answer("one", Gate("never"), "two"))
        before = len(upstream.requests("left"))
        chunks = model(service, f"{provider}/left").stream("hi")
        assert next(chunk.text for chunk in chunks if chunk.text) == "one"
        chunks.close()
        assert upstream.closed("left", before).deltas_sent == 1


def test_thinking_is_asked_for_and_streamed(service: Service, upstream: Upstream) -> None:
    upstream.answer("thinker", calling(anthropic_wire))
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = joined(list(model(service, "anthropic/thinker", thinking=thinking, max_tokens=2048).stream("hi")))
    thought = next(block for block in message.content if block["type"] == "thinking")
    assert (thought["thinking"], thought["signature"]) == ("hm", anthropic_wire.SIGNATURE)
    assert upstream.requests("thinker")[-1].body["thinking"] == thinking
