"""aider without its screen (`aider --message`). It calls no tools: it reads edits from the text of an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import stops_when_interrupted
from tests.programs.desk import PROGRAMS, Desk, installed, settings
from tests.programs.kinds import ANTHROPIC, KINDS, Kind
from tests.programs.task import QUESTION, WORD
from tests.support.service import Service
from tests.support.upstream import Script, Upstream

QUIET = ("--no-git", "--no-check-update", "--no-analytics", "--no-show-release-notes", "--no-show-model-warnings")


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    words = {"openai/openai/gpt-5-mini": f"openai/{kind.model}"}
    if kind is ANTHROPIC:
        words = {
            "OPENAI_API_BASE": "ANTHROPIC_API_BASE",
            "OPENAI_API_KEY": "ANTHROPIC_API_KEY",
            f"{service.url}/v1": service.url,
            "openai/openai/gpt-5-mini": f"anthropic/{kind.model}",
        }
    return Desk(tmp_path, settings("aider", service.url, words))


def command(*more: str) -> list[str | Path]:
    aider = installed(PROGRAMS / "aider/bin/aider")
    return [aider, "--message", QUESTION, "--edit-format", "whole", "--yes-always", *QUIET, *more, "note.txt"]


def edit(kind: Kind, word: str) -> Script:
    return kind.wire.answer("Here it is.\n\nanswer.txt\n", f"```\n{word}\n", "```\n")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestAider:
    def test_edits_and_mends_what_its_test_refuses(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        before = len(upstream.requests(kind.known_as))
        upstream.answer(kind.known_as, [edit(kind, "undershot"), edit(kind, WORD)])
        ran = desk.run(*command("--auto-test", "--test-cmd", f"grep {WORD} answer.txt || (echo no such word; exit 1)"))
        assert ran.code == 0, ran
        assert desk.answer() == WORD, ran
        first, second = upstream.requests(kind.known_as)[before:]
        assert WORD in str(first.body)
        assert "no such word" in str(second.body)

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command(), has_tools=False)
