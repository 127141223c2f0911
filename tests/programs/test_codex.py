"""Codex CLI without its screen (`codex exec`), which asks over OpenAI's Responses API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.checks import does_the_task, stops_when_interrupted
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import KINDS, RESPONSES, Kind, serving
from tests.programs.task import QUESTION, WORD
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture
def desk(service: Service, tmp_path: Path, kind: Kind) -> Desk:
    return Desk(tmp_path, settings("codex", service.url, {"openai/gpt-5-mini": kind.model}))


def command() -> list[str | Path]:
    # Its own sandbox needs what a container may lack, and the upstream is the test's.
    return [program("codex"), "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", QUESTION]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestCodex:
    def test_does_a_task_with_two_tools(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        calls = [("exec_command", {"cmd": "cat note.txt"}), ("exec_command", {"cmd": "cat note.txt > answer.txt"})]
        *_, last = does_the_task(upstream, kind, desk, calls, command())
        if kind is RESPONSES:
            assert last.body["client_metadata"]
            assert "namespace" in [tool["type"] for tool in last.body["tools"]]

    def test_that_is_interrupted_stops_the_model(self, upstream: Upstream, desk: Desk, kind: Kind) -> None:
        stops_when_interrupted(upstream, kind, desk, command())


SHELLS = ("cat note.txt", "cat note.txt > answer.txt")
PATCH = f"*** Begin Patch\n*** Add File: answer.txt\n+{WORD}\n*** End Patch\n"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_under_a_name_that_it_knows_patches_with_a_free_form_tool(
    upstream: Upstream, tmp_path: Path, kind: Kind
) -> None:
    with serving(upstream, tmp_path, {"gpt-5.5": kind}) as service:
        desk = Desk(tmp_path, settings("codex", service.url, {"openai/gpt-5-mini": "gpt-5.5"}))
        calls = [("exec_command", {"cmd": "cat note.txt"}), ("apply_patch", PATCH)]
        first, *_, last = does_the_task(upstream, kind, desk, calls, command())
    if kind is RESPONSES:
        assert {"custom", "web_search"} <= {tool["type"] for tool in first.body["tools"]}
        assert [item["input"] for item in last.body["input"] if item["type"] == "custom_tool_call"] == [PATCH]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_under_a_newer_name_works_by_programs_of_its_free_form_tool(
    upstream: Upstream, tmp_path: Path, kind: Kind
) -> None:
    # All its tools stand in an item of the conversation, in namespaces.
    with serving(upstream, tmp_path, {"gpt-5.6-sol": kind}) as service:
        desk = Desk(tmp_path, settings("codex", service.url, {"openai/gpt-5-mini": "gpt-5.6-sol"}))
        scripts = [f'text((await tools.exec_command({{cmd: "{shell}"}})).output)' for shell in SHELLS]
        first, *_ = does_the_task(upstream, kind, desk, [("functions__exec", script) for script in scripts], command())
    if kind is RESPONSES:
        assert first.body["input"][0]["type"] == "additional_tools"
