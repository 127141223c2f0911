"""An error in OpenAI's two protocols, for the OpenAPI document. Values only."""

from __future__ import annotations

import msgspec


class OpenAIErrorDetails(msgspec.Struct, frozen=True):
    """What went wrong.

    Args:
        message: For people.
        type: OpenAI's error type.
        param: Always null.
        code: Stable, for programs.
    """

    message: str
    type: str
    param: None
    code: str


class OpenAIError(msgspec.Struct, frozen=True):
    """Why a request failed, in OpenAI's form.

    Args:
        error: What went wrong.
    """

    error: OpenAIErrorDetails
