"""What is known of a model: its limits and capabilities, as its provider lists them. Pure.

Servers list them under many names. The tables below are all names that are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from .reasoning_efforts import Efforts, joint_efforts, listed_efforts, usual_efforts

Path: TypeAlias = tuple[str, ...]

CAPABILITIES: Mapping[str, Sequence[Path]] = {
    "image_input": (
        ("capabilities", "image_input"), ("capabilities", "vision"), ("capabilities", "supports", "vision"),
        ("supports_image_input",),
    ),
    "pdf_input": (("capabilities", "pdf_input"),),
    "reasoning": (("capabilities", "reasoning"), ("capabilities", "thinking")),
    "structured_outputs": (
        ("capabilities", "structured_outputs"), ("capabilities", "supports", "structured_outputs"),
    ),
    "tools": (
        ("capabilities", "tools"), ("capabilities", "function_calling"), ("capabilities", "supports", "tool_calls"),
        ("supports_tools",),
    ),
}  # fmt: skip
"""The capabilities of models, each with the fields that tell it in a list: a truth value, or its `supported`."""

_LISTED_CAPABILITIES: Mapping[str, tuple[Path, str]] = {
    "image_input": (("architecture", "input_modalities"), "image"),
    "pdf_input": (("architecture", "input_modalities"), "file"),
    "reasoning": (("supported_parameters",), "reasoning"),
    "structured_outputs": (("supported_parameters",), "structured_outputs"),
    "tools": (("supported_parameters",), "tools"),
}
"""The same for servers that list what they support: the field of the list, and the word in it."""

_CONTEXT_WINDOWS: Sequence[Path] = (
    ("context_window",), ("context_length",), ("max_model_len",), ("max_context_length",), ("max_input_tokens",),
    ("capabilities", "limits", "max_context_window_tokens"), ("meta", "n_ctx"), ("meta", "n_ctx_train"),
)  # fmt: skip
_MAX_OUTPUT_TOKENS: Sequence[Path] = (
    ("max_output_tokens",), ("max_completion_tokens",), ("top_provider", "max_completion_tokens"), ("max_tokens",),
    ("capabilities", "limits", "max_output_tokens"),
)  # fmt: skip

_MAX_LIMIT = 10**9
_MAX_NAME_CHARS = 256


class ModelInfo(msgspec.Struct, frozen=True, gc=False):
    """A model as its provider lists it.

    Args:
        name: The provider's own name of the model.
        display_name: The name for people; empty if unknown.
        context_window: Tokens of prompt and answer together; None if unknown.
        max_output_tokens: Maximum tokens of an answer; None if unknown.
        capabilities: The known ones of `CAPABILITIES`, each with whether the model has it.
        reasoning_efforts: The values of `reasoning_effort` that the model takes, the smallest first; empty if it does
            not reason, None if unknown.
        anthropic_capabilities: The capabilities in the form of Anthropic's API; None if the provider has another form.
    """

    name: str
    display_name: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: Mapping[str, bool] = {}
    reasoning_efforts: Efforts | None = None
    anthropic_capabilities: Mapping[str, Any] | None = None


def read_model_info(name: str, entry: Mapping[str, Any]) -> ModelInfo:
    """Return what an entry of a provider's list of models says. Unusable values count as unknown.

    Args:
        name: The provider's own name of the model.
        entry: The entry, in OpenAI's form, in Anthropic's, or in that of a compatible server.
    """
    display_name, capabilities = entry.get("display_name"), entry.get("capabilities")
    is_anthropic = entry.get("type") == "model" and isinstance(capabilities, dict)
    known = {name: value for name in CAPABILITIES if (value := _capability(entry, name)) is not None}
    return ModelInfo(
        name,
        display_name[:_MAX_NAME_CHARS] if isinstance(display_name, str) else "",
        _first_limit(entry, _CONTEXT_WINDOWS),
        _first_limit(entry, _MAX_OUTPUT_TOKENS),
        known,
        listed_efforts(entry, known.get("reasoning")),
        capabilities if is_anthropic else None,
    )


def _first_limit(entry: Mapping[str, Any], paths: Sequence[Path]) -> int | None:
    return next(
        (value for path in paths if type(value := _value_at(entry, path)) is int and 0 < value <= _MAX_LIMIT), None
    )


def _capability(entry: Mapping[str, Any], name: str) -> bool | None:
    for path in CAPABILITIES[name]:
        match _value_at(entry, path):
            case bool(value) | {"supported": bool(value)}:
                return value
    path, word = _LISTED_CAPABILITIES[name]
    supported = _value_at(entry, path)
    return word in supported if isinstance(supported, list) else None


def _value_at(entry: Any, path: Path) -> Any:  # noqa: ANN401  # JSON values
    for name in path:
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


_FEATURES = {
    "files": "pdf_input",
    "images": "image_input",
    "reasoning_effort": "reasoning",
    "response_format": "structured_outputs",
    "tools": "tools",
}
"""Capabilities by the request features that need them; see `Provider.unsupported_features`."""


def missing_capabilities(unsupported_features: frozenset[str]) -> dict[str, bool]:
    """Return the capabilities that all models of a provider lack, each as False."""
    return {capability: False for feature, capability in _FEATURES.items() if feature in unsupported_features}


def complete_model_info(listed: ModelInfo, configured: ModelInfo | None) -> ModelInfo:
    """Return what is known of a model.

    Args:
        listed: What the provider's list says.
        configured: What the operator has configured, which has precedence; None for nothing.
    """
    if configured is None:
        return listed
    efforts = listed.reasoning_efforts
    is_reasoning = configured.capabilities.get("reasoning")
    if is_reasoning is not None and (not efforts or not is_reasoning):
        efforts = usual_efforts(is_reasoning)
    return msgspec.structs.replace(
        listed,
        context_window=configured.context_window or listed.context_window,
        capabilities={**listed.capabilities, **configured.capabilities},
        reasoning_efforts=efforts,
    )


def preferred_first(models: list[ModelInfo], preferred: tuple[str, ...]) -> list[ModelInfo]:
    """Return the models with the preferred ones first, in the order of `preferred`."""
    ranks = {name: rank for rank, name in enumerate(preferred)}
    return sorted(models, key=lambda model: ranks.get(model.name, len(ranks)))


def chain_model_info(name: str, chain: Sequence[ModelInfo]) -> ModelInfo:
    """Return what is known of an alias. It has what one of its models has: a chain skips models that cannot answer.

    Args:
        name: The alias.
        chain: Its models.
    """
    windows = [model.context_window for model in chain if model.context_window is not None]
    capabilities = {}
    for capability in CAPABILITIES:
        values = [model.capabilities.get(capability) for model in chain]
        if True in values or None not in values:
            capabilities[capability] = True in values
    is_known = len(windows) == len(chain)
    return ModelInfo(
        name,
        context_window=max(windows) if is_known else None,
        capabilities=capabilities,
        reasoning_efforts=joint_efforts([model.reasoning_efforts for model in chain]),
    )
