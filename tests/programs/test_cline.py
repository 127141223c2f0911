"""Cline's CLI without its screen, over chat completions and, as `openai-native`, over the Responses API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import KINDS, RESPONSES, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    native = {"--provider openai": "--provider openai-native"} if kind is RESPONSES else {}
    return Desk(tmp_path, settings("cline", service.url, {"openai/gpt-5-mini": kind.model, **native}))


def command() -> list[str | Path]:
    return [program("cline"), QUESTION]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestCline:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [
            ("read_files", {"files": [{"path": str(desk.note)}]}),
            ("run_commands", {"commands": ["cat note.txt > answer.txt"]}),
        ]
        *_, last = does_the_task(upstream, kind, desk, calls, command())
        if kind is RESPONSES:
            assert last.body["truncation"] == "auto"

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())
