"""The Node process of the npm clients of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.openai_chat.node import Node
from tests.conftest import require

SCRIPT = Path(__file__).with_name("clients.mjs")


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """One process for all clients."""
    with Node(require("node", "apt-get install nodejs"), SCRIPT, ("openai", "@ai-sdk/openai", "ai")) as running:
        yield running
