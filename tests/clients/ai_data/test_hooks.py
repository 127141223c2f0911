"""The React hooks of the AI SDK 5, 6 and 7 beside its UI message stream: `useCompletion`, and plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import PROVIDERS, SCRIPTS
from tests.support.service import Service
from tests.support.upstream import Ended, Hang, Pause, Reasoning, cuts

pytestmark = pytest.mark.parametrize(("provider", "wire"), PROVIDERS)


@pytest.fixture(params=["5", "6", "7"])
def hooks(request: pytest.FixtureRequest, hooks_of: Callable[[str], Node]) -> Node:
    return hooks_of(request.param)


def complete(hooks: Node, ai: Service, model: str, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = hooks.do("completion", base=ai.url, model=model, prompt="hi", **options)
    return result


@pytest.mark.parametrize("is_text", [False, True], ids=["data", "text"])
class TestUseCompletion:
    def test_shows_a_whole_answer(self, ai, upstream, hooks, provider, wire, is_text) -> None:
        script = wire.answer(Pause(0.1), Reasoning("hm"), SCRIPTS[:9], SCRIPTS[9:])
        upstream.answer("scripts", cuts.cut(script, 1))
        result = complete(hooks, ai, f"{provider}/scripts", isText=is_text)
        assert result == {"text": SCRIPTS, "error": None, "finished": [SCRIPTS]}

    def test_stops_the_model(self, ai, upstream, hooks, provider, wire, is_text) -> None:
        name = f"completion-{provider}-{is_text}-{id(hooks)}"
        upstream.answer(name, wire.answer("one ", Hang()))
        result = complete(hooks, ai, f"{provider}/{name}", isText=is_text, stopAt="one")
        assert upstream.ended(name).ended is Ended.ABORTED
        assert result == {"text": "one ", "error": None, "finished": []}

    def test_never_finishes_where_the_model_fails(self, ai, upstream, hooks, provider, wire, is_text) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = complete(hooks, ai, f"{provider}/failing", isText=is_text)
        assert result["finished"] == []
        assert result["error"] if is_text else result["error"].startswith(provider)

    def test_shows_why_it_was_refused(self, service, upstream, hooks, provider, wire, is_text) -> None:
        upstream.answer("refused", wire.error(400))
        assert complete(hooks, service, f"{provider}/refused", isText=is_text)["error"].startswith(provider)


def chat(hooks: Node, ai: Service, model: str, *texts: str, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = hooks.do("chat", base=ai.url, model=model, texts=texts, **options)
    return result


def text_of(message: dict[str, Any]) -> str:
    return "".join(part.get("text", "") for part in message["parts"])


class TestUseChatInPlainText:
    def test_shows_whole_answers_and_sends_them_back(self, ai, upstream, hooks, provider, wire) -> None:
        name = f"chat-{provider}-{id(hooks)}"
        upstream.answer(name, [cuts.cut(wire.answer(SCRIPTS), 1), wire.answer("Sure.")])
        result = chat(hooks, ai, f"{provider}/{name}", "hi", "really?")
        assert [text_of(message) for message in result["messages"]] == ["hi", SCRIPTS, "really?", "Sure."]
        assert (result["status"], result["error"]) == ("ready", None)
        asked = upstream.requests(name)[-1].body["messages"]
        assert [turn["role"] for turn in asked] == ["user", "assistant", "user"]
        assert SCRIPTS[:9] in str(asked[1])

    def test_stops_the_model(self, ai, upstream, hooks, provider, wire) -> None:
        name = f"chat-stop-{provider}-{id(hooks)}"
        upstream.answer(name, wire.answer("one ", Hang()))
        result = chat(hooks, ai, f"{provider}/{name}", "hi", stopAt="one")
        assert upstream.ended(name).ended is Ended.ABORTED
        assert (text_of(result["messages"][-1]), result["status"]) == ("one ", "ready")

    def test_shows_that_the_model_failed(self, ai, upstream, hooks, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        result = chat(hooks, ai, f"{provider}/failing", "hi")
        assert (result["status"], bool(result["error"])) == ("error", True)
