"""`reasoning_effort` of a question: each provider receives it in its own words, and a model without any refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import upstreams
from tests.support.reader import QUESTION, ask, send
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire, plain, responses_wire

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire, "answers": responses_wire}
LISTED = [
    {"id": "thinks", "object": "model", "supported_parameters": ["reasoning"]},
    {"id": "dull", "object": "model", "supported_parameters": ["tools"]},
    {"id": "unknown", "object": "model"},
]
FILE = """
[models.both]
chain = ["openai/dull", "openai/thinks"]

[models.neither]
chain = ["openai/dull"]

[upstreams.answers]
kind = "openai-responses"
base_url = "{url}/v1"
"""


@pytest.fixture(scope="module")
def thinking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Upstream]]:
    config: Path = tmp_path_factory.mktemp("efforts") / "headrace.toml"
    with Upstream() as upstream:
        upstream.answer("GET /v1/models", plain.json_body({"data": LISTED}))
        config.write_text(FILE.format(url=upstream.url))
        with Service(**upstreams(upstream), HEADRACE_CONFIG=str(config)) as running:
            # Importing an SDK may take longer than a list of models may.
            running.wait_until(lambda: {"openai/thinks", "anthropic/thinks"} <= listed(running).keys(), 60)
            yield running, upstream


def listed(service: Service) -> dict[str, Any]:
    models = send(service.url + "/api/models", method="GET").json["models"]
    return {model["id"]: model.get("reasoning_efforts") for model in models}


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("openai/thinks", "high", {"reasoning_effort": "high"}),
        ("openai/unknown", "minimal", {"reasoning_effort": "minimal"}),
        ("answers/thinks", "low", {"reasoning": {"effort": "low", "summary": "auto"}}),
        ("anthropic/claude-opus-4-7", "max", {"output_config": {"effort": "max"}}),
        ("anthropic/claude-opus-4-7", "minimal", {"output_config": {"effort": "low"}}),
        ("anthropic/claude-sonnet-4-5", "medium", {"thinking": {"type": "enabled", "budget_tokens": 8192}}),
    ],
)
def test_is_sent_in_the_words_of_the_api(
    thinking: tuple[Service, Upstream], model: str, effort: str, fields: dict[str, Any]
) -> None:
    service, upstream = thinking
    provider, _, name = model.partition("/")
    upstream.answer(name, WIRES[provider].answer("Hm."))
    assert ask(service.url, model, reasoning_effort=effort).text == "Hm."
    body = upstream.requests(name)[-1].body
    assert body | fields == body


@pytest.mark.parametrize("model", ["openai/dull", "neither"])
def test_is_refused_for_a_model_that_does_not_reason(thinking: tuple[Service, Upstream], model: str) -> None:
    service, upstream = thinking
    upstream.answer("dull", openai_wire.answer("Hm."))
    answer = ask(service.url, model, reasoning_effort="low")
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert answer.error["message"] == (
        f"reasoning_effort is 'low', and {model} does not reason: omit it, or use another model."
    )
    assert ask(service.url, model, reasoning_effort="none").status == 200
    assert ask(service.url, model).status == 200


def test_of_a_client_of_another_protocol_is_no_reason_to_refuse(thinking: tuple[Service, Upstream]) -> None:
    service, upstream = thinking
    upstream.answer("dull", openai_wire.answer("Hm."))
    body = {"model": "openai/dull", "messages": QUESTION, "reasoning_effort": "low"}
    assert send(service.url + "/v1/chat/completions", body).status == 200


def test_that_is_possible_is_listed(thinking: tuple[Service, Upstream]) -> None:
    efforts = listed(thinking[0])
    assert efforts["openai/thinks"] == efforts["both"] == ["low", "medium", "high"]
    assert efforts["openai/dull"] == efforts["neither"] == []
    assert efforts["openai/unknown"] is None
