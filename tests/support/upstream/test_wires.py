"""Both wires, read by the providers' own SDKs; their odd answers, faults and cuts."""

from __future__ import annotations

import http.client
import json

import anthropic
import httpx2
import openai
import pytest

from tests.support.upstream import (
    Bytes,
    Chunk,
    Close,
    Ended,
    Gate,
    Hang,
    Head,
    Reasoning,
    Refusal,
    Tokens,
    ToolCall,
    Upstream,
    anthropic_wire,
    cuts,
    faults,
    oddities,
    openai_wire,
    plain,
    script,
)
from tests.support.upstream.bare_client import ask, port_of, read_until

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}
CALL = ToolCall("call_1", "weather", ('{"city":', ' "Zürich"}'))
BEYOND_THE_SDKS = {  # complete all the same, by the SSE standard and by what the answer says
    "no [DONE], closed",  # openai's raises, whatever the finish reason said
    "byte order mark",  # anthropic's loses its first event
    "a character cut in half",  # both hand on the halves, which Python does not put together
}
# Some answers close their connection a moment after their end: a request that came in between would be lost.
NO_REUSE = httpx2.Limits(max_keepalive_connections=0)
PROMPT = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def openai_client(upstream):
    own = openai.DefaultHttpxClient(limits=NO_REUSE)
    with openai.OpenAI(base_url=upstream.url + "/v1", api_key="x", max_retries=0, timeout=5, http_client=own) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(upstream):
    own = anthropic.DefaultHttpxClient(limits=NO_REUSE)
    with anthropic.Anthropic(base_url=upstream.url, api_key="x", max_retries=0, timeout=5, http_client=own) as client:
        yield client


def chunks(client, name):
    return list(client.chat.completions.create(model=name, messages=PROMPT, stream=True))


def streamed(client, name):
    with client.messages.stream(model=name, max_tokens=9, messages=PROMPT) as stream:
        return stream.get_final_message()


class TestOpenAI:
    def test_a_stream_has_text_finish_reason_and_usage(self, upstream, openai_client):
        upstream.answer("text", openai_wire.answer("Hello", " world", usage=Tokens(9, 2, cached=4, reasoning=1)))
        *deltas, finish, usage = chunks(openai_client, "text")
        assert [chunk.choices[0].delta.content for chunk in deltas] == ["", "Hello", " world"]
        assert deltas[0].choices[0].delta.role == "assistant"
        assert finish.choices[0].finish_reason == "stop"
        assert usage.choices == []
        assert (usage.usage.prompt_tokens, usage.usage.total_tokens) == (9, 11)
        assert usage.usage.prompt_tokens_details.cached_tokens == 4
        assert usage.usage.completion_tokens_details.reasoning_tokens == 1
        assert upstream.ended("text").ended is Ended.FINISHED
        assert upstream.requests("text")[0].deltas_sent == 2

    def test_a_tool_call_comes_in_pieces(self, upstream, openai_client):
        upstream.answer("tool", openai_wire.answer("Let me see.", CALL, finish="tool_calls"))
        calls = [c.choices[0].delta.tool_calls for c in chunks(openai_client, "tool") if c.choices]
        first, *rest = [call[0] for call in calls if call]
        assert (first.id, first.function.name, first.function.arguments) == ("call_1", "weather", "")
        assert [call.function.arguments for call in rest] == list(CALL.arguments)

    def test_reasoning_and_refusal_are_deltas_of_their_own(self, upstream, openai_client):
        upstream.answer("other", openai_wire.answer(Reasoning("Hm."), Refusal("No.")))
        deltas = [c.choices[0].delta for c in chunks(openai_client, "other") if c.choices]
        assert [getattr(delta, "reasoning_content", None) for delta in deltas][1] == "Hm."
        assert deltas[2].refusal == "No."

    def test_without_stream_the_same_answer_is_one_object(self, upstream, openai_client):
        upstream.answer("whole", openai_wire.answer("Hello", " world", CALL, finish="tool_calls"))
        whole = openai_client.chat.completions.create(model="whole", messages=PROMPT)
        assert whole.choices[0].message.content == "Hello world"
        assert json.loads(whole.choices[0].message.tool_calls[0].function.arguments) == {"city": "Zürich"}
        assert whole.usage.total_tokens == 11

    def test_an_error_in_the_stream_comes_after_the_deltas(self, upstream, openai_client):
        upstream.answer("failing", openai_wire.failing_after(2))
        stream = openai_client.chat.completions.create(model="failing", messages=PROMPT, stream=True)
        assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "0 ", "1 "]
        with pytest.raises(openai.APIError, match="The server had an error"):
            next(stream)

    def test_a_429_tells_when_to_try_again(self, upstream, openai_client):
        upstream.answer("limited", openai_wire.error(429, retry_after=7))
        with pytest.raises(openai.RateLimitError) as caught:
            chunks(openai_client, "limited")
        assert caught.value.response.headers["retry-after"] == "7"
        assert caught.value.code == "rate_limit_exceeded"

    def test_models_can_be_listed_and_set(self, upstream, openai_client):
        upstream.models = ["gpt-a", "gpt-b"]
        assert [model.id for model in openai_client.models.list()] == ["gpt-a", "gpt-b"]

    @pytest.mark.parametrize("name", sorted(oddities.odd(openai_wire).keys() - BEYOND_THE_SDKS))
    def test_odd_answers_are_complete(self, upstream, openai_client, name):
        upstream.answer(name, oddities.odd(openai_wire)[name])
        choices = [chunk.choices[0] for chunk in chunks(openai_client, name) if chunk.choices]
        assert "".join(choice.delta.content or "" for choice in choices) == oddities.TEXT
        assert choices[-1].finish_reason == "stop"
        assert upstream.ended(name).deltas_sent == 3 + (name == "frames after [DONE]")


class TestAnthropic:
    def test_a_stream_has_text_stop_reason_and_usage(self, upstream, anthropic_client):
        upstream.answer("text", anthropic_wire.answer("Hello", " world", usage=Tokens(9, 2, cached=4)))
        message = streamed(anthropic_client, "text")
        assert message.content[0].text == "Hello world"
        assert message.stop_reason == "end_turn"
        assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (5, 4)
        assert message.usage.output_tokens == 2
        assert upstream.ended("text", -1).deltas_sent == 2

    def test_every_kind_of_block_follows_the_one_before(self, upstream, anthropic_client):
        pieces = (Reasoning("Hm"), Reasoning("."), "Let me", " see.", CALL, CALL)
        upstream.answer("blocks", anthropic_wire.answer(*pieces, finish="tool_use"))
        thinking, text, *tools = streamed(anthropic_client, "blocks").content
        assert (thinking.thinking, thinking.signature) == ("Hm.", anthropic_wire.SIGNATURE)
        assert text.text == "Let me see."
        assert [tool.input for tool in tools] == [{"city": "Zürich"}] * 2
        assert upstream.ended("blocks").deltas_sent == 8

    def test_without_stream_the_same_answer_is_one_object(self, upstream, anthropic_client):
        pieces = (Reasoning("Hm."), "Hello", " world", CALL)
        upstream.answer("whole", anthropic_wire.answer(*pieces, finish="tool_use"))
        whole = anthropic_client.messages.create(model="whole", max_tokens=9, messages=PROMPT)
        assert [block.type for block in whole.content] == ["thinking", "text", "tool_use"]
        assert whole.content[1].text == "Hello world"
        assert whole.content[2].input == {"city": "Zürich"}

    @pytest.mark.parametrize("count", [0, 2])
    def test_overloaded_comes_inside_the_stream(self, upstream, anthropic_client, count):
        upstream.answer("overloaded", anthropic_wire.overloaded(count))
        with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
            streamed(anthropic_client, "overloaded")

    @pytest.mark.parametrize("status", faults.STATUSES)
    def test_refusals_are_the_sdk_s_errors(self, upstream, anthropic_client, openai_client, status):
        upstream.answer("refused", anthropic_wire.error(status))
        with pytest.raises(anthropic.APIStatusError, match=anthropic_wire.ERRORS[status][0]) as caught:
            streamed(anthropic_client, "refused")
        assert caught.value.status_code == status
        upstream.answer("refused", openai_wire.error(status))
        with pytest.raises(openai.APIStatusError, match=str(status)):
            chunks(openai_client, "refused")

    def test_models_are_listed_in_its_own_shape(self, upstream, anthropic_client):
        upstream.models = ["claude-a", "claude-b"]
        assert [model.id for model in anthropic_client.models.list(limit=5)] == ["claude-a", "claude-b"]
        assert upstream.requests("GET /v1/models")[-1].path == "/v1/models?limit=5"

    @pytest.mark.parametrize("name", sorted(oddities.odd(anthropic_wire).keys() - BEYOND_THE_SDKS))
    def test_odd_answers_are_complete(self, upstream, anthropic_client, name):
        upstream.answer(name, oddities.odd(anthropic_wire)[name])
        message = streamed(anthropic_client, name)
        assert message.content[0].text == oddities.TEXT
        assert message.stop_reason == "end_turn"


FINITE = {f"{name}: {fault}": s for name, wire in WIRES.items() for fault, s in faults.broken(wire).items()}
REFUSED = {f"{name}: {fault}": s for name, wire in WIRES.items() for fault, s in faults.refusals(wire).items()}
SILENT = {f"{name}: {fault}": s for name, wire in WIRES.items() for fault, s in faults.silent(wire).items()}


class TestFaults:
    @pytest.mark.parametrize("name", WIRES)
    def test_faults_stand_where_their_names_say(self, name):
        wire = WIRES[name]
        whole = wire.answer("Hello", " world")
        here = faults.places(wire, Close())
        assert here["after a delta"].body.endswith(wire.text("Hello").data)
        assert here["in a frame"].body.startswith(here["after a delta"].body)
        assert not here["in a frame"].body.endswith(b"\n\n")
        assert here["after all deltas"].body.endswith(wire.text(" world").data)
        assert b"Hello" not in here["before its first delta"].body
        for place, one in here.items():
            assert one.steps[-1] == Close(), place
            assert whole.body.startswith(one.body), place

    @pytest.mark.parametrize("fault", FINITE)
    def test_broken_answers_are_heard_to_the_point_where_they_break(self, upstream, fault):
        upstream.answer(fault, FINITE[fault])
        with ask(upstream.url, fault) as client:
            if Hang() in FINITE[fault].steps:  # the peer must leave
                client.recv(65536)
            else:
                upstream.ended(fault)
        record = upstream.closed(fault)
        assert (record.ended is Ended.ABORTED) == (Hang() in FINITE[fault].steps)

    @pytest.mark.parametrize("fault", REFUSED)
    def test_refusals_are_whole_responses(self, upstream, fault):
        upstream.answer(fault, REFUSED[fault])
        connection = http.client.HTTPConnection("127.0.0.1", port_of(upstream.url), timeout=5)
        connection.request("POST", "/v1/messages", json.dumps({"model": fault, "stream": True}))
        with connection.getresponse() as response:
            assert response.status == int(fault.split()[1])
            assert len(response.read()) == len(REFUSED[fault].body)
        connection.close()

    @pytest.mark.parametrize("fault", SILENT)
    def test_silent_ones_do_not(self, upstream, fault):
        upstream.answer(fault, SILENT[fault])
        with ask(upstream.url, fault):
            upstream.wait_for(lambda: upstream.requests(fault))
        assert upstream.closed(fault).ended is Ended.ABORTED

    def test_an_endless_answer_ends_after_its_total(self, upstream):
        upstream.answer("endless", faults.endless(openai_wire, 1_000_000))
        with ask(upstream.url, "endless") as client:
            assert 1_000_000 < len(read_until(client, b"\r\n0\r\n\r\n")) < 1_100_000


class TestCuts:
    @pytest.mark.parametrize("name", WIRES)
    @pytest.mark.parametrize("coded", [lambda whole: whole, cuts.raw])
    def test_every_cut_leaves_the_bytes_as_they_are(self, name, coded):
        whole = coded(WIRES[name].answer("Hello", " wörld"))
        joined = b"".join(step.data for step in whole.steps if isinstance(step, (Chunk, Bytes)))
        every = list(cuts.every_cut(whole))
        assert [position for position, _ in every] == list(range(1, len(joined)))
        for position, one in every:
            first, second = (step for step in one.steps if isinstance(step, (Chunk, Bytes)))
            assert (first.data, second.data) == (joined[:position], joined[position:])
            assert first.deltas + second.deltas == 2
            assert (getattr(first, "last", False), getattr(second, "last", True)) == (False, True)

    def test_other_steps_stay_between_the_same_bytes(self):
        whole = script(Head(), Chunk(b"abc", 1), Gate("g"), Chunk(b"de", 1), Chunk(b"f", 1, last=True))
        assert cuts.cut(whole, 2, gate="cut") == script(
            Head(),
            *(Chunk(b"ab"), Gate("cut-2"), Chunk(b"c", 1), Gate("g"), Chunk(b"d")),
            *(Gate("cut-4"), Chunk(b"ef", 2, last=True)),
        )

    def test_pieces_between_gates_arrive_one_by_one(self, upstream):
        upstream.answer("gated", cuts.cut_at(cuts.raw(openai_wire.answer("Hi")), [5, 600], gate="cut"))
        whole = cuts.raw(openai_wire.answer("Hi"))
        expected = b"".join(step.data for step in whole.steps if isinstance(step, Bytes))
        with ask(upstream.url, "gated") as client:
            assert client.recv(65536) == expected[:5]
            upstream.open_gate("cut-5")
            assert read_until(client, expected[590:600]) == expected[5:600]
            upstream.open_gate("cut-600")
            assert read_until(client, b"0\r\n\r\n") == expected[600:]

    def test_the_sdk_reads_an_answer_cut_anywhere(self, upstream, openai_client):
        every = [one for _, one in cuts.every_cut(openai_wire.answer("wörld"))][::5]
        upstream.answer("cut", every)
        for _ in every:
            assert chunks(openai_client, "cut")[1].choices[0].delta.content == "wörld"
        assert upstream.ended("cut", len(every) - 1).attempt == len(every) - 1


def test_a_redirect_leads_where_it_says(upstream, openai_client):
    upstream.answer("moved", [plain.redirect(307, "/v1/chat/completions"), openai_wire.answer("Hello")])
    assert chunks(openai_client, "moved")[1].choices[0].delta.content == "Hello"
    assert len(upstream.requests("moved")) == 2
