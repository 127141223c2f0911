"""The models in the form of OpenAI's API, for the OpenAPI document. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType


class OpenAIModel(msgspec.Struct, frozen=True):
    """An available model, in OpenAI's form. The fields after `owned_by` are not OpenAI's.

    Args:
        id: The model's id, `provider/name` or an alias.
        object: The type of the object.
        created: 0: the time is not known.
        owned_by: The provider's name.
        context_window: Tokens of prompt and answer together, if known.
        max_output_tokens: Maximum tokens of an answer, if known.
        capabilities: The known capabilities, each with whether the model has it.
    """

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    context_window: int | UnsetType = UNSET
    max_output_tokens: int | UnsetType = UNSET
    capabilities: dict[str, bool] | UnsetType = UNSET


class OpenAIModelList(msgspec.Struct, frozen=True):
    """The available models, in OpenAI's form.

    Args:
        object: The type of the object.
        data: The models.
    """

    object: Literal["list"]
    data: list[OpenAIModel]
