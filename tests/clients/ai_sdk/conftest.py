"""One Node process for each version of the AI SDK, and chats in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.ai_sdk.node import Chat, Node
from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.support.service import ROOT, Service

CLIENTS = ["ai5", "ai7", "ai5 page", "ai6 page", "ai7 page"]
"""The oldest and the newest version without a page, and all with React's. The page of version 7 names its version."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[Callable[[str], Node]]:
    program = require("node", "apt-get install nodejs (20 or later)")
    if not (ROOT / "tests/node_modules/ai").exists():
        sentence = "the npm package ai is not installed: npm ci --prefix tests"
        if os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    running: dict[str, Node] = {}

    def of(version: str) -> Node:
        if version not in running:
            running[version] = Node(program, version)
        return running[version]

    yield of
    for node in running.values():
        node.end()


@pytest.fixture(params=["ai5", "ai6", "ai7"])
def node(request: pytest.FixtureRequest, nodes: Callable[[str], Node]) -> Node:
    return nodes(request.param)


@pytest.fixture(params=CLIENTS)
def open_chat(request: pytest.FixtureRequest, nodes: Callable[[str], Node], service: Service) -> Callable[..., Chat]:
    """Return a function that opens a chat with a model, in each client."""
    return opener(request.param, nodes, service)


@pytest.fixture(params=[client for client in CLIENTS if client.endswith(" page")])
def open_page(request: pytest.FixtureRequest, nodes: Callable[[str], Node], service: Service) -> Callable[..., Chat]:
    """Return a function that opens a page with a chat with a model."""
    return opener(request.param, nodes, service)


def opener(client: str, nodes: Callable[[str], Node], service: Service) -> Callable[..., Chat]:
    version, _, kind = client.partition(" ")

    def open_one(model: str, base: str = service.url, **options: Any) -> Chat:
        named = {"ai": 7} if client == "ai7 page" else {}
        body = {"model": model, **named, **options.pop("body", {})}
        return Chat(nodes(version), kind or "plain", base, body=body, **options)

    return open_one
