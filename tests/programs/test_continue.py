"""Continue's CLI without its screen (`cn -p`), over chat completions and over Anthropic's protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC, KINDS, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    provider = {"provider: openai": "provider: anthropic"} if kind is ANTHROPIC else {}
    return Desk(tmp_path, settings("continue", service.url, {"openai/gpt-5-mini": kind.model, **provider}))


def command() -> list[str | Path]:
    return [program("cn"), "--config", "headrace.yaml", "--auto", "-p", QUESTION]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestContinue:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [("Read", {"filepath": str(desk.note)}), ("Bash", {"command": "cat note.txt > answer.txt"})]
        does_the_task(upstream, kind, desk, calls, command())

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())
