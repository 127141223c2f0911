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
    """Collect these tests only if they are asked for: by their marker, or by a path."""
    is_named = any("tests/programs" in argument for argument in config.args)
    return None if is_named or config.option.markexpr == "programs" else True


@pytest.fixture(scope="session")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one upstream of each kind."""
    # LlamaIndex takes only the names of Anthropic's models that it knows.
    with serving(upstream, tmp_path_factory.mktemp("service"), {ANTHROPIC.known_as: ANTHROPIC}) as running:
        yield running
