"""The reasoning efforts of models: as lists of models say, as names of OpenAI's say, and as operators configure."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.providers.model_info import ModelInfo, chain_model_info, complete_model_info, read_model_info
from flask_headrace.providers.openai.chat_server import with_known_reasoning
from flask_headrace.providers.reasoning_efforts import USUAL_EFFORTS

YES, NO = {"supported": True}, {"supported": False}
LEVELS = {"low": YES, "medium": YES, "high": YES, "xhigh": NO, "max": YES}


@pytest.mark.parametrize(
    ("entry", "efforts"),
    [
        ({}, None),
        ({"capabilities": {"effort": {**YES, **LEVELS}, "thinking": YES}}, ("low", "medium", "high", "max")),
        ({"capabilities": {"effort": {**NO, **LEVELS}, "thinking": YES}}, USUAL_EFFORTS),  # with a budget of tokens
        ({"capabilities": {"effort": NO, "thinking": NO}}, ()),
        ({"capabilities": {"effort": {**YES, "low": None, "max": 3}, "thinking": YES}}, USUAL_EFFORTS),
        ({"capabilities": {"supports": {"reasoning_effort": ["high", "low", 3, "odd"]}}}, ("low", "high")),
        ({"supported_parameters": ["reasoning", "tools"]}, USUAL_EFFORTS),  # OpenRouter
        ({"supported_parameters": ["tools"]}, ()),
        ({"capabilities": {"reasoning": True}}, USUAL_EFFORTS),
        ({"capabilities": {"reasoning": "yes"}}, None),
        ({"capabilities": ["effort"]}, None),
    ],
)
def test_as_a_list_of_models_says(entry: dict[str, Any], efforts: tuple[str, ...] | None) -> None:
    assert read_model_info("m", entry).reasoning_efforts == efforts


@pytest.mark.parametrize(
    ("name", "efforts"),
    [
        ("gpt-4o", ()),
        ("gpt-4.1-mini", ()),
        ("ft:gpt-4o:acme", ()),
        ("o1-mini", ()),
        ("o3", USUAL_EFFORTS),
        ("gpt-5-mini", USUAL_EFFORTS),
        ("gpt-5-pro", ("high",)),
        ("gpt-5.2", (*USUAL_EFFORTS, "xhigh")),
        ("gpt-6-sol", (*USUAL_EFFORTS, "xhigh")),
        ("gpt-5-chat-latest", None),
        ("unheard-of", None),
    ],
)
def test_as_names_of_openais_say(name: str, efforts: tuple[str, ...] | None) -> None:
    model = with_known_reasoning(ModelInfo(name, capabilities={"tools": True}))
    assert model.reasoning_efforts == efforts
    assert model.capabilities.get("reasoning") == (None if efforts is None else bool(efforts))
    assert model.capabilities["tools"]


def test_a_list_of_models_has_precedence_over_names() -> None:
    assert with_known_reasoning(ModelInfo("gpt-4o", reasoning_efforts=("max",))).reasoning_efforts == ("max",)


@pytest.mark.parametrize(
    ("listed", "configured", "efforts"),
    [
        (("low", "max"), {"reasoning": True}, ("low", "max")),
        (("low", "max"), {"reasoning": False}, ()),
        ((), {"reasoning": True}, USUAL_EFFORTS),
        (None, {"reasoning": True}, USUAL_EFFORTS),
        (None, {}, None),
    ],
)
def test_an_operator_has_precedence(listed: Any, configured: dict[str, bool], efforts: Any) -> None:
    known = ModelInfo("m", reasoning_efforts=listed)
    assert complete_model_info(known, ModelInfo("m", capabilities=configured)).reasoning_efforts == efforts


@pytest.mark.parametrize(
    ("chain", "efforts"),
    [
        ([("low", "high"), ("max", "low")], ("low", "high", "max")),
        ([("low",), None], None),
        ([("low",), ()], ("low",)),
        ([(), ()], ()),
    ],
)
def test_a_chain_has_those_of_its_models(chain: list[Any], efforts: Any) -> None:
    models = [ModelInfo("m", reasoning_efforts=each) for each in chain]
    assert chain_model_info("alias", models).reasoning_efforts == efforts
