"""The lists of models: what is known of each, from the provider's own list, the file, and the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.support.reader import send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Upstream, plain

LISTED = [
    {"id": "big/one", "object": "model", "context_length": 131072, "supported_parameters": ["tools"]},
    {"id": "unheard-of", "object": "model"},
]
FILE = """
[models.both]
chain = ["acme/big/one", "local/smollm2"]

[models.unsure]
chain = ["acme/unheard-of"]

[upstreams.acme]
kind = "openai"
base_url = "{url}/v1"
context = {{ "big/one" = 65536, "small" = 4096 }}
capabilities = {{ "unheard-of" = ["image_input"] }}
"""


@pytest.fixture(scope="module")
def informed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config: Path = tmp_path_factory.mktemp("models") / "headrace.toml"
    with Upstream() as upstream:
        upstream.answer("GET /v1/models", plain.json_body({"data": LISTED}))
        config.write_text(FILE.format(url=upstream.url))
        with Service(**openai_alone(upstream), HEADRACE_CONFIG=str(config), HEADRACE_EMBEDDED="1") as running:
            yield running


def listed(service: Service, path: str = "/v1/models", **headers: str) -> dict[str, dict[str, Any]]:
    models = send(service.url + path, method="GET", headers=headers).json
    return {model["id"]: model for model in models.get("data") or models["models"]}


def test_the_file_has_precedence_over_the_list(informed: Service) -> None:
    models = listed(informed)
    assert models["acme/big/one"]["context_window"] == 65536
    assert models["openai/big/one"]["context_window"] == 131072
    assert models["openai/big/one"]["capabilities"]["tools"] is True
    assert models["acme/unheard-of"]["capabilities"] == {
        "image_input": True, "pdf_input": False, "reasoning": False, "structured_outputs": False, "tools": False
    }  # fmt: skip


def test_what_is_unknown_is_left_out(informed: Service) -> None:
    assert listed(informed)["openai/unheard-of"] == {
        "id": "openai/unheard-of", "object": "model", "created": 0, "owned_by": "openai"
    }  # fmt: skip
    own = listed(informed, "/api/models")
    assert own["openai/unheard-of"].keys() == {"id", "provider", "name", "embedded", "default"}
    theirs = listed(informed, **{"anthropic-version": "2023-06-01"})["openai/unheard-of"]
    assert (theirs["max_input_tokens"], theirs["max_tokens"], theirs["capabilities"]) == (None, None, None)


def test_the_embedded_model_and_an_alias_are_known(informed: Service) -> None:
    models = listed(informed)
    assert models["local/smollm2"]["context_window"] == 2048
    assert models["local/smollm2"]["capabilities"]["tools"] is False
    assert models["both"]["context_window"] == 65536
    assert models["both"]["capabilities"]["tools"] is True
    assert "context_window" not in models["unsure"]
    assert listed(informed, "/api/models")["both"]["context_window"] == 65536


def test_one_is_found_by_its_id_in_both_forms(informed: Service) -> None:
    with openai.OpenAI(base_url=informed.url + "/v1", api_key="any") as client:
        assert client.models.retrieve("acme/big/one").model_extra["context_window"] == 65536
        assert {model.id for model in client.models.list()} == listed(informed).keys()
    theirs = send(
        informed.url + "/v1/models/acme/big/one", method="GET", headers={"anthropic-version": "2023-06-01"}
    ).json
    assert (theirs["type"], theirs["id"], theirs["max_input_tokens"]) == ("model", "acme/big/one", 65536)
