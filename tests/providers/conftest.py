"""Fixtures of the provider tests: the embedded model, fake upstreams with and without TLS, and a bare transport."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flask_headrace.providers.embedded import supervisor
from flask_headrace.providers.http import transport as transports
from flask_headrace.providers.http.transport import Transport
from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.support.upstream import Upstream, openai_wire


@pytest.fixture
def own_environment() -> Iterator[None]:
    with without_model():
        yield


@pytest.fixture
def runnable(own_environment: None) -> None:
    check_runnable()


@pytest.fixture
def model(runnable: None) -> Iterator[supervisor.EmbeddedModelSupervisor]:
    with running_model() as running:
        yield running


@pytest.fixture(scope="class")
def shared_model() -> Iterator[supervisor.EmbeddedModelSupervisor]:
    """Return one for tests that only ask it."""
    check_runnable()
    with without_model(), running_model() as running:
        yield running


@contextmanager
def without_model() -> Iterator[None]:
    """Clear this process's record of the embedded model for the test, and restore it afterwards."""
    before = os.environ.pop(supervisor.STATE_VARIABLE, None)
    yield
    os.environ.pop(supervisor.STATE_VARIABLE, None)
    if before is not None:
        os.environ[supervisor.STATE_VARIABLE] = before


def check_runnable() -> None:
    """Skip the test if the embedded model cannot run here; in CI, fail instead."""
    reason = supervisor.unavailable_reason()
    if reason and os.environ.get(NOTHING_MAY_BE_SKIPPED):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@contextmanager
def running_model() -> Iterator[supervisor.EmbeddedModelSupervisor]:
    model = supervisor.EmbeddedModelSupervisor()
    model.start()
    yield model
    model.stop()


@pytest.fixture
def own_upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(connect_timeout=2)
    yield made
    made.close()


@pytest.fixture
def secure() -> Iterator[Upstream]:
    require("openssl", "apt-get install openssl")
    with Upstream(tls=True) as running:
        running.answer("m", openai_wire.answer("Hel", "lo"))
        yield running


@pytest.fixture
def trusted(secure: Upstream, monkeypatch) -> Upstream:
    context = transports._tls_context
    monkeypatch.setattr(transports, "_tls_context", lambda cafile=None: context.__wrapped__(str(secure.ca_file)))
    return secure
