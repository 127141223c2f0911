"""Programs and libraries that people use every day, as they are published (`make test-clients`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.kinds import ANTHROPIC, serving
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
    # LlamaIndex takes only the names of Anthropic's models that it knows.
    with serving(upstream, tmp_path_factory.mktemp("service"), {ANTHROPIC.known_as: ANTHROPIC}) as running:
        yield running
