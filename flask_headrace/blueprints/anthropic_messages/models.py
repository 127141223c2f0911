"""The models in the form of Anthropic's API: one, and pages of the list. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import InvalidRequest
from ...providers.registry import Model

MAX_LIMIT = 1000
"""Maximum number of models that a client may ask for on one page."""

_CAPABILITIES = {
    "image_input": "image_input",
    "pdf_input": "pdf_input",
    "reasoning": "thinking",
    "structured_outputs": "structured_outputs",
}
"""Anthropic's names of capabilities. Its API has none for tools, which all of its models have."""


def models_page(
    models: Sequence[Model], *, limit: str | None = None, before_id: str | None = None, after_id: str | None = None
) -> dict[str, Any]:
    """Return the body of Anthropic's `GET /v1/models`.

    Args:
        models: All models.
        limit: Maximum number of models on the page, as the client wrote it; None for no limit.
        before_id: The id of the model before which the page ends; None for no such model.
        after_id: The id of the model after which the page begins; None for no such model.

    Raises:
        InvalidRequest: an argument is not valid.
    """
    if before_id and after_id:
        raise InvalidRequest("before_id and after_id are both given: send one of them.")
    count, ids = _parse_limit(limit, len(models)), [model.id for model in models]
    if before_id:
        rest = models[: _index("before_id", before_id, ids)]
        page = rest[max(0, len(rest) - count) :]
    else:
        rest = models[_index("after_id", after_id, ids) + 1 if after_id else 0 :]
        page = rest[:count]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    data = [model_object(model) for model in page]
    return {"data": data, "has_more": len(rest) > len(page), "first_id": first, "last_id": last}


def model_object(model: Model) -> dict[str, Any]:
    """Return a model in the form of Anthropic's API; unknown limits and capabilities are null."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name or model.name,
        # Anthropic's API sends this date if a model's date is unknown.
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output_tokens,
        "capabilities": model.anthropic_capabilities or _capabilities_object(model.capabilities),
        **({} if model.context_window is None else {"context_window": model.context_window}),
    }


def _capabilities_object(capabilities: Mapping[str, bool]) -> dict[str, Any] | None:
    known = {
        name: {"supported": capabilities[capability]}
        for capability, name in _CAPABILITIES.items()
        if capability in capabilities
    }
    return known or None


def _parse_limit(limit: str | None, default: int) -> int:
    if limit is None:
        return default
    # `isdecimal` accepts the digits of all scripts.
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= 9 and 1 <= int(limit) <= MAX_LIMIT):
        raise InvalidRequest(f"limit is {limit!r:.50}: it must be a number from 1 to {MAX_LIMIT}.")
    return int(limit)


def _index(parameter: str, id: str, ids: Sequence[str]) -> int:  # noqa: A002  # the field's name
    if id not in ids:
        raise InvalidRequest(f"{parameter} is {id!r:.102}, and no model of this id is listed: begin at the first page.")
    return ids.index(id)
