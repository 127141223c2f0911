"""The clients of the AI SDK's older and plainer protocols, and a service with frequent heartbeats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.ai_data.node import Node
from tests.clients.ai_data.stage import SCHEMA
from tests.conftest import upstreams
from tests.support.service import Service
from tests.support.started_service import warm_up
from tests.support.upstream import Upstream

HERE = Path(__file__).parent
HOOKS = {
    "4": ("hooks4.mjs", "ai-react4"),
    "5": ("hooks.mjs", "react5", "ai5"),
    "6": ("hooks.mjs", "react6", "ai6"),
    "7": ("hooks.mjs", "@ai-sdk/react", "ai"),
}
VERSIONS = {"3.4": "ai-utils34", "4.0": "ai-utils40", "4.3": "ai4"}


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "recipe.json").write_text(json.dumps(SCHEMA))
    return folder


@pytest.fixture(scope="session")
def ai(shared_upstream: Upstream, schemas: Path) -> Iterator[Service]:
    """Run a service with frequent heartbeats and a short grace time for streams without readers.

    On a busy machine one is sent before an upstream can refuse: for a refusal with its status, ask `service`.
    """
    own = {"HEADRACE_HEARTBEAT": "0.05", "HEADRACE_SCHEMAS": str(schemas), "HEADRACE_MODEL": "openai/unnamed"}
    with Service(**upstreams(shared_upstream) | own) as running:
        warm_up(running, shared_upstream)
        yield running


@pytest.fixture(scope="session")
def readers() -> Iterator[dict[str, Node]]:
    """Start the Node process of each version once."""
    running: dict[str, Node] = {}
    try:
        for version, package in VERSIONS.items():
            running[version] = Node(HERE / "calls.mjs", version, package=package)
        yield running
    finally:
        for node in running.values():
            node.close()


@pytest.fixture(params=VERSIONS)
def reader(request: pytest.FixtureRequest, readers: dict[str, Node]) -> Node:
    return readers[request.param]


@pytest.fixture(scope="session")
def hooks_of() -> Iterator[Callable[[str], Node]]:
    """Return a function that returns the hooks of a version, whose process is started once."""
    running: dict[str, Node] = {}

    def of(version: str) -> Node:
        if version not in running:
            script, *packages = HOOKS[version]
            running[version] = Node(HERE / script, *packages, package=packages[0])
        return running[version]

    yield of
    for node in running.values():
        node.close()


@pytest.fixture(scope="session")
def hooks4(hooks_of: Callable[[str], Node]) -> Node:
    return hooks_of("4")
