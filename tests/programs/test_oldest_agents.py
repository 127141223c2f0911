"""The agents of the libraries in the oldest versions that work with this version of the extension."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.contract import AgentContract, serving_agents
from tests.programs.desk import python
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_agents(tmp_path_factory.mktemp("agents"), upstream, str(python("oldest-agents"))) as running:
        yield running


class TestTheOldestVersions(AgentContract):
    """All tests of the contract."""
