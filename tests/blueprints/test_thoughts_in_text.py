"""Thoughts between tags at the beginning of a text: each client has them as reasoning, whatever the upstream's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.blueprints.reasoning_forms import PROTOCOLS, SCHEMA, ChatCompletions, Messages, Native, Responses
from tests.support.reader import QUESTION, Answer, asking, send
from tests.support.service import Service
from tests.support.upstream import (
    FINISH,
    Close,
    Gate,
    Reasoning,
    ToolCall,
    Upstream,
    anthropic_wire,
    cuts,
    openai_wire,
    responses_wire,
    script,
)

KINDS = {
    "chat": ("openai", "/v1", openai_wire),
    "resp": ("openai-responses", "/v1", responses_wire),
    "ant": ("anthropic", "", anthropic_wire),
}
SETTINGS = {
    "off": ("chat", "think_tags = []"),
    "own": ("chat", 'think_tags = [["<|plan|>", "<|say|>"]]'),
    "opened": ("chat", 'think_in_prompt = ["r1"]'),
}
CHAIN = """
[models.going-on]
chain = ["chat/first", "chat/second"]
continues = ["chat/second"]
retries = 0
[models.repeating]
chain = ["chat/first", "chat/second"]
retries = 0
"""

DRAFT = ("<thi", 'nk>\nmaybe {"mill": ', '"wrong"}?\n</', "think>\n", "\n", '{"mill": "ri', 'ght"}')
THOUGHT = ('maybe {"mill": "wrong"}?', '{"mill": "right"}')


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    def table(name: str, kind: str, more: str = "") -> str:
        api, path, _ = KINDS[kind]
        return f'[upstreams.{name}]\nkind = "{api}"\nbase_url = "{upstream.url}{path}"\n{more}\n'

    tables = [table(kind, kind) for kind in KINDS] + [table(name, *given) for name, given in SETTINGS.items()]
    config: Path = tmp_path_factory.mktemp("thoughts") / "headrace.toml"
    config.write_text(CHAIN + "".join(tables))
    with Service(HEADRACE_CONFIG=str(config)) as running:
        yield running


def ask(service: Service, protocol: Any, model: str, *, stream: bool = True, **fields: Any) -> Answer:
    return send(service.url + protocol.path, {"model": model, "stream": stream, **protocol.body, **fields})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", PROTOCOLS)
class TestEachClientOfEachUpstream:
    @pytest.mark.parametrize("has_schema", [False, True])
    @pytest.mark.parametrize("stream", [True, False])
    def test_has_the_thoughts_as_reasoning_and_no_draft_as_the_answer(
        self, service: Service, upstream: Upstream, path: str, kind: str, has_schema: bool, stream: bool
    ) -> None:
        protocol = PROTOCOLS[path]
        upstream.answer("draft", KINDS[kind][2].answer(*DRAFT))
        answer = ask(service, protocol, f"{kind}/draft", stream=stream, **(protocol.schema if has_schema else {}))
        assert answer.status == 200, answer.body
        told = protocol.streamed(answer) if stream else protocol.whole(answer.json)
        assert told == (THOUGHT if stream or path != Native.path else ("", THOUGHT[1]))

    @pytest.mark.parametrize("text", ["<thinker>right", "right <think>", "<thi", "<"])
    def test_has_what_looks_like_them_as_text(
        self, service: Service, upstream: Upstream, path: str, kind: str, text: str
    ) -> None:
        protocol = PROTOCOLS[path]
        upstream.answer("like", KINDS[kind][2].answer(*text))
        assert protocol.streamed(ask(service, protocol, f"{kind}/like")) == ("", text)
        assert protocol.whole(ask(service, protocol, f"{kind}/like", stream=False).json) == ("", text)

    def test_has_no_reasoning_where_the_thoughts_are_empty(
        self, service: Service, upstream: Upstream, path: str, kind: str
    ) -> None:
        protocol = PROTOCOLS[path]
        upstream.answer("empty", KINDS[kind][2].answer("<think>", "\n\n", "</think>", "\n\n", "right"))
        answer = ask(service, protocol, f"{kind}/empty")
        assert protocol.streamed(answer) == ("", "right")
        assert b"reasoning" not in answer.body.replace(b"reasoning_tokens", b"").replace(b'"reasoning":{', b"")

    def test_has_reasoning_alone_where_they_never_end(
        self, service: Service, upstream: Upstream, path: str, kind: str
    ) -> None:
        protocol = PROTOCOLS[path]
        upstream.answer("endless", KINDS[kind][2].answer("<think>", "maybe"))
        assert protocol.streamed(ask(service, protocol, f"{kind}/endless")) == ("maybe", "")


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_is_the_one_behind_the_thoughts(service: Service, upstream: Upstream, kind: str) -> None:
    upstream.answer("document", KINDS[kind][2].answer('<think>maybe {"mill": "wrong"}?</think>{"mill": "right"}'))
    answer = ask(service, Native(), f"{kind}/document", stream=False, schema=SCHEMA)
    assert answer.json["document"] == {"mill": "right"}
    assert answer.json["usage"]["output_tokens"] == 2


def test_thoughts_that_never_end_are_no_document(service: Service, upstream: Upstream) -> None:
    upstream.answer("undone", openai_wire.answer('<think>maybe {"mill": "wrong"}'))
    answer = ask(service, Native(), "chat/undone", stream=False, schema=SCHEMA)
    assert (answer.status, answer.error["code"]) == (502, "answer_invalid")


def test_the_thoughts_are_sent_while_they_grow_and_the_text_as_it_comes(service: Service, upstream: Upstream) -> None:
    pieces = ["<think>", "may", Gate("be"), "be</think>", Gate("text"), "ri", Gate("end"), "ght"]
    upstream.answer("growing", openai_wire.answer(*pieces))
    with asking(service.url, "chat/growing") as reading:
        reading.until(b'"may"')
        upstream.open_gate("be")
        reading.until(b'"be"')
        upstream.open_gate("text")
        reading.until(b'"ri"')
        upstream.open_gate("end")
        reading.until(b"[DONE]")


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_who_leaves_in_the_thoughts_stops_the_model(service: Service, upstream: Upstream, kind: str) -> None:
    upstream.answer("left-behind", KINDS[kind][2].answer("<think>may", Gate("never")))
    number = len(upstream.requests("left-behind"))
    with asking(service.url, f"{kind}/left-behind") as reading:
        reading.until(b'"may"')
    upstream.closed("left-behind", number)


def test_the_same_at_each_cut_of_the_bytes(service: Service, upstream: Upstream) -> None:
    whole = openai_wire.answer("<think>a</think>b")
    start = whole.body.index(b"<think>")
    for place in range(start, start + len(b"<think>a</think>b")):
        upstream.answer("cut", cuts.cut_at(whole, [place], pause=0.001))
        assert Native().streamed(ask(service, Native(), "chat/cut")) == ("a", "b"), place


class TestAnUpstreamOfTheClientsProtocol:
    """What only the protocol has stays in its place."""

    def test_of_chat_completions_has_the_fields_of_its_chunks(self, service: Service, upstream: Upstream) -> None:
        pieces = ["<think>", "a", "</think>", "b"]
        chunks = [
            openai_wire.frame(
                {
                    "id": "x",
                    "choices": [{"index": 0, "delta": {"content": piece}, "logprobs": {"content": [{"token": piece}]}}],
                }
            )
            for piece in pieces
        ]
        upstream.answer("fields", script(openai_wire.HEAD, *chunks, openai_wire.ending("stop"), FINISH))
        answer = ask(service, ChatCompletions(), "chat/fields", logprobs=True)
        assert ChatCompletions().streamed(answer) == ("a", "b")
        choices = [choice for _, data in answer.frames if data != "[DONE]" for choice in data["choices"]]
        tokens = [token["token"] for choice in choices for token in (choice.get("logprobs") or {}).get("content", ())]
        assert tokens == pieces
        assert [c["logprobs"]["content"][-1]["token"] for c in choices if c["delta"].get("content")] == ["b"]

    def test_of_anthropic_has_the_fields_of_its_message_and_its_text(
        self, service: Service, upstream: Upstream
    ) -> None:
        citation = {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "c"}}
        frames = [
            anthropic_wire.opening(),
            anthropic_wire.block_start(0, {"type": "text", "text": "", "citations": []}),
            anthropic_wire.text("<think>a</think>"),
            anthropic_wire.text("b"),
            anthropic_wire.block_delta(0, citation),
            anthropic_wire.frame("content_block_stop", index=0),
            anthropic_wire.ending("end_turn"),
            anthropic_wire.frame("message_stop"),
        ]
        upstream.answer("cited", script(anthropic_wire.HEAD, *frames, FINISH))
        answer = ask(service, Messages(), "ant/cited")
        assert Messages().streamed(answer) == ("a", "b")
        blocks = [frame["content_block"] for frame in answer.named("content_block_start")]
        assert blocks[1] == {"type": "text", "text": "", "citations": []}
        assert citation in [frame["delta"] for frame in answer.named("content_block_delta")]
        whole = ask(service, Messages(), "ant/cited", stream=False).json
        assert whole["content"][1] == {"type": "text", "text": "b", "citations": [citation["citation"]]}

    def test_of_responses_has_the_item_of_its_message(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("item", responses_wire.answer("<think>a", "</think>", "b"))
        streamed = ask(service, Responses(), "resp/item")
        assert Responses().streamed(streamed) == ("a", "b")
        whole = ask(service, Responses(), "resp/item", stream=False).json
        assert Responses().whole(whole) == ("a", "b")
        sent = Answer(200, {}, responses_wire.answer("b").body).named("response.output_item.added")[0]["item"]["id"]
        for response in (whole, streamed.frames[-1][1]["response"]):
            thoughts, message = response["output"]
            assert (message["id"], thoughts["id"] == sent) == (sent, False)


class TestAnUpstream:
    def test_leaves_the_text_as_it_is_where_its_table_says_so(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("left", openai_wire.answer("<think>a</think>b"))
        assert Native().streamed(ask(service, Native(), "off/left")) == ("", "<think>a</think>b")

    def test_has_the_tags_of_its_table(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("plan", openai_wire.answer("<|plan|>a<|s", "ay|>b"))
        assert Native().streamed(ask(service, Native(), "own/plan")) == ("a", "b")

    def test_whose_prompt_has_the_opening_tag_begins_inside_the_thoughts_of_that_model(
        self, service: Service, upstream: Upstream
    ) -> None:
        for name, expected in (("r1", ("a", "b")), ("v3", ("", "a</think>b"))):
            upstream.answer(name, openai_wire.answer("a", "</think>", "b"))
            assert Native().streamed(ask(service, Native(), f"opened/{name}")) == expected

    def test_that_sends_reasoning_in_a_field_as_well_has_both(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("both", openai_wire.answer(Reasoning("a"), "<think>b</think>c"))
        assert Native().streamed(ask(service, Native(), "chat/both")) == ("ab", "c")

    def test_that_calls_a_tool_inside_a_tag_has_what_came_before_first(
        self, service: Service, upstream: Upstream
    ) -> None:
        for begun, expected in (("<thi", ("", "<thi")), ("<think>a</th", ("a</th", ""))):
            upstream.answer("called", openai_wire.answer(begun, ToolCall("c", "f", ("{}",)), finish="tool_calls"))
            answer = ask(service, Native(), "chat/called", tools=[{"name": "f"}])
            assert Native().streamed(answer) == expected
            names = [name for name, _ in answer.frames]
            assert names.index("tool") > names.index("message" if expected[1] else "reasoning")

    def test_that_breaks_off_inside_a_tag_has_told_what_came(self, service: Service, upstream: Upstream) -> None:
        for begun, expected in (("<thi", ("", "<thi")), ("<think>a</th", ("a</th", ""))):
            upstream.answer("broken", script(openai_wire.HEAD, openai_wire.text(begun), Close()))
            answer = ask(service, Native(), "chat/broken")
            assert Native().streamed(answer) == expected
            assert answer.named("error")


class TestTheNextTurn:
    def test_has_the_thoughts_once(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("again", openai_wire.answer("<think>maybe</think>right"))
        first = ask(service, ChatCompletions(), "chat/again", stream=False).json["choices"][0]["message"]
        messages = [*QUESTION, first, {"role": "user", "content": "sure?"}]
        send(service.url + "/v1/chat/completions", {"model": "chat/again", "messages": messages})
        sent = upstream.requests("again")[-1].body["messages"][1]
        assert (sent["reasoning_content"], sent["content"]) == ("maybe", "right")

    def test_of_a_model_that_goes_on_has_the_text_without_the_thoughts(
        self, service: Service, upstream: Upstream
    ) -> None:
        begun = [openai_wire.text(piece) for piece in ("<think>maybe</think>", "The mill stands by the old ")]
        upstream.answer("first", script(openai_wire.HEAD, *begun, Close()))
        upstream.answer("second", openai_wire.answer("<think>they ", "want more</think>\n", "river."))
        answer = ask(service, Native(), "going-on")
        assert Native().streamed(answer) == ("maybe", "The mill stands by the old river.")
        sent = upstream.requests("second")[-1].body["messages"][-1]
        assert sent == {"role": "assistant", "content": "The mill stands by the old"}
        upstream.answer("second", openai_wire.answer("<think>again", "</think>The mill ", "stands by the old river."))
        assert Native().streamed(ask(service, Native(), "repeating")) == ("maybe", "The mill stands by the old river.")
