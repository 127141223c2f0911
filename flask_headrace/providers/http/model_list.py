"""The body of a `GET /models` response, of OpenAI's API or of Anthropic's."""

from __future__ import annotations

import logging
from typing import Any

import httpx2
import msgspec

from ...core.errors import UpstreamProtocolError
from ..model_info import ModelInfo, read_model_info

log = logging.getLogger("flask_headrace")

MAX_LISTED_MODELS = 10_000
"""Maximum number of models from one upstream: they are cached, and listed to every client."""


class _ModelList(msgspec.Struct):
    data: list[dict[str, Any]] | None = None


def parse_model_list(upstream: str, response: httpx2.Response) -> list[ModelInfo]:
    """Return the models of a `GET /models` response, at most MAX_LISTED_MODELS of them.

    The SDKs' own parsers are not used: they fail with various exceptions if the body is something else.

    Args:
        upstream: The upstream's name in messages.
        response: The response, with its body read.

    Raises:
        UpstreamProtocolError: the body is not a list of models.
    """
    try:
        entries = msgspec.json.decode(response.content, type=_ModelList).data or []
        names = msgspec.convert([entry.get("id") for entry in entries], list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamProtocolError(
            f"{upstream} answered with something that is not a list of models. Check its base URL."
        ) from error
    if len(names) > MAX_LISTED_MODELS:
        log.warning("%s lists %d models: only the first %d of them are used", upstream, len(names), MAX_LISTED_MODELS)
    return [read_model_info(name, entry) for name, entry in list(zip(names, entries, strict=True))[:MAX_LISTED_MODELS]]


def preferred_first(models: list[ModelInfo], preferred: tuple[str, ...]) -> list[ModelInfo]:
    """Return the models with the preferred ones first, in the order of `preferred`."""
    ranks = {name: rank for rank, name in enumerate(preferred)}
    return sorted(models, key=lambda model: ranks.get(model.name, len(ranks)))
