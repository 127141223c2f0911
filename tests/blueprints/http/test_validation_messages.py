"""Error messages for an invalid value of an enumeration list the allowed values."""

from __future__ import annotations

import pytest

from tests.support.reader import QUESTION, send
from tests.support.service import Service


def body_with(role: str = "user", content: object = "hi") -> dict[str, object]:
    return {"messages": [{"role": role, "content": content}]}


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (
            "/api/chat",
            body_with("usr"),
            "'usr' - at `messages[0].role`: it must be one of assistant, developer, system, tool, user.",
        ),
        ("/api/chat", body_with(content=[{"type": "txt"}]), "`messages[0].content[0].type`: it must be one of "),
        (
            "/v1/chat/completions",
            {"messages": QUESTION, "tool_choice": "any"},
            "'any' - at `tool_choice`: it must be one of auto, none, required.",
        ),
        (
            "/v1/chat/completions",
            {
                "messages": QUESTION,
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "all", "tools": []}},
            },
            "'all' - at `allowed_tools.mode`: it must be one of auto, required.",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "code"}]}]},
            "'code' - at `messages[0].tool_calls[0].type`: it must be one of custom, function.",
        ),
        (
            "/v1/messages",
            body_with("tool"),
            "'tool' - at `messages[0].role`: it must be one of assistant, system, user.",
        ),
        (
            "/v1/messages",
            {"messages": QUESTION, "tool_choice": {"type": "required"}},
            "'required' - at `tool_choice.type`: it must be one of any, auto, none, tool.",
        ),
        ("/v1/messages", {"messages": QUESTION, "max_tokens": "9"}, "got `str` - at `max_tokens`."),
    ],
)
def test_is_which_ones(service: Service, path: str, body: dict[str, object], says: str) -> None:
    answer = send(service.url + path, body)
    assert answer.status == 400
    assert says in answer.error["message"]
