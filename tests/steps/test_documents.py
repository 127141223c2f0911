"""Answers that must be one JSON document, of models that call tools before: it is the text of the last step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flask_headrace import UpstreamError
from tests.steps.stage import Desk, call
from tests.steps.test_restarts import Chained, after_restart

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WHOLE = '{"city":"Ulm"}'


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("before", ["Let me look. ", " ", "", "true, I look"])
def test_text_before_a_call_is_none_of_the_document(desk: Desk, before: str) -> None:
    desk.model.answers(before, "Well. ", call(place="Ulm")).answers('{"city":', '"Ulm"}')
    response = desk.ask(schema=SCHEMA)
    assert response.is_done, response.body
    assert response.text == WHOLE
    assert not response.named("restart")
    assert [op for data in response.named("partial") for op in data["ops"] if "call" not in data]
    # The model has its own words back.
    assert desk.asked()[1].text() == f"{before}Well. "
    assert desk.answer().text == WHOLE


def test_what_looked_like_the_document_is_void_if_calls_follow(desk: Desk) -> None:
    desk.model.answers(call(place="Bonn", id="c0"))
    desk.model.answers('{"city":"unknown"}', call(place="Ulm")).answers(WHOLE)
    response = desk.ask(schema=SCHEMA)
    assert response.is_done, response.body
    again = after_restart(response)
    assert "".join(data["delta"] for name, data in again if name == "message" and data != "[DONE]") == WHOLE
    assert [data["result"] for name, data in again if name == "tool" and "result" in data] == [
        {"found": "Bonn"}, {"found": "Ulm"},
    ]  # fmt: skip
    assert desk.ran == [("find", "Bonn"), ("find", "Ulm")]
    assert desk.answer().text == WHOLE


@pytest.mark.parametrize("document", ["It is Ulm.", '{"town":"Ulm"}', "", "null"])
def test_a_document_that_does_not_fit_fails_as_ever(desk: Desk, document: str) -> None:
    desk.model.answers("Let me look. ", call(place="Ulm")).answers(document)
    response = desk.ask(schema=SCHEMA)
    [error] = response.named("error")
    assert error["code"] == "answer_invalid"
    assert response.text == document


@pytest.mark.parametrize("protocol", ["openai", "openai-responses", "anthropic"])
@pytest.mark.parametrize("stream", [True, False])
def test_clients_of_other_protocols_get_the_document_alone(desk: Desk, protocol: str, stream: bool) -> None:
    desk.model.answers("Let me look. ", call(place="Ulm")).answers(WHOLE)
    response = desk.ask("/own", tools=["find"], schema=SCHEMA, protocol=protocol, stream=stream)
    assert response.status == 200
    assert b"Let me look" not in response.body
    assert b"Ulm" in response.body
    assert b"error" not in response.body.replace(b'"error":null', b"")


def test_a_model_that_begins_anew_begins_its_document_anew(tmp_path: Path) -> None:
    desk = Chained(tmp_path)
    desk.model.answers("Let me look. ", call(place="Ulm"))
    desk.model.answers("I think ", UpstreamError("broke"))
    desk.second.answers(WHOLE)
    response = desk.ask(schema=SCHEMA)
    assert response.is_done, response.body
    assert response.text.endswith(WHOLE)
    assert json.loads(desk.answer().text) == {"city": "Ulm"}


def test_without_tools_text_is_passed_on_as_it_comes(desk: Desk) -> None:
    desk.model.answers("It is Ulm.")
    response = desk.ask(schema=SCHEMA, tools=[])
    assert response.text == "It is Ulm."
    assert response.named("error")
