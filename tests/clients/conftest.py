"""Programs of others talk to the service here, in languages of their own: that takes long."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker(pytest.mark.slow)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave them out where no slow ones are run: only to import what they need takes seconds."""
    return True if config.option.markexpr == "not slow" else None
