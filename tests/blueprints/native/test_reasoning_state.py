"""Reasoning that a provider wants back: a client of this service's own protocol stores one text and returns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.reader import QUESTION, Answer, ask, send
from tests.support.reasoning_answers import CALL, CONFIG, FORMS, RESULTS, TOOLS, Form, chat, returned
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire, responses_wire

WIRES = {"chat": openai_wire, "resp": responses_wire, "claude": anthropic_wire, "moon": anthropic_wire}

CHAINS = """
[models.chain{n}]
chain = ["chat/first{n}", "other/second{n}"]
retries = 0
on_divergence = "restart"
"""


@pytest.fixture(scope="module")
def native(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config = tmp_path_factory.mktemp("native") / "headrace.toml"
    config.write_text(CONFIG.format(url=upstream.url) + "".join(CHAINS.format(n=n) for n in range(5)))
    with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789") as running:
        yield running


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, upstream: Upstream) -> Form:
    found = FORMS[request.param]
    upstream.answer("thinking", [found.script, WIRES[found.provider].answer("ok")])
    return found


def answer_turn(form: Form, state: str | None, text: str = "Well. It is.") -> list[dict[str, Any]]:
    """Return an answer with its calls and what a client sends after it."""
    calls = [{"id": call.get("call_id", call["id"]), "name": "find", "arguments": {}} for call in form.calls]
    turn = {"role": "assistant", "content": text, "tool_calls": calls}
    return [{**turn, **({} if state is None else {"reasoning_state": state})}, *RESULTS[: len(calls)]]


def follow(service: Service, form: Form, state: str | None, model: str = "", text: str = "Well. It is.") -> Answer:
    messages = [*QUESTION, *answer_turn(form, state, text), *([] if form.calls else QUESTION)]
    return ask(service.url, model or f"{form.provider}/thinking", messages=messages, tools=TOOLS)


def state_of(answer: Answer) -> str:
    (frame,) = answer.named("reasoning_state")
    assert list(frame) == ["reasoning_state"]
    return frame["reasoning_state"]


def last_body(upstream: Upstream, name: str = "thinking") -> Any:
    return upstream.requests(name)[-1].body


class TestASecondTurn:
    def test_has_what_the_answer_of_the_first_gave(self, native: Service, upstream: Upstream, form: Form) -> None:
        first = ask(native.url, f"{form.provider}/thinking", tools=TOOLS)
        assert (first.status, first.text, first.is_done) == (200, "Well. It is.", True)
        names = [name for name, _ in first.frames]
        assert names.index("reasoning_state") < names.index("usage")
        assert follow(native, form, state_of(first)).status == 200
        wanted, calls = returned(form, last_body(upstream))
        assert wanted == form.wanted
        if form.provider == "chat":
            assert calls == list(form.calls)

    def test_has_it_after_a_whole_answer_and_after_a_resumed_one(
        self, native: Service, upstream: Upstream, form: Form
    ) -> None:
        upstream.answer("thinking", form.script)
        model = f"{form.provider}/thinking"
        streamed = state_of(ask(native.url, model, tools=TOOLS))
        assert ask(native.url, model, tools=TOOLS, stream=False).json["reasoning_state"] == streamed
        resumable = ask(native.url, model, tools=TOOLS, resumable=True)
        url = f"{native.url}/api/streams/{resumable.headers['headrace-stream-id']}"
        assert state_of(resumable) == state_of(send(url, method="GET")) == streamed
        assert send(url, method="GET").body == resumable.body
        after_two = send(url, method="GET", headers={"Last-Event-ID": "2"})
        assert state_of(after_two) == streamed

    def test_without_it_has_nothing_of_it(self, native: Service, upstream: Upstream, form: Form) -> None:
        ask(native.url, f"{form.provider}/thinking", tools=TOOLS)
        assert follow(native, form, None).status == 200
        assert returned(form, last_body(upstream))[0] == ({} if form.provider == "chat" else [])

    def test_with_partials_has_it_too(self, native: Service, upstream: Upstream, form: Form) -> None:
        first = ask(native.url, f"{form.provider}/thinking", tools=TOOLS, partials=True)
        follow(native, form, state_of(first))
        assert returned(form, last_body(upstream))[0] == form.wanted


class TestAnotherProvider:
    @pytest.mark.parametrize("other", ["chat/another", "other/thinking", "resp/thinking", "claude/thinking"])
    def test_or_model_gets_nothing_of_it(self, native: Service, upstream: Upstream, form: Form, other: str) -> None:
        state = state_of(ask(native.url, f"{form.provider}/thinking", tools=TOOLS))
        provider, name = other.split("/")
        if other == f"{form.provider}/thinking":
            return
        upstream.answer(name, WIRES.get(provider, openai_wire).answer("ok"))
        assert follow(native, form, state, other).text == "ok"
        body = str(last_body(upstream, name))
        for secret in ("Hm.", "gAAAA", "signature", "extra_content", "OPAQUE", "reasoning", state[:50]):
            assert secret not in body

    def test_that_passes_nothing_on_makes_and_takes_none(self, native: Service, upstream: Upstream) -> None:
        upstream.answer("thinking", [FORMS["openrouter, openai"].script, openai_wire.answer("ok")])
        assert ask(native.url, "closed/thinking").named("reasoning_state") == []

    def test_explicit_reasoning_goes_where_the_state_does_not(self, native: Service, upstream: Upstream) -> None:
        form = FORMS["deepseek"]
        upstream.answer("thinking", form.script)
        state = state_of(ask(native.url, "chat/thinking"))
        parts = [{"type": "reasoning", "text": "Other."}, {"type": "text", "text": "Well. It is."}]
        messages = [*QUESTION, {"role": "assistant", "content": parts, "reasoning_state": state}, *QUESTION]
        for model, reasoning in (("chat/thinking", "Hm."), ("other/thinking", "Other.")):
            ask(native.url, model, messages=messages)
            assert last_body(upstream)["messages"][1]["reasoning_content"] == reasoning


class TestAChain:
    def test_gives_it_to_the_model_that_made_it(self, native: Service, upstream: Upstream) -> None:
        form = FORMS["deepseek"]
        upstream.answer("first0", [form.script, openai_wire.error(503)])
        upstream.answer("second0", openai_wire.answer("ok"))
        state = state_of(ask(native.url, "chain0"))
        assert follow(native, form, state, "chain0").text == "ok"
        assert returned(form, last_body(upstream, "first0"))[0] == form.wanted
        assert returned(form, last_body(upstream, "second0"))[0] == {}

    def test_whose_second_model_goes_on_has_none(self, native: Service, upstream: Upstream) -> None:
        broken = openai_wire.failing_after(6)
        upstream.answer("first1", broken)
        rest = "".join(f"{n} " for n in range(6)) + "and so on."
        upstream.answer("second1", chat({"reasoning_content": "Hm."}, {"content": rest}))
        answer = ask(native.url, "chain1")
        assert (answer.text, answer.is_done) == (rest, True)
        assert answer.named("reasoning_state") == []

    def test_whose_second_model_begins_anew_has_that_of_the_second(self, native: Service, upstream: Upstream) -> None:
        form = FORMS["deepseek"]
        upstream.answer("first2", [openai_wire.failing_after(6), openai_wire.answer("ok")])
        upstream.answer("second2", [form.script, openai_wire.answer("ok")])
        answer = ask(native.url, "chain2")
        assert len(answer.named("restart")) == 1
        state = state_of(answer)
        follow(native, form, state, "other/second2")
        assert returned(form, last_body(upstream, "second2"))[0] == form.wanted
        follow(native, form, state, "chat/first2")
        assert returned(form, last_body(upstream, "first2"))[0] == {}


class TestAnAnswer:
    @pytest.mark.parametrize("provider", ["chat", "resp", "claude", "moon"])
    def test_without_reasoning_has_no_state(self, native: Service, upstream: Upstream, provider: str) -> None:
        upstream.answer("plain", WIRES[provider].answer("Well."))
        assert ask(native.url, f"{provider}/plain").named("reasoning_state") == []
        assert "reasoning_state" not in ask(native.url, f"{provider}/plain", stream=False).json

    def test_that_broke_off_has_no_state(self, native: Service, upstream: Upstream) -> None:
        upstream.answer("broken", openai_wire.failing_after(3))
        answer = ask(native.url, "chat/broken")
        assert (answer.named("reasoning_state"), len(answer.named("error"))) == ([], 1)

    def test_has_its_numbers_as_they_were_written(self, native: Service, upstream: Upstream) -> None:
        details = b'[{"type":"x","n":0.50,"m":9007199254740993}]'
        written = b'data: {"choices":[{"index":0,"delta":{"reasoning_details":%b}}]}\n\n' % details
        frames = [openai_wire.HEAD, openai_wire.Chunk(written), *chat({"content": "Well. It is."}).steps[1:]]
        upstream.answer("exact", [openai_wire.script(*frames), openai_wire.answer("ok")])
        state = state_of(ask(native.url, "chat/exact"))
        follow(native, FORMS["deepseek"], state, "chat/exact")
        (detail,) = last_body(upstream, "exact")["messages"][1]["reasoning_details"]
        assert detail == {"type": "x", "n": 0.5, "m": 9007199254740993}

    @pytest.mark.parametrize("fields", [{}, {"resumable": True}, {"stream": False}])
    def test_may_have_a_large_one(self, native: Service, upstream: Upstream, fields: dict[str, Any]) -> None:
        reasoning = "".join(f"{number} " for number in range(55_000))
        upstream.answer("large", [chat({"reasoning_content": reasoning}, {"content": "Well. It is."})] * 2)
        answer = ask(native.url, "chat/large", **fields)
        state = answer.json["reasoning_state"] if "stream" in fields else state_of(answer)
        assert 400_000 < len(state) < 512 * 1024
        assert follow(native, FORMS["deepseek"], state, "chat/large").status == 200
        assert last_body(upstream, "large")["messages"][1]["reasoning_content"] == reasoning

    def test_whose_reasoning_is_too_long_has_no_state(self, native: Service, upstream: Upstream) -> None:
        upstream.answer("long", chat({"reasoning_content": "x" * 400_000}, {"content": "Well."}))
        answer = ask(native.url, "chat/long")
        assert (answer.is_done, answer.named("reasoning_state")) == (True, [])

    def test_that_is_a_document_has_one_as_well(self, native: Service, upstream: Upstream) -> None:
        upstream.answer(
            "document", [chat({"reasoning_content": "Hm."}, {"content": '{"a": 1}'}), openai_wire.answer("ok")]
        )
        answer = ask(native.url, "chat/document", schema={"type": "object"})
        assert answer.is_done
        follow(native, FORMS["deepseek"], state_of(answer), "chat/document")
        assert last_body(upstream, "document")["messages"][1]["reasoning_content"] == "Hm."

    def test_can_be_read_in_every_protocol(self, native: Service, upstream: Upstream) -> None:
        upstream.answer("thinking", FORMS["openrouter, anthropic"].script)
        answer = ask(native.url, "chat/thinking", tools=TOOLS, resumable=True)
        for protocol in ("openai", "openai-responses", "anthropic", "ui-messages", "data-v1", "text"):
            url = f"{native.url}/api/streams/{answer.headers['headrace-stream-id']}?protocol={protocol}"
            read = send(url, method="GET")
            assert (read.status, b"It is." in read.body) == (200, True)
            assert state_of(answer).encode() not in read.body


@pytest.mark.parametrize("n", range(3))
def test_calls_of_consecutive_answers_keep_their_own(native: Service, upstream: Upstream, n: int) -> None:
    """Consecutive answers become one message, with the calls of all."""
    states = []
    for number in ("1", "2"):
        call = {**CALL, "id": f"c{number}", "extra_content": {"s": number}}
        upstream.answer(f"twice{n}", [chat({"tool_calls": [{"index": 0, **call}]}, finish="tool_calls")])
        states.append(state_of(ask(native.url, f"chat/twice{n}", tools=TOOLS)))
    upstream.answer(f"twice{n}", openai_wire.answer("ok"))
    turns = [
        {
            "role": "assistant",
            "tool_calls": [{"id": f"c{m}", "name": "find", "arguments": {}}],
            "reasoning_state": state,
        }
        for m, state in enumerate(states, 1)
    ]
    ask(native.url, f"chat/twice{n}", tools=TOOLS, messages=[*QUESTION, *turns, *RESULTS])
    calls = last_body(upstream, f"twice{n}")["messages"][1]["tool_calls"]
    assert [call["extra_content"] for call in calls] == [{"s": "1"}, {"s": "2"}]
