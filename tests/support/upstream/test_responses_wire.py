"""The wire of the Responses API, held against the SDK: its types, and its reading of answers, odd ones and cut ones."""

from __future__ import annotations

import json
from typing import get_args

import openai
import pytest
from openai.types.responses import ResponseStreamEvent

from tests.support.upstream import (
    Chunk,
    Reasoning,
    Refusal,
    Tokens,
    ToolCall,
    Upstream,
    cuts,
    faults,
    oddities,
    responses_wire,
)

CALL_OF = ("weather", ('{"city":', ' "Zürich"}'))
CALL = ToolCall("call_1", *CALL_OF)
KINDS = {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(ResponseStreamEvent)[0])}
PIECES = (Reasoning("Hm"), Reasoning("."), "Let me", " see.", CALL, ToolCall("call_2", *CALL_OF))


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def client(upstream):
    with openai.OpenAI(base_url=upstream.url + "/v1", api_key="x", max_retries=0, timeout=5) as client:
        yield client


def heard(client, name):
    return list(client.responses.create(model=name, input="Hi", stream=True))


def bodies(script):
    frames = script.body.decode().split("\n\n")[:-1]
    return [json.loads(frame.partition("data: ")[2]) for frame in frames]


class TestFrames:
    @pytest.mark.parametrize(
        "script",
        [
            responses_wire.answer(*PIECES, usage=Tokens(9, 2, 4, 1)),
            responses_wire.answer(Refusal("No"), Refusal(".")),
            responses_wire.answer("cut", finish="max_output_tokens"),
            responses_wire.failing_after(1),
            responses_wire.failing_after(1, responses_wire.failed("no", "invalid_prompt")),
        ],
        ids=["items", "refusal", "incomplete", "error", "failed"],
    )
    def test_are_of_the_sdk_s_types(self, script) -> None:
        for body in bodies(script):
            KINDS[body["type"]].model_validate_json(json.dumps(body), strict=True)

    def test_stand_where_faults_are_named_after_them(self) -> None:
        here = faults.places(responses_wire, responses_wire.PING)
        assert here["after a delta"].body.endswith(responses_wire.text("Hello").data + responses_wire.PING.data)
        assert b'"Hello"' not in here["before its first delta"].body
        assert sum(step.deltas for step in here["after all deltas"].steps if isinstance(step, Chunk)) == 2


class TestTheSDK:
    def test_reads_items_in_their_order_with_their_usage(self, upstream, client) -> None:
        upstream.answer("items", responses_wire.answer(*PIECES, usage=Tokens(9, 2, 4, 1)))
        with client.responses.stream(model="items", input="Hi") as stream:
            response = stream.get_final_response()
        reasoning, text, *calls = response.output
        assert (reasoning.summary[0].text, text.content[0].text) == ("Hm.", "Let me see.")
        assert [json.loads(call.arguments) for call in calls] == [{"city": "Zürich"}] * 2
        assert (response.usage.input_tokens_details.cached_tokens, response.usage.total_tokens) == (4, 11)
        assert upstream.ended("items").deltas_sent == 8

    def test_reads_the_same_answer_as_one_object(self, upstream, client) -> None:
        upstream.answer("whole", responses_wire.answer("Hello", " world", CALL))
        whole = client.responses.create(model="whole", input="Hi")
        assert (whole.output_text, whole.status) == ("Hello world", "completed")

    def test_hears_of_an_error_after_the_deltas(self, upstream, client) -> None:
        upstream.answer("failing", responses_wire.failing_after(2))
        *_, delta, error = heard(client, "failing")
        assert (delta.delta, error.type, error.code) == ("1 ", "error", "server_error")

    @pytest.mark.parametrize("name", sorted(oddities.odd(responses_wire).keys() - {"a character cut in half"}))
    def test_reads_odd_answers(self, upstream, client, name) -> None:
        upstream.answer(name, oddities.odd(responses_wire)[name])
        deltas = [event.delta for event in heard(client, name) if event.type == "response.output_text.delta"]
        assert "".join(deltas) == oddities.TEXT

    def test_reads_an_answer_cut_anywhere(self, upstream, client) -> None:
        every = [one for _, one in cuts.every_cut(responses_wire.answer("wörld"))][::40]
        upstream.answer("cut", every)
        for _ in every:
            assert heard(client, "cut")[-1].response.output_text == "wörld"
