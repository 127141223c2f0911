"""The agents of the libraries in the versions that the development environment has."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.agents.contract import AgentContract, serving_agents
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_agents(tmp_path_factory.mktemp("agents"), upstream, sys.executable) as running:
        yield running


class TestTheLatestVersions(AgentContract):
    """All tests of the contract."""
