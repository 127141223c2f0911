"""GitHub Copilot CLI with a provider of one's own, over each protocol that it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import brings_thoughts_back, does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC, CHAT, KINDS, RESPONSES, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream

PROTOCOLS = {  # the words that the settings of each have in place of the documented ones
    CHAT.name: {"MODEL_ID=gpt-5-mini": "MODEL_ID=gpt-5.4"},
    RESPONSES.name: {"=completions": "=responses", "MODEL_ID=gpt-5-mini": "MODEL_ID=gpt-5.4"},
    ANTHROPIC.name: {"TYPE=openai": "TYPE=anthropic", "MODEL_ID=gpt-5-mini": "MODEL_ID=claude-opus-4.7"},
}


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    words = {**PROTOCOLS[kind.name], "openai/gpt-5-mini": kind.model}
    if kind is ANTHROPIC:
        words[f"{service.url}/v1"] = service.url
    return Desk(tmp_path, settings("copilot", service.url, words))


def command() -> list[str | Path]:
    return [program("copilot"), "-p", QUESTION, "--allow-all-tools", "--allow-all-paths", "--disable-client-telemetry"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestCopilot:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [
            ("view", {"path": str(desk.note)}),
            ("bash", {"command": "cat note.txt > answer.txt", "description": "Write the word."}),
        ]
        *_, last = does_the_task(upstream, kind, desk, calls, command())
        if kind is ANTHROPIC:
            assert brings_thoughts_back(last)
        if kind is RESPONSES:  # a server of chat completions may know no such tools
            assert "custom" in [tool["type"] for tool in last.body["tools"]]

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())
