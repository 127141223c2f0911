"""The service whose OpenAPI document the tests generate clients from."""

from __future__ import annotations

import pytest

from tests.support.service import Service
from tests.support.upstream import Upstream, openai_wire


@pytest.fixture(scope="module")
def url(service: Service, upstream: Upstream) -> str:
    """Return the address of the service, which has an answer of the model `openai/generated`."""
    upstream.answer("generated", openai_wire.answer("Grüße ", "🌊"))
    return service.url
