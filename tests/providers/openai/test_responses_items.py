"""The decoder of the Responses API: calls of custom tools, signed reasoning, and items that only this API has."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.core.events import (
    Completed,
    Failed,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
)
from flask_headrace.core.reasoning_signature import sign_as_openai
from flask_headrace.providers.openai.responses_decoder import ResponseDecoder
from flask_headrace.providers.openai.responses_source_decoder import SourceResponseDecoder
from tests.providers.decoding.decoding import Answer
from tests.providers.openai.test_responses_decoder import completed, decode, frame, text_delta

SIGNED = sign_as_openai("ENC")


def item(how: str, item_type: str, index: int = 0, **fields: Any) -> bytes:
    return frame(f"output_item.{how}", output_index=index, item={"id": f"i{index}", "type": item_type, **fields})


def custom(how: str, text: str = "", **fields: Any) -> bytes:
    return item(how, "custom_tool_call", call_id="c1", name="patch", input=text, **fields)


def piece(text: str) -> bytes:
    return frame("custom_tool_call_input.delta", item_id="i0", output_index=0, delta=text)


class TestACallOfACustomTool:
    @pytest.mark.parametrize(
        "frames",
        [
            [custom("added"), piece('a"'), piece("\nb"), custom("done", 'a"\nb')],
            [custom("added"), custom("done", 'a"\nb')],
            [custom("added"), piece('a"'), custom("done", 'a"\nb')],
            [custom("done", 'a"\nb')],
            [custom("added", 'a"\nb')],
            [completed(output=[{"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": 'a"\nb'}])],
        ],
        ids=["pieces", "whole", "cut", "only done", "only added", "only completed"],
    )
    def test_is_one_of_a_function_with_an_input(self, frames: list[bytes]) -> None:
        answer = decode(*frames, *([] if b"response.completed" in frames[-1] else [completed()]))
        assert answer.error is None
        assert answer.events[0] == ToolCallStarted(0, "c1", "patch")
        text = "".join(event.text for event in answer.events if isinstance(event, ToolCallDelta))
        assert text == '{"input":"a\\"\\nb"}'
        assert answer.events[-2:] == [ToolCallCompleted(0, {"input": 'a"\nb'}), Completed("tool_calls")]

    def test_may_be_without_an_input(self) -> None:
        answer = decode(custom("added"), custom("done"), completed())
        assert isinstance(answer.events[-1], Completed)
        assert answer.events[-2] == ToolCallCompleted(0, {})

    def test_of_a_namespace_has_the_flat_name(self) -> None:
        called = {"call_id": "c1", "name": "close", "namespace": "agents", "arguments": "{}"}
        answer = decode(item("added", "function_call", **called), item("done", "function_call", **called), completed())
        assert answer.events[0] == ToolCallStarted(0, "c1", "agents__close")


class TestReasoning:
    def test_is_signed_at_the_end_of_its_item(self) -> None:
        delta = frame("reasoning_summary_text.delta", item_id="i0", output_index=0, delta="hm")
        summary = [{"type": "summary_text", "text": "hm"}]
        done = item("done", "reasoning", summary=summary, encrypted_content="ENC")
        whole = {"type": "reasoning", "summary": summary, "encrypted_content": "ENC"}
        answer = decode(item("added", "reasoning"), delta, done, text_delta("a"), completed(output=[whole]))
        assert answer.events == [
            ReasoningDelta("hm"), ReasoningSignature(SIGNED), TextDelta("a"), Completed("stop"),
        ]  # fmt: skip

    def test_of_which_only_the_signature_is_sent_is_redacted(self) -> None:
        answer = decode(item("done", "reasoning", summary=[], encrypted_content="ENC"), text_delta("a"), completed())
        assert answer.events[0] == ReasoningSignature(SIGNED, is_redacted=True)

    def test_that_comes_only_whole_is_emitted_once(self) -> None:
        whole = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
        message = {"type": "message", "content": [{"type": "output_text", "text": "a"}]}
        expected = [ReasoningDelta("hm"), TextDelta("a"), Completed("stop")]
        assert decode(completed(output=[whole, message])).events == expected
        assert (
            decode(frame("output_item.done", item=whole), text_delta("a"), completed(output=[whole])).events == expected
        )

    def test_in_several_signed_items_has_no_break_between_them(self) -> None:
        part = frame("reasoning_summary_part.added")
        delta, done = (
            frame("reasoning_summary_text.delta", delta="hm"),
            item("done", "reasoning", encrypted_content="E"),
        )
        answer = decode(part, delta, part, delta, done, part, delta, done, text_delta("a"), completed())
        assert answer.reasoning == "hm\n\nhmhm"


@pytest.mark.parametrize("decoder", [ResponseDecoder, SourceResponseDecoder])
@pytest.mark.parametrize("odd", [[], {}, 1, None])
def test_odd_values_are_no_surprise(decoder: type[ResponseDecoder], odd: Any) -> None:
    items = [frame(f"output_item.{how}", output_index=0, item={"id": odd, "type": odd}) for how in ("added", "done")]
    texts = [{"type": "message", "id": "m", "content": odd}, {"type": "reasoning", "id": "r", "summary": odd}]
    items += [frame("output_item.done", output_index=0, item={**text, "phase": odd}) for text in texts]
    items += [frame("output_text.annotation.added", annotation=odd), frame("novel", item_id=odd, output_index=odd)]
    answer = Answer(decoder("acme", "m", ""), *items, text_delta("a"), completed(tools=odd, novel=odd, output=None))
    assert (answer.error, answer.text, answer.events[-1]) == (None, "a", Completed("stop"))


class TestAnItemOfAnotherType:
    @pytest.mark.parametrize(
        "item_type", ["local_shell_call", "apply_patch_call", "novel_call", "mcp_approval_request"]
    )
    def test_that_asks_the_application_for_something_fails_the_answer(self, item_type: str) -> None:
        answer = decode(text_delta("a"), item("done", item_type), completed())
        failed = answer.events[-1]
        assert isinstance(failed, Failed)
        assert repr(item_type) in failed.message

    @pytest.mark.parametrize("item_type", ["web_search_call", "mcp_call", "compaction", "program_output"])
    def test_is_left_out_if_it_is_the_provider_s_own_work(self, item_type: str) -> None:
        answer = decode(item("done", item_type), text_delta("a"), completed())
        assert answer.events == [TextDelta("a"), Completed("stop")]
