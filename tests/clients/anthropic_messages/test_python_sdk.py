"""The official Python SDK with only another base URL."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import pytest
from anthropic.types import Message, RawMessageStreamEvent

from tests.clients.anthropic_messages.answers import CALLED, CALLS, HI, PIECES, PROVIDERS, TEXT, TOOLS, calling, whole
from tests.clients.anthropic_messages.conftest import KEY
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, anthropic_wire, openai_wire, plain

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
ASKED: dict[str, Any] = {"max_tokens": 1024, "messages": HI}


@pytest.fixture(scope="module")
def client(service: Service) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=0)


def is_strict(value: Message | RawMessageStreamEvent) -> bool:
    """Whether the SDK's own model validates an object that the SDK constructed without validation."""
    return bool(type(value).model_validate_json(value.to_json(), strict=True))


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestAnAnswer:
    def test_comes_piece_by_piece(self, service: Service, upstream: Upstream, provider, wire, capsys) -> None:
        upstream.answer("streamed", whole(wire))
        base_url, api_key, model = service.url, "any", f"{provider}/streamed"
        # docs: Anthropic SDK (Python)
        client = anthropic.Anthropic(base_url=base_url, api_key=api_key)
        messages = [{"role": "user", "content": "Hello"}]
        with client.messages.stream(model=model, max_tokens=1024, messages=messages) as stream:
            for text in stream.text_stream:
                print(text, end="", flush=True)
        # end docs
        message = stream.get_final_message()
        assert capsys.readouterr().out == TEXT
        assert (message.content[0].text, message.stop_reason, message.model) == (TEXT, "end_turn", model)
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (6, 3)
        assert message.usage.output_tokens == 4
        assert message.id == "msg_" + stream.response.headers["headrace-stream-id"]

    def test_comes_whole(self, client, upstream, provider, wire) -> None:
        upstream.answer("whole", whole(wire))
        message = client.messages.create(model=f"{provider}/whole", **ASKED)
        assert [block.text for block in message.content] == [TEXT]
        assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("end_turn", 6, 4)
        assert is_strict(message)

    def test_thinks_and_calls_tools(self, client, upstream, provider, wire) -> None:
        upstream.answer("calling", calling(wire))
        signature = anthropic_wire.SIGNATURE if provider == "anthropic" else ""
        asked = {"model": f"{provider}/calling", "tools": TOOLS, **ASKED}
        with client.messages.stream(**asked) as stream:
            events = list(stream)
        for message in (stream.get_final_message(), client.messages.create(**asked)):
            thought, text, *calls = message.content
            assert (thought.type, thought.thinking, thought.signature) == ("thinking", "hm", signature)
            assert text.text == "Well. "
            assert [(call.id, call.name, call.input) for call in calls] == CALLED
            assert message.stop_reason == "tool_use"
        assert [event.partial_json for event in events if event.type == "input_json"] == ['{"q":', ' "ö🌊"}', "{}"]
        assert [event.content_block.type for event in events if event.type == "content_block_stop"] == [
            "thinking",
            "text",
            "tool_use",
            "tool_use",
        ]

    def test_fits_the_sdks_own_schema(self, client, upstream, provider, wire) -> None:
        upstream.answer("strict", calling(wire))
        events = list(client.messages.create(model=f"{provider}/strict", stream=True, tools=TOOLS, **ASKED))
        assert all(is_strict(event) for event in events)
        assert (events[0].type, events[-1].type) == ("message_start", "message_stop")

    def test_ends_as_its_provider_says(self, client, upstream, provider, wire) -> None:
        # One that says that it calls a tool, and does not, has just ended.
        for finish, stop_reason in zip(wire.FINISHES, ("end_turn", "max_tokens", "end_turn", "refusal"), strict=True):
            upstream.answer("ended", wire.answer("ok", finish=finish))
            with client.messages.stream(model=f"{provider}/ended", **ASKED) as stream:
                assert stream.get_final_message().stop_reason == stop_reason

    def test_comes_to_the_async_client_too(self, service, upstream, provider, wire) -> None:
        upstream.answer("async", whole(wire))

        async def read() -> tuple[list[str], str]:
            async with anthropic.AsyncAnthropic(base_url=service.url, api_key="any") as client:
                async with client.messages.stream(model=f"{provider}/async", **ASKED) as stream:
                    texts = [text async for text in stream.text_stream]
                whole = await client.messages.create(model=f"{provider}/async", **ASKED)
                return texts, whole.content[0].text

        assert asyncio.run(read()) == (list(PIECES), TEXT)

    def test_that_is_left_stops_the_model(self, client, upstream, provider, wire) -> None:
        upstream.answer("left", wire.answer("one", Gate("never"), "two"))
        before = len(upstream.requests("left"))
        with client.messages.stream(model=f"{provider}/left", **ASKED) as stream:
            assert next(stream.text_stream) == "one"
        assert upstream.closed("left", before).deltas_sent == 1


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestAFailure:
    @pytest.mark.parametrize(
        ("status", "kind", "error_type"),
        [
            (400, anthropic.BadRequestError, "invalid_request_error"),
            (401, anthropic.AuthenticationError, "authentication_error"),
            (403, anthropic.PermissionDeniedError, "permission_error"),
            (404, anthropic.NotFoundError, "not_found_error"),
            (429, anthropic.RateLimitError, "rate_limit_error"),
            (500, anthropic.InternalServerError, "api_error"),
            (529, anthropic.OverloadedError, "overloaded_error"),
        ],
    )
    def test_before_the_first_token_has_its_class(self, client, upstream, provider, wire, status, kind, error_type):
        upstream.answer("refused", wire.error(status))
        for is_streamed in (True, False):
            with pytest.raises(kind) as error:
                client.messages.create(model=f"{provider}/refused", stream=is_streamed, **ASKED)
            assert (error.value.type, error.value.error_code) == (
                error_type,
                error.value.body["error"]["details"]["error_code"],
            )
            assert error.value.api_message.startswith(f"{provider} refused the request with status {status}")

    def test_after_it_is_an_error_and_no_message(self, client, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        seen = []
        with pytest.raises(anthropic.APIStatusError) as error:
            seen.extend(client.messages.create(model=f"{provider}/failing", stream=True, **ASKED))
        with (
            pytest.raises(anthropic.APIStatusError),
            client.messages.stream(model=f"{provider}/failing", **ASKED) as stream,
        ):
            stream.until_done()
        assert stream.current_message_snapshot.content[0].text == "0 1 "
        assert stream.current_message_snapshot.stop_reason is None
        assert error.value.type == ("overloaded_error" if provider == "anthropic" else "api_error")

    def test_that_passes_is_asked_again_by_the_client(self, service, upstream, provider, wire) -> None:
        upstream.answer("recovering", [wire.error(429, retry_after=0), wire.answer("ok")])
        client = anthropic.Anthropic(base_url=service.url, api_key="any", max_retries=1)
        assert client.messages.create(model=f"{provider}/recovering", **ASKED).content[0].text == "ok"


class TestAConversation:
    def test_goes_on_with_what_was_called_and_returned(self, client, upstream) -> None:
        upstream.answer("again", anthropic_wire.answer("ok"))
        upstream.answer("calls", calling(anthropic_wire))
        message = client.messages.create(model="anthropic/calls", tools=TOOLS, **ASKED)
        results = [
            {"type": "tool_result", "tool_use_id": "c1", "content": "found"},
            {"type": "tool_result", "tool_use_id": "c2", "content": [PICTURE], "is_error": True},
        ]
        turns = [*HI, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
        client.messages.create(model="anthropic/again", max_tokens=9, tools=TOOLS, messages=turns, system="Be brief.")
        sent = upstream.requests("again")[-1].body
        assert sent["messages"][1]["content"] == [
            {"type": "thinking", "thinking": "hm", "signature": anthropic_wire.SIGNATURE},
            {"type": "text", "text": "Well. "},
            {"type": "tool_use", "id": "c1", "name": "find", "input": {"q": "ö🌊"}},
            {"type": "tool_use", "id": "c2", "name": "now", "input": {}},
        ]
        assert sent["messages"][2]["content"] == results
        assert (sent["system"], sent["max_tokens"]) == ("Be brief.", 9)
        assert sent["tools"] == TOOLS

    def test_with_one_provider_goes_on_with_the_other(self, client, upstream) -> None:
        upstream.answer("calls", calling(openai_wire))
        message = client.messages.create(model="openai/calls", tools=TOOLS, **ASKED)
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "done"} for call in CALLS]
        turns = [*HI, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
        for provider, wire in PROVIDERS:
            upstream.answer("claude-on", wire.answer("ok"))
            client.messages.create(model=f"{provider}/claude-on", max_tokens=9, tools=TOOLS, messages=turns)
        openai_body, anthropic_body = (request.body for request in upstream.requests("claude-on"))
        assert [turn["role"] for turn in openai_body["messages"]] == ["user", "assistant", "tool", "tool"]
        assert [turn["tool_call_id"] for turn in openai_body["messages"][2:]] == ["c1", "c2"]
        # Thoughts without a signature are not Anthropic's, which would refuse them.
        assert [block["type"] for block in anthropic_body["messages"][1]["content"]] == ["text", "tool_use", "tool_use"]


class TestAQuestion:
    def test_of_a_model_that_nobody_lists_goes_to_anthropic(self, guarded, upstream) -> None:
        client = anthropic.Anthropic(base_url=guarded.url, api_key=KEY, max_retries=0)
        upstream.models = []
        upstream.answer("claude-nobody-lists", anthropic_wire.answer("ok"))
        try:
            message = client.messages.create(model="claude-nobody-lists", **ASKED)
        finally:
            upstream.models = None
        assert message.model == "anthropic/claude-nobody-lists"

    def test_hears_at_which_text_it_has_stopped(self, client, upstream) -> None:
        delta = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
        ending = anthropic_wire.frame("message_delta", delta=delta, usage={"output_tokens": 2})
        upstream.answer("stopping", anthropic_wire.answer("So.", ending, finish=None))
        asked = {"model": "anthropic/stopping", "stop_sequences": ["END"], **ASKED}
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
        for message in (streamed, client.messages.create(**asked)):
            assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")

    def test_for_one_model_is_answered_as_the_list_is(self, client) -> None:
        listed = client.models.list().data[0]
        assert client.models.retrieve(listed.id) == listed
        assert (listed.type, listed.display_name) == ("model", listed.id.partition("/")[2])

    def test_for_thinking_reaches_anthropic_and_is_an_effort_elsewhere(self, client, upstream) -> None:
        upstream.answer("thinker", anthropic_wire.answer("ok"))
        thinking = {"type": "enabled", "budget_tokens": 1024}
        client.messages.create(model="anthropic/thinker", thinking=thinking, **ASKED)
        assert upstream.requests("thinker")[-1].body["thinking"] == thinking
        upstream.answer("gpt-5-thinker", openai_wire.answer("ok"))
        client.messages.create(model="openai/gpt-5-thinker", thinking=thinking, **ASKED)
        assert upstream.requests("gpt-5-thinker")[-1].body["reasoning_effort"] == "low"
        client.messages.create(model="openai/gpt-5-thinker", thinking={"type": "disabled"}, **ASKED)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]}, "at `source`"),
            ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c9"}]}]}, "'c9'"),
            ({"container": "c"}, "container names what a provider's server keeps"),
            ({"messages": []}, "messages is empty"),
            ({"max_tokens": 0}, "max_tokens is 0"),
            ({"extra_body": {"id": "0123456789abcdef"}}, "resumable is not true"),
        ],
    )
    def test_that_cannot_be_passed_on_is_refused_by_name(self, client, fields: dict, says: str) -> None:
        with pytest.raises(anthropic.BadRequestError) as refused:
            client.messages.create(model="anthropic/never-asked", **{**ASKED, **fields})
        assert says in refused.value.api_message
        assert refused.value.type == "invalid_request_error"

    def test_is_counted_where_the_provider_counts(self, client, upstream) -> None:
        upstream.answer("counted", plain.json_body({"input_tokens": 17}))
        counted = client.messages.count_tokens(model="anthropic/counted", messages=HI, tools=TOOLS, system="Be brief.")
        assert counted.input_tokens == 17
        assert upstream.requests("counted")[-1].path == "/v1/messages/count_tokens"

        raw = client.messages.with_raw_response.count_tokens(model="anthropic/counted", messages=HI)
        assert "headrace-estimated" not in raw.headers

    def test_is_estimated_where_it_does_not(self, client, upstream: Upstream) -> None:
        counted = client.messages.with_raw_response.count_tokens(model="openai/gpt", messages=HI)
        longer = client.messages.count_tokens(model="openai/gpt", messages=HI, system="Be brief. " * 40)
        assert counted.headers["headrace-estimated"] == "true"
        assert 0 < counted.parse().input_tokens < longer.input_tokens
        assert longer.input_tokens - counted.parse().input_tokens == 100
        assert upstream.requests("gpt") == []

    @pytest.mark.parametrize("refusal", [plain.html(404), anthropic_wire.error(404, "Not found"), plain.empty(405)])
    def test_is_estimated_where_a_server_of_the_protocol_has_no_such_endpoint(self, client, upstream, refusal) -> None:
        upstream.answer("plain-server", refusal)
        counted = client.messages.with_raw_response.count_tokens(model="anthropic/plain-server", messages=HI)
        assert counted.headers["headrace-estimated"] == "true"

    def test_is_not_estimated_where_the_provider_refuses_the_request(self, client, upstream: Upstream) -> None:
        upstream.answer("unknown", anthropic_wire.error(404, "model: unknown"))
        with pytest.raises(anthropic.NotFoundError):
            client.messages.count_tokens(model="anthropic/unknown", messages=HI)
        upstream.answer("limited", anthropic_wire.error(429))
        with pytest.raises(anthropic.RateLimitError):
            client.messages.count_tokens(model="anthropic/limited", messages=HI)


class TestKeys:
    @pytest.mark.parametrize(
        "key", [{"api_key": KEY}, {"auth_token": KEY}, {"api_key": "x", "default_headers": {"x-api-key": KEY}}]
    )
    def test_let_in_as_the_client_sends_them(self, guarded: Service, upstream: Upstream, key: dict) -> None:
        upstream.answer("let-in", anthropic_wire.answer("ok"))
        client = anthropic.Anthropic(base_url=guarded.url, max_retries=0, **key)
        assert client.messages.create(model="anthropic/let-in", **ASKED).content[0].text == "ok"

    def test_that_are_wrong_are_an_authentication_error(self, guarded: Service) -> None:
        client = anthropic.Anthropic(base_url=guarded.url, api_key="wrong", max_retries=0)
        with pytest.raises(anthropic.AuthenticationError) as refused:
            client.messages.create(model="anthropic/never-asked", **ASKED)
        assert (refused.value.type, refused.value.error_code) == ("authentication_error", "unauthorized")
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.count_tokens(model="anthropic/never-asked", messages=HI)
