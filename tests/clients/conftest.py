"""Foreign client programs use the service; these tests are slow."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.slow)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Skip the collection of these tests if slow tests are deselected: their imports take seconds."""
    return True if config.option.markexpr == "not slow" else None
