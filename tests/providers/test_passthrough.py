"""What of a request reaches a provider: as it came, translated, left out, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from flask_headrace.providers.chat_request import ChatRequest, ImagePart, Message, ResponseFormat, Tool
from flask_headrace.providers.passthrough import (
    Passthrough,
    effort_of,
    ignored,
    missing_features,
    reduced,
    refusal,
    source_for,
)
from flask_headrace.providers.source_request import Family, SourceRequest, SourceTurn

HI = Message("user", "hi")


@dataclass
class Acme:
    """What decides about a provider."""

    family: Family | None = "anthropic"
    passthrough: Passthrough = field(default_factory=Passthrough)
    unsupported_features: frozenset[str] = frozenset()
    name: str = "acme"


def request(
    *,
    family: Family = "anthropic",
    fields: dict[str, Any] | None = None,
    turn: Any = None,
    headers: tuple[tuple[str, str], ...] = (),
    source: dict[str, tuple[str, ...]] | None = None,
    **known: Any,
) -> ChatRequest:
    turns = (SourceTurn((turn or {"role": "user", "content": "hi"},), (HI,)),)
    sent = SourceRequest(family, fields or {}, turns, headers, **(source or {}))
    return ChatRequest("m", (HI,), source=sent, **known)


class TestSource:
    def test_is_for_providers_of_the_same_family_that_take_all(self) -> None:
        asked = request()
        assert source_for(asked, Acme()) is asked.source
        for other in (Acme("openai-chat"), Acme(None), Acme(passthrough=Passthrough(passes_unknown=False))):
            assert source_for(asked, other) is None
        assert source_for(ChatRequest("m", (HI,)), Acme()) is None

    def test_what_nobody_else_knows_is_named_for_the_others(self) -> None:
        asked = request(source={"unread": ("context_management", "tools[4] (web_search)")})
        assert ignored(asked, Acme()) == ()
        assert ignored(asked, Acme("openai-chat")) == ("context_management", "tools[4] (web_search)")

    def test_the_beginning_of_a_long_name_is_enough(self) -> None:
        asked = request(source={"unread": ("x" * 1000,)})
        assert ignored(asked, Acme("openai-chat")) == ("x" * 100,)

    @pytest.mark.parametrize("provider", [Acme("openai-chat"), Acme(passthrough=Passthrough(passes_unknown=False))])
    def test_what_the_question_depends_on_is_refused_where_it_cannot_go(self, provider: Acme) -> None:
        asked = request(source={"essential": ("messages[0].content[1] (video)",)})
        assert refusal(asked, Acme()) is None
        assert "acme cannot be sent messages[0].content[1] (video)" in (refusal(asked, provider) or "")


class TestState:
    def test_of_the_providers_server_is_refused_unless_the_operator_says_otherwise(self) -> None:
        asked = request(source={"state": ("container",)})
        keeping = Passthrough(keeps_state=True)
        assert "container names what a provider's server keeps" in (refusal(asked, Acme()) or "")
        assert refusal(asked, Acme(passthrough=keeping)) is None
        assert refusal(asked, Acme("openai-chat", keeping)) is not None


class TestRefuse:
    @pytest.mark.parametrize(
        "asked",
        [
            request(fields={"web_search_options": {}}),
            request(fields={"tools": [{"type": "web_search_20250305", "name": "w"}]}),
            request(fields={"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]}),
            request(turn={"role": "user", "content": [{"type": "web_search"}]}),
            request(turn={"type": "x", "output": [{"type": "web_search"}]}),
            request(turn={"type": "x", "more": [{"any": {"type": "web_search"}}]}),
            request(fields={"tools": [{"type": "x", "inner": {"tools": [{"type": "Web_Search"}]}}]}),
            request(headers=(("Web_Search", "1"),)),
        ],
    )
    def test_covers_fields_headers_tools_and_parts_in_all_versions(self, asked: ChatRequest) -> None:
        strict = Acme(passthrough=Passthrough(refused=("service_tier", "web_search")))
        assert "is not allowed for models of acme: omit it." in (refusal(asked, strict) or "")
        assert refusal(asked, Acme(passthrough=Passthrough(refused=("web_sear", "search", "earch")))) is None
        assert refusal(asked, Acme()) is None

    @pytest.mark.parametrize(
        "asked",
        [
            request(turn={"role": "assistant", "content": [{"type": "tool_use", "input": {"type": "web_search"}}]}),
            request(fields={"tools": [{"type": "x", "input_schema": {"default": {"type": "web_search"}}}]}),
        ],
    )
    def test_does_not_concern_the_data_of_the_application(self, asked: ChatRequest) -> None:
        assert refusal(asked, Acme(passthrough=Passthrough(refused=("web_search",)))) is None

    def test_concerns_other_families_too_since_it_is_the_operators_word(self) -> None:
        asked = request(family="openai-chat", fields={"service_tier": "priority"})
        assert refusal(asked, Acme(passthrough=Passthrough(refused=("service_tier",)))) is not None


class TestFeatures:
    lacking = Acme(
        "openai-chat",
        unsupported_features=frozenset({"seed", "stop", "images", "response_format", "thinking", "tools"}),
    )

    def test_that_a_request_can_do_without_are_left_out_and_named(self) -> None:
        asked = request(seed=1, stop=("a",), temperature=0.5)
        assert missing_features(asked, self.lacking) == []
        assert ignored(asked, self.lacking) == ("seed", "stop")
        left = reduced(asked, self.lacking)
        assert (left.seed, left.stop, left.temperature) == (None, (), 0.5)

    def test_that_the_meaning_depends_on_are_missed(self) -> None:
        asked = request(response_format=ResponseFormat(None), tools=(Tool("f"),))
        assert missing_features(asked, self.lacking) == ["response_format", "tools"]
        pictured = ChatRequest("m", (Message("user", (ImagePart("data:"),)),), source=asked.source)
        assert missing_features(pictured, self.lacking) == ["images"]

    def test_are_for_the_provider_to_judge_if_it_receives_the_request_as_it_came(self) -> None:
        asked = request(tools=(Tool("f"),))
        assert missing_features(asked, Acme(unsupported_features=frozenset({"tools"}))) == []

    def test_of_the_services_own_protocol_are_all_missed(self) -> None:
        assert missing_features(ChatRequest("m", (HI,), seed=1), self.lacking) == ["seed"]
        assert ignored(ChatRequest("m", (HI,), seed=1), self.lacking) == ()


class TestThinking:
    lacking = Acme("openai-chat", unsupported_features=frozenset({"thinking"}))

    @pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (4096, "low"), (8000, "medium"), (31999, "high")])
    def test_becomes_an_effort(self, budget: int, effort: str) -> None:
        asked = request(thinking={"type": "enabled", "budget_tokens": budget})
        left = reduced(asked, self.lacking)
        assert (left.thinking, left.reasoning_effort) == (None, effort)
        assert ignored(asked, self.lacking) == ()

    def test_does_not_replace_the_effort_that_was_asked_for(self) -> None:
        asked = request(thinking={"type": "enabled", "budget_tokens": 1024}, reasoning_effort="high")
        assert reduced(asked, self.lacking).reasoning_effort == "high"

    @pytest.mark.parametrize("thinking", [{"type": "adaptive"}, {"type": "disabled"}, {"type": "enabled"}, None])
    def test_that_leaves_it_to_the_model_is_no_effort(self, thinking: dict[str, Any] | None) -> None:
        assert effort_of(thinking) is None
