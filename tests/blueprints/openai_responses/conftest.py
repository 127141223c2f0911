"""The service with a provider of the Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blueprints.openai_responses.same_api import SameApi
from tests.support.service import Service
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def api(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SameApi]:
    config: Path = tmp_path_factory.mktemp("same") / "headrace.toml"
    table = f'kind = "openai-responses"\nbase_url = "{upstream.url}/v1"\napi_key_env = "ACME_KEY"\n'
    config.write_text(f"[upstreams.resp]\n{table}[upstreams.kept]\n{table}state = true\n")
    with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789") as running:
        yield SameApi(running, upstream)
