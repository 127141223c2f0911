"""Fields of answers that only providers of chat completions have, as clients of the same protocol receive them."""

from __future__ import annotations

from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from flask_headrace.blueprints.openai_chat.encoder import ChatCompletionEncoder
from flask_headrace.core.events import ProviderEvent, TextDelta
from tests.blueprints.openai_chat.test_same_protocol import TOOLS, ask, chunk, chunks
from tests.support.reader import QUESTION, Answer, send
from tests.support.service import Service
from tests.support.upstream import FINISH, Chunk, Upstream, openai_wire, script

EXTRA = {"extra_content": {"google": {"thought_signature": "SIG"}}}
LOGPROBS = [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []} for token in ("Hel", "lo")]
DONE = Chunk(b"data: [DONE]\n\n")


def accumulated(answer: Answer) -> dict[str, Any]:
    """Return what OpenAI's SDK makes of a stream."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for each in chunks(answer):
        list(state.handle_chunk(ChatCompletionChunk.model_validate(each)))
    return state.get_final_completion().to_dict()


@pytest.fixture
def answers(service: Service, upstream: Upstream):  # a function that returns a streamed and a whole answer
    def both(*frames: Chunk, **fields: Any) -> tuple[list[Any], dict[str, Any]]:
        upstream.answer("fields", script(openai_wire.HEAD, *frames, DONE, FINISH))
        streamed = ask(service, "fields", stream=True, stream_options={"include_usage": True}, **fields)
        whole = ask(service, "fields", **fields).json
        resumable = ask(service, "fields", stream=True, resumable=True, **fields)
        again = f"{service.url}/api/streams/{resumable.headers['headrace-stream-id']}?protocol=openai"
        assert chunks(send(again, method="GET")) == chunks(resumable)
        assert message(accumulated(resumable)) == message(accumulated(streamed)) == message(whole)
        return chunks(streamed), whole

    return both


def message(completion: dict[str, Any]) -> dict[str, Any]:
    """Return the message of a complete answer, without empty fields, which the SDK leaves out or adds."""
    fields = {name: value for name, value in completion["choices"][0]["message"].items() if value}
    for call in fields.get("tool_calls", ()):
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return fields


def deltas(streamed: list[Any]) -> list[Any]:
    return [choice["delta"] for each in streamed for choice in each["choices"]]


STOP = chunk({}, "stop")


class TestAtTheTop:
    def test_names_stand_in_every_chunk(self, answers) -> None:
        tier = {"service_tier": "default", "system_fingerprint": "fp_1", "provider": "Acme"}
        streamed, whole = answers(
            chunk({"role": "assistant", "content": ""}, **tier),
            chunk({"content": "hi"}, **tier),
            chunk({}, "stop", **tier),
        )
        assert [each.items() >= tier.items() for each in streamed] == [False, True, True, True]
        assert whole.items() >= tier.items()

    def test_names_that_change_are_the_new_ones(self, answers) -> None:
        streamed, whole = answers(chunk({"content": "a"}, x_tier="1"), chunk({"content": "b"}, x_tier="2"), STOP)
        assert [each.get("x_tier") for each in streamed] == [None, "1", "2", "2", "2"]
        assert whole["x_tier"] == "2"

    def test_lists_and_objects_come_once_where_they_came(self, answers) -> None:
        cited = {"citations": ["https://a"], "search_results": [{"title": "A"}]}
        streamed, whole = answers(
            chunk({"content": "a"}, **cited), chunk({"content": "b"}, **cited), chunk({}, "stop", x_groq={"id": "r"})
        )
        assert [each.get("citations") for each in streamed] == [None, ["https://a"], None, None, None, None]
        assert streamed[3]["x_groq"] == {"id": "r"}
        assert whole.items() >= {**cited, "x_groq": {"id": "r"}}.items()

    def test_a_chunk_without_choices_is_told(self, service, upstream) -> None:
        found = Chunk(b'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n')
        upstream.answer("filtered", script(openai_wire.HEAD, found, chunk({"content": "hi"}), STOP, DONE, FINISH))
        streamed = chunks(ask(service, "filtered", stream=True))
        assert [each.get("prompt_filter_results") for each in streamed] == [None, [{"prompt_index": 0}], None, None]
        assert [bool(each["choices"]) for each in streamed] == [True] * 4


class TestInTheChoice:
    def test_logprobs_stand_beside_their_text(self, answers) -> None:
        pieces = [chunk({"content": each["token"]}, choice={"logprobs": {"content": [each]}}) for each in LOGPROBS]
        streamed, whole = answers(*pieces, STOP)
        told = [each["choices"][0] for each in streamed if each["choices"]]
        assert [(choice["delta"], choice.get("logprobs")) for choice in told[1:-1]] == [
            ({"content": "Hel"}, {"content": [LOGPROBS[0]]}), ({"content": "lo"}, {"content": [LOGPROBS[1]]})
        ]  # fmt: skip
        assert whole["choices"][0]["logprobs"] == {"content": LOGPROBS}

    def test_the_provider_s_own_reason_comes(self, answers) -> None:
        _, whole = answers(chunk({"content": "hi"}), chunk({}, "stop", choice={"native_finish_reason": "STOP"}))
        assert whole["choices"][0]["native_finish_reason"] == "STOP"


class TestInTheMessage:
    def test_annotations_and_pictures_come(self, answers) -> None:
        cited = [
            {
                "type": "url_citation",
                "url_citation": {"url": "https://a", "title": "A", "start_index": 0, "end_index": 2},
            }
        ]
        images = [{"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,AA=="}}]
        streamed, whole = answers(
            chunk({"content": "hi"}), chunk({"annotations": cited}), chunk({"images": images}), STOP
        )
        assert deltas(streamed)[2:4] == [{"annotations": cited}, {"images": images}]
        assert (message(whole)["annotations"], message(whole)["images"]) == (cited, images)

    def test_signed_reasoning_comes_with_its_pieces_joined(self, answers) -> None:
        def thought(text: str, signature: str | None = None) -> Chunk:
            detail = {"type": "reasoning.text", "text": text, "signature": signature, "index": 0}
            return chunk({"reasoning": text, "reasoning_details": [detail]})

        streamed, whole = answers(thought("I "), thought("think"), thought("", "SIG"), chunk({"content": "hi"}), STOP)
        assert deltas(streamed)[1]["reasoning_content"] == "I "
        assert deltas(streamed)[3] == {"reasoning_details": [
            {"type": "reasoning.text", "text": "", "signature": "SIG", "index": 0}
        ]}  # fmt: skip
        assert message(whole)["reasoning_content"] == "I think"
        assert message(whole)["reasoning_details"] == [
            {"type": "reasoning.text", "text": "I think", "signature": "SIG", "index": 0}
        ]


class TestInACall:
    def test_signatures_stand_in_its_first_piece(self, answers) -> None:
        called = [
            {"index": number, "id": name, "type": "function", "function": {"name": name, "arguments": "{}"}, **extra}
            for number, (name, extra) in enumerate([("f", {}), ("g", EXTRA)])
        ]
        streamed, whole = answers(chunk({"tool_calls": called}), chunk({}, "tool_calls"), tools=TOOLS)
        starts = [call for delta in deltas(streamed) for call in delta.get("tool_calls", ()) if "id" in call]
        assert [call.get("extra_content") for call in starts] == [None, EXTRA["extra_content"]]
        calls = message(whole)["tool_calls"]
        assert [call.get("extra_content") for call in calls] == [None, EXTRA["extra_content"]]

    def test_signatures_that_come_late_are_told(self, answers) -> None:
        first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}}
        second = {"index": 0, "function": {"arguments": "}"}, **EXTRA}
        _, whole = answers(
            chunk({"tool_calls": [first]}), chunk({"tool_calls": [second]}), chunk({}, "tool_calls"), tools=TOOLS
        )
        assert message(whole)["tool_calls"][0]["extra_content"] == EXTRA["extra_content"]


class TestInTheUsage:
    def test_the_provider_s_other_counts_come(self, answers) -> None:
        usage = {
            "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "is_byok": False, "cost": 0.5,
            "completion_tokens_details": {"reasoning_tokens": 1, "accepted_prediction_tokens": 2},
        }  # fmt: skip
        streamed, whole = answers(chunk({"content": "hi"}), STOP, chunk(None, None, usage=usage))
        for told in (streamed[-1]["usage"], whole["usage"]):
            assert (told["prompt_tokens"], told["is_byok"], told["estimated"]) == (9, False, False)
            assert told["completion_tokens_details"] == {"reasoning_tokens": 1, "accepted_prediction_tokens": 2}


@pytest.mark.parametrize("endpoint", ["/v1/messages", "/v1/responses", "/api/chat"])
def test_other_protocols_do_without(service: Service, upstream: Upstream, endpoint: str) -> None:
    frames = [chunk({"content": "hi", "vendor": "VENDOR"}, system_fingerprint="VENDOR"), STOP]
    upstream.answer("foreign", script(openai_wire.HEAD, *frames, DONE, FINISH))
    said = {"input": "hi"} if endpoint == "/v1/responses" else {"messages": QUESTION}
    body = {"model": "openai/foreign", "stream": True, **said, **({"max_tokens": 9} if "messages" in endpoint else {})}
    answer = send(service.url + endpoint, body)
    assert answer.status == 200
    assert b"VENDOR" not in answer.body


@pytest.mark.parametrize("first", [None, 1])
def test_fields_wait_for_a_chunk_that_comes_later(first: int | None) -> None:
    encoder = ChatCompletionEncoder("s1", "acme/tiny", 1)
    part = ProviderEvent("openai-chat", "part", '{"x_list":[1],"choices":[{"score":0.50,"delta":{"vendor":1}}]}')
    assert encoder.encode([part], first) == b""
    written = encoder.encode([TextDelta("a")], first and first + 1)
    assert b'{"index":0,"delta":{"content":"a","vendor":1},"finish_reason":null,"score":0.50}' in written
    assert b'"x_list":[1]' in written
    assert b"x_list" not in encoder.encode([TextDelta("b")], first and first + 2)
