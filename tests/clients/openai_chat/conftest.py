"""The service and the Node process for the clients of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.openai_chat.node import Node
from tests.conftest import require, upstreams
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture(scope="session")
def guarded(shared_upstream: Upstream) -> Iterator[Service]:
    """A service that requires a key and sends frequent heartbeats."""
    with Service(**upstreams(shared_upstream), HEADRACE_API_KEYS="mine", HEADRACE_HEARTBEAT="0.05") as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """One process for all npm clients."""
    with Node(require("node", "apt-get install nodejs")) as running:
        yield running
