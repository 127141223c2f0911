"""`useObject` of the AI SDK 4 to 7 on a page without a browser, and /ai/object over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import RECIPE, SCHEMA
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Ended, Hang, Pause, Reasoning, ToolCall, anthropic_wire, cuts, openai_wire

DOCUMENT = json.dumps(RECIPE, ensure_ascii=False)
PIECES = (DOCUMENT[:12], DOCUMENT[12:30], DOCUMENT[30:])


@pytest.fixture(params=["4", "5", "6", "7"])
def hooks(request: pytest.FixtureRequest, hooks_of: Callable[[str], Node]) -> Node:
    return hooks_of(request.param)


def submit(hooks: Node, ai: Service, model: str, **options: Any) -> dict[str, Any]:
    given = {"prompt": "Tea?", "model": f"openai/{model}", "schema": SCHEMA}
    result: dict[str, Any] = hooks.do("object", base=ai.url, schema=SCHEMA, **{"input": given, **options})
    return result


def post(ai: Service, body: Any, path: str = "/ai/object") -> Answer:
    return send(ai.url + path, body)


class TestUseObject:
    def test_grows_to_the_whole_document(self, ai, upstream, hooks) -> None:
        script = openai_wire.answer(Pause(0.12), PIECES[0], Pause(0.12), Reasoning("hm"), *PIECES[1:])
        upstream.answer("recipe", cuts.cut(script, 1))
        result = submit(hooks, ai, "recipe")
        assert (result["object"], result["error"], result["finished"]) == (RECIPE, None, [RECIPE])
        assert result["seen"][0] == {"name": "Te"}

    def test_asks_for_the_schema(self, ai, upstream, hooks) -> None:
        upstream.answer("schema", openai_wire.answer(*PIECES))
        submit(hooks, ai, "schema")
        asked = upstream.requests("schema")[-1].body
        assert asked["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        assert asked["messages"] == [{"role": "user", "content": "Tea?"}]

    def test_takes_a_bare_prompt_and_a_schema_by_its_name(self, ai, upstream, hooks) -> None:
        upstream.answer("unnamed", openai_wire.answer(*PIECES))
        result = submit(hooks, ai, "unnamed", input="Tea?", api=f"{ai.url}/ai/object/recipe")
        assert result["finished"] == [RECIPE]
        asked = upstream.requests("unnamed")[-1].body
        assert asked["response_format"]["json_schema"] == {"name": "recipe", "schema": SCHEMA}
        assert asked["messages"] == [{"role": "user", "content": "Tea?"}]

    def test_never_finishes_where_the_model_fails(self, ai, upstream, hooks) -> None:
        upstream.answer("failing", openai_wire.answer(PIECES[0], openai_wire.error_frame()))
        result = submit(hooks, ai, "failing")
        assert result["error"]
        assert result["finished"] == []

    def test_never_finishes_where_the_document_is_cut(self, ai, upstream, hooks) -> None:
        upstream.answer("cut", openai_wire.answer(*PIECES[:2], finish="length"))
        result = submit(hooks, ai, "cut")
        assert result["error"]
        assert result["finished"] == []

    def test_never_finishes_where_the_document_does_not_fit(self, ai, upstream, hooks) -> None:
        upstream.answer("unfit", openai_wire.answer('{"name": "Tea", "steps": "boil"}'))
        result = submit(hooks, ai, "unfit")
        assert result["error"]
        assert result["finished"] == []

    def test_gets_the_document_without_what_a_model_says_around_it(self, ai, upstream, hooks) -> None:
        upstream.answer("fenced", openai_wire.answer("Here it is:\n```json\n", *PIECES, "\n```\nEnjoy!"))
        result = submit(hooks, ai, "fenced")
        assert (result["object"], result["error"], result["finished"]) == (RECIPE, None, [RECIPE])

    def test_grows_too_where_it_is_the_input_of_a_tool(self, ai, upstream, hooks) -> None:
        script = anthropic_wire.answer(Reasoning("hm"), ToolCall("c1", "answer", PIECES), finish="tool_use")
        upstream.answer("form", cuts.cut(script, 1))
        given = {"prompt": "Tea?", "model": "anthropic/form", "schema": SCHEMA}
        result = submit(hooks, ai, "form", input=given)
        assert (result["object"], result["error"], result["finished"]) == (RECIPE, None, [RECIPE])
        asked = upstream.requests("form")[-1].body
        assert [(tool["name"], tool["input_schema"]) for tool in asked["tools"]] == [("answer", SCHEMA)]
        assert asked["tool_choice"]["name"] == "answer"

    @pytest.mark.parametrize(
        "script",
        [
            anthropic_wire.answer(ToolCall("c1", "answer", ('{"name": "Tea"}',)), finish="tool_use"),
            anthropic_wire.answer(ToolCall("c1", "answer", PIECES[:2]), finish="max_tokens"),
            anthropic_wire.answer("I would rather not."),
        ],
        ids=["misfit", "cut", "none"],
    )
    def test_never_finishes_where_the_tool_s_input_is_no_answer(self, ai, upstream, hooks, script) -> None:
        upstream.answer("deform", script)
        result = submit(hooks, ai, "deform", input={"prompt": "Tea?", "model": "anthropic/deform", "schema": SCHEMA})
        assert result["error"]
        assert result["finished"] == []

    def test_stops_the_model(self, ai, upstream, hooks) -> None:
        name = f"object-stop-{id(hooks)}"
        upstream.answer(name, openai_wire.answer(PIECES[0], Hang()))
        result = submit(hooks, ai, name, stopAt="T")
        assert upstream.ended(name).ended is Ended.ABORTED
        assert (result["error"], result["finished"]) == (None, [])

    def test_shows_why_it_was_refused(self, service, upstream, hooks) -> None:
        upstream.answer("refused", openai_wire.error(400))
        assert submit(hooks, service, "refused")["error"].startswith("openai ")


class TestRequest:
    def test_with_messages_is_asked_as_a_conversation(self, ai, upstream) -> None:
        upstream.answer("conversing", openai_wire.answer("{}"))
        turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        answer = post(ai, {"messages": turns, "system": "JSON!", "model": "openai/conversing"})
        assert (answer.status, answer.json) == (200, {})  # there may be spaces before it
        asked = upstream.requests("conversing")[-1].body
        assert [turn["role"] for turn in asked["messages"]] == ["system", "user", "assistant"]
        assert asked["response_format"] == {"type": "json_object"}

    @pytest.mark.parametrize(
        ("body", "path", "status", "says"),
        [
            ({"schema": SCHEMA}, "/ai/object", 400, "prompt and messages are both missing"),
            ({"prompt": "a", "messages": []}, "/ai/object", 400, "both missing or both present"),
            ({"prompt": "a", "topic": "b"}, "/ai/object", 400, "topic"),
            ({"messages": [{"role": "user", "content": 1}]}, "/ai/object", 400, "`messages[0].content`"),
            ({"prompt": "a", "schema": SCHEMA}, "/ai/object/recipe", 400, "the URL names the schema 'recipe'"),
            ("a", "/ai/object/soup", 404, "No schema 'soup' is configured"),
            ([], "/ai/object", 400, "The body is invalid"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, ai, body, path, status, says) -> None:
        answer = post(ai, body, path)
        assert answer.status == status
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert says in answer.body.decode()
