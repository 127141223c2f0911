"""Programs and libraries that people use every day, as they are published (`make test-clients`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.kinds import CHAT, configuration
from tests.support.service import Service
from tests.support.upstream import Upstream


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.programs)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Collect nothing for `make test` and `make test-slow`, whose expressions these tests do not match."""
    return True if config.option.markexpr in {"slow", "not slow"} else None


@pytest.fixture(scope="session")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one upstream of each kind."""
    config: Path = tmp_path_factory.mktemp("service") / "headrace.toml"
    config.write_text(configuration(upstream.url))
    with Service(HEADRACE_CONFIG=str(config), HEADRACE_MODEL=CHAT.model, ACME_KEY="sk-test-0123456789") as running:
        yield running
