"""What the clients of OpenAI's protocol talk to, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.openai_chat.node import Node
from tests.conftest import require, upstreams
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture(scope="session")
def guarded(shared_upstream: Upstream) -> Iterator[Service]:
    """A service that wants a key and sends heartbeats all the time."""
    with Service(**upstreams(shared_upstream), HEADRACE_API_KEYS="mine", HEADRACE_HEARTBEAT="0.05") as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """One process in which all of npm's clients live."""
    with Node(require("node", "apt-get install nodejs")) as running:
        yield running
