"""The application with tools, and chats with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.ai_sdk.conftest import opener
from tests.clients.ai_sdk.node import Chat, Node
from tests.clients.ai_sdk.tools.stage import CLIENTS, CONFIG, HOST, RESCUED
from tests.conftest import upstreams
from tests.support.host import Host
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def service(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("tools")
    (folder / "headrace.toml").write_text("".join(CONFIG.format(name=name) for name in RESCUED))
    settings = {"HEADRACE_CONFIG": str(folder / "headrace.toml"), "HEADRACE_HEARTBEAT": "0.2"}
    with Host(folder, HOST, **upstreams(shared_upstream), **settings) as running:
        yield running


@pytest.fixture
def open_chat(nodes: Callable[[str], Node], service: Host) -> Callable[..., Chat]:
    def open_one(client: str, model: str, **options: Any) -> Chat:
        body = {**CLIENTS[client], **options.pop("body", {})}
        return opener(client, nodes, service)(model, body=body, sends=True, **options)

    return open_one
