"""The scripted provider in the application of a file, which defines the fixture `shop`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_headrace.testing import FakeProvider
from tests.testing.application import Application


@pytest.fixture
def provider(shop: Application) -> Iterator[FakeProvider]:
    provider = FakeProvider()
    provider.install(shop.app)
    yield provider
    provider.uninstall()
