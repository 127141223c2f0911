"""pi without its screen (`pi -p`), over each protocol that it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import brings_thoughts_back, does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC, CHAT, KINDS, RESPONSES, Kind
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream

APIS = {CHAT.name: "openai-completions", RESPONSES.name: "openai-responses", ANTHROPIC.name: "anthropic-messages"}


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    words = {"openai/gpt-5-mini": kind.model, APIS[CHAT.name]: APIS[kind.name]}
    if kind is ANTHROPIC:
        words[f"{service.url}/v1"] = service.url
    return Desk(tmp_path, settings("pi", service.url, words))


def command(kind: Kind) -> list[str | Path]:
    return [program("pi"), "--provider", "headrace", "--model", kind.model, "-p", QUESTION]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestPi:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [("read", {"path": str(desk.note)}), ("bash", {"command": "cat note.txt > answer.txt"})]
        *_, last = does_the_task(upstream, kind, desk, calls, command(kind))
        assert kind is not ANTHROPIC or brings_thoughts_back(last)

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command(kind))
