"""One Node process for all tests, and a service with keys and frequent pings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.anthropic_messages.node import Node
from tests.conftest import upstreams
from tests.support.service import Service
from tests.support.upstream import Upstream

KEY = "key-one"


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with Node() as running:
        yield running


@pytest.fixture(scope="session")
def guarded(upstream: Upstream) -> Iterator[Service]:
    settings = {"HEADRACE_API_KEYS": KEY, "HEADRACE_HEARTBEAT": "0.05", "HEADRACE_CORS_ORIGINS": "https://app.example"}
    with Service(**upstreams(upstream), **settings) as running:
        yield running
