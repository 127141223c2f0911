"""The list of models, in the clients that ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import upstreams
from tests.programs.desk import Desk, program, settings
from tests.programs.kinds import ANTHROPIC
from tests.programs.library import Library, running
from tests.programs.task import QUESTION
from tests.support.service import Service
from tests.support.upstream import Upstream

NAMES = [f"{provider}/{name}" for provider in ("openai", "anthropic") for name in ("claude-opus-4-7", "gpt-5-mini")]


@pytest.fixture(scope="module")
def listing() -> Iterator[Service]:
    """A service whose two upstreams list both models."""
    with Upstream() as upstream:
        upstream.models = ["claude-opus-4-7", "gpt-5-mini"]
        upstream.answer(ANTHROPIC.known_as, ANTHROPIC.wire.answer("Done."))
        with Service(**upstreams(upstream) | {"HEADRACE_MODEL": ANTHROPIC.model}) as service:
            yield service


@pytest.mark.parametrize(
    "library",
    [Library("with_openai.py"), Library("with_anthropic.py"), Library("with_litellm.py", "agents")],
    ids=lambda library: library.script,
)
def test_a_library_lists_every_model(listing: Service, tmp_path: Path, library: Library) -> None:
    with running(library, Desk(tmp_path)) as script:
        assert sorted(script.do("models", url=listing.url)) == sorted(NAMES)


def test_claude_code_offers_the_models_whose_names_it_takes(listing: Service, tmp_path: Path) -> None:
    # It takes those that have "claude" or "anthropic" in their names.
    lines = settings("claude-code", listing.url, {"openai/gpt-5-mini": ANTHROPIC.model})
    desk = Desk(tmp_path, lines + "export CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1\n")
    desk.run(program("claude"), "-p", QUESTION)
    offered = json.loads((desk.home / ".claude/cache/gateway-models.json").read_text())["models"]
    assert sorted(model["id"] for model in offered) == sorted(
        name for name in NAMES if "claude" in name or "anthropic" in name
    )
