"""The pytest plugin of flask-headrace: fixtures for the tests of an application.

pytest imports this module whenever it starts, in every project in whose environment flask-headrace is installed. So it
stands outside of the package and imports nothing of it before a test uses one of the fixtures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask_headrace.testing import FakeProvider, StreamReading


@pytest.fixture
def headrace_provider(request: pytest.FixtureRequest) -> Iterator[FakeProvider]:
    """Return a `FakeProvider` that answers all questions of the fixture `app`, if the test has one with a `Headrace`.

    For another application, call `headrace_provider.install(app)`. After the test, the applications have their own
    models again, and streams that are still open are stopped.
    """
    from flask import Flask  # noqa: PLC0415

    from flask_headrace.testing import FakeProvider  # noqa: PLC0415

    provider = FakeProvider()
    app = _app_fixture(request)
    if isinstance(app, Flask) and "headrace" in app.extensions:
        provider.install(app)
    yield provider
    provider.uninstall()


@pytest.fixture
def read_stream() -> Callable[[Any], StreamReading]:
    """Return `flask_headrace.testing.read_stream`."""
    from flask_headrace import testing  # noqa: PLC0415

    return testing.read_stream


def _app_fixture(request: pytest.FixtureRequest) -> object:
    try:
        return request.getfixturevalue("app")
    except pytest.FixtureLookupError as error:
        if error.argname != "app":
            raise
        return None
