"""What providers list of their models: limits and capabilities, under the names that servers use."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.providers.model_info import ModelInfo, chain_model_info, complete_model_info, read_model_info


@pytest.mark.parametrize(
    ("entry", "window", "output"),
    [
        ({}, None, None),
        ({"context_window": 131072, "max_completion_tokens": 32768}, 131072, 32768),  # Groq
        ({"context_length": 200000, "top_provider": {"max_completion_tokens": 64000}}, 200000, 64000),  # OpenRouter
        ({"max_model_len": 40960}, 40960, None),  # vLLM
        ({"max_context_length": 32768}, 32768, None),  # Mistral, LM Studio
        ({"max_input_tokens": 200000, "max_tokens": 64000}, 200000, 64000),  # Anthropic
        ({"meta": {"n_ctx_train": 8192}}, 8192, None),  # llama.cpp
        ({"capabilities": {"limits": {"max_context_window_tokens": 9, "max_output_tokens": 5}}}, 9, 5),
        ({"context_window": None, "context_length": 7}, 7, None),
        ({"context_window": True, "max_model_len": -1, "context_length": "8k", "max_tokens": 10**10}, None, None),
        ({"meta": [1], "top_provider": "x", "capabilities": 3}, None, None),
    ],
)
def test_the_limits(entry: dict[str, Any], window: int | None, output: int | None) -> None:
    info = read_model_info("m", entry)
    assert (info.name, info.context_window, info.max_output_tokens) == ("m", window, output)


@pytest.mark.parametrize(
    ("entry", "capabilities"),
    [
        ({}, {}),
        (
            {"architecture": {"input_modalities": ["text", "image"]}, "supported_parameters": ["tools", "stop"]},
            {"image_input": True, "pdf_input": False, "reasoning": False, "structured_outputs": False, "tools": True},
        ),
        ({"capabilities": {"vision": False, "function_calling": True}}, {"image_input": False, "tools": True}),
        ({"supports_image_input": True, "supports_tools": False}, {"image_input": True, "tools": False}),
        (
            {"capabilities": {"thinking": {"supported": True, "types": {}}, "pdf_input": {"supported": False}}},
            {"reasoning": True, "pdf_input": False},
        ),
        ({"capabilities": {"vision": "yes", "thinking": {"supported": 1}}, "supported_parameters": "tools"}, {}),
    ],
)
def test_the_capabilities(entry: dict[str, Any], capabilities: dict[str, bool]) -> None:
    assert read_model_info("m", entry).capabilities == capabilities


def test_anthropics_own_form_stays_as_it_is() -> None:
    own = {"batch": {"supported": True}, "image_input": {"supported": True}}
    info = read_model_info("m", {"type": "model", "display_name": "Em", "capabilities": own})
    assert (info.display_name, info.anthropic_capabilities, info.capabilities) == ("Em", own, {"image_input": True})
    assert read_model_info("m", {"capabilities": own}).anthropic_capabilities is None


def test_what_the_operator_says_has_precedence() -> None:
    listed = ModelInfo("m", "Em", 9, 5, {"tools": True, "reasoning": True})
    assert complete_model_info(listed, None) == listed
    said = complete_model_info(listed, ModelInfo("m", context_window=4, capabilities={"tools": False}))
    assert said == ModelInfo("m", "Em", 4, 5, {"tools": False, "reasoning": True})
    assert complete_model_info(listed, ModelInfo("m")).context_window == 9


def test_an_alias_has_what_one_of_its_models_has() -> None:
    big = ModelInfo("big", context_window=9, capabilities={"tools": True, "reasoning": False, "image_input": False})
    small = ModelInfo("small", context_window=4, capabilities={"tools": False, "reasoning": False})
    alias = chain_model_info("both", [big, small])
    assert alias == ModelInfo("both", context_window=9, capabilities={"reasoning": False, "tools": True})
    assert chain_model_info("any", [big, ModelInfo("unknown")]).context_window is None
