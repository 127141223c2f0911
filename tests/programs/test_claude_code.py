"""Claude Code without its screen (`claude -p`), which asks over Anthropic's protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import brings_thoughts_back, does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC, KINDS, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    return Desk(tmp_path, settings("claude-code", service.url, {"openai/gpt-5-mini": kind.model}))


def command() -> list[str | Path]:
    return [program("claude"), "-p", QUESTION, "--dangerously-skip-permissions"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestClaudeCode:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [
            ("Read", {"file_path": str(desk.note)}),
            ("Bash", {"command": "cat note.txt > answer.txt", "description": "Write the word."}),
        ]
        *_, last = does_the_task(upstream, kind, desk, calls, command())
        if kind is ANTHROPIC:
            assert brings_thoughts_back(last)
            assert last.body["context_management"]["edits"]
            assert last.body["thinking"]["type"] == "adaptive"
            assert "context-management" in last.headers["anthropic-beta"]

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())
