"""opencode without its screen (`opencode run`), with each of the AI SDK's packages that fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import brings_thoughts_back, does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC, CHAT, KINDS, RESPONSES, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream

PACKAGES = {
    CHAT.name: "@ai-sdk/openai-compatible",
    RESPONSES.name: "@ai-sdk/openai",
    ANTHROPIC.name: "@ai-sdk/anthropic",
}


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    words = {"openai/gpt-5-mini": kind.model, PACKAGES[CHAT.name]: PACKAGES[kind.name]}
    return Desk(tmp_path, settings("opencode", service.url, words))


def command() -> list[str | Path]:
    return [program("opencode"), "run", QUESTION]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestOpencode:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [
            ("read", {"filePath": str(desk.note)}),
            ("bash", {"command": "cat note.txt > answer.txt", "description": "Write the word."}),
        ]
        *_, last = does_the_task(upstream, kind, desk, calls, command())
        assert kind is not ANTHROPIC or brings_thoughts_back(last)

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())
