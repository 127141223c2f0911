"""What a server of chat completions accepts, beyond the common part of the API. Values, and pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec.structs import replace

from ..model_info import ModelInfo
from ..reasoning_efforts import USUAL_EFFORTS, Efforts
from .call_ids import bounded_call_id

MAX_CALL_ID_CHARS = 40
"""Characters of a tool call's id that OpenAI's own servers accept, also behind a gateway."""

_OPENAI_MODEL = re.compile(r"(.*/)?(ft:)?(gpt-\d|chatgpt-|codex-|o\d)")
_NOT_REASONING = re.compile(r"(.*/)?(ft:)?(gpt-3\.5|gpt-4|chatgpt-4o)")
_REASONING = re.compile(r"(.*/)?(ft:)?(o\d|codex-|gpt-([5-9]|\d\d)(?!.*-chat))")
_WITHOUT_EFFORTS = re.compile(r"(.*/)?o1-(mini|preview)")
_ONLY_HIGH = re.compile(r"(.*/)?gpt-5-pro")
_WITH_XHIGH = re.compile(r"(.*/)?gpt-(5\.\d+-codex-max|5\.([2-9]|\d\d)|[6-9])")


class ChatServer(NamedTuple):
    """The server of one request.

    Args:
        is_official: Whether OpenAI's own models are served there; see `Address.is_official`.
        model: The server's name of the model.
    """

    is_official: bool
    model: str

    def call_id(self, sent: str) -> str:
        """Return the id of a tool call as the server accepts it: the same one for the same id."""
        is_openai = self.is_official or _OPENAI_MODEL.match(self.model) is not None
        # Other ids stay: some gateways keep the reasoning's signature in them.
        return bounded_call_id(sent, MAX_CALL_ID_CHARS) if is_openai else sent

    @property
    def is_reasoning(self) -> bool:
        """Whether the model is one of OpenAI's that reason also where the request names no effort."""
        return _REASONING.match(self.model) is not None

    def effort(self, effort: str | None) -> str | None:
        """Return the reasoning effort for one in Anthropic's words; None if the model has no efforts."""
        if _NOT_REASONING.match(self.model):
            return None
        if effort in {"max", "xhigh"}:
            return "xhigh" if _WITH_XHIGH.match(self.model) else "high"
        return effort

    def efforts(self) -> Efforts | None:
        """Return the reasoning efforts that a model of OpenAI's is known to take; None if unknown."""
        if _NOT_REASONING.match(self.model) or _WITHOUT_EFFORTS.match(self.model):
            return ()
        if not self.is_reasoning:
            return None
        if _ONLY_HIGH.match(self.model):
            return ("high",)
        return (*USUAL_EFFORTS, "xhigh") if _WITH_XHIGH.match(self.model) else USUAL_EFFORTS


def with_known_reasoning(model: ModelInfo) -> ModelInfo:
    """Return a model of OpenAI's, whose list of models says nothing of reasoning, with what is known of it."""
    if model.reasoning_efforts is not None or (efforts := ChatServer(True, model.name).efforts()) is None:
        return model
    return replace(model, reasoning_efforts=efforts, capabilities={"reasoning": bool(efforts), **model.capabilities})
