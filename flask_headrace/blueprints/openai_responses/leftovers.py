"""What of a Responses API request has no place in a `ChatRequest`, by name. Values, and pure.

Providers of the Responses API receive it in the client's own words. For the others these names decide: a provider can
do without, or it cannot answer the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...providers.chat_request import Json
from ..openai_shared.provider_state import state_names

MAX_NAMES = 200
"""Names that are collected of one kind: the client chooses them, and a header shows only some."""

SERVICE_FIELDS = frozenset({"background", "background_options", "id", "input", "model", "resumable", "stream"})
"""Fields that no provider receives as the client sent them."""

COUNTERPARTS: Mapping[str, tuple[str, str]] = {
    "input": ("messages", "messages"),
    "instructions": ("a system message", "system"),
    "max_output_tokens": ("max_tokens", "max_tokens"),
    "temperature": ("temperature", "temperature"),
    "top_p": ("top_p", "top_p"),
    "tools": ("tools", "tools"),
    "tool_choice": ("tool_choice", "tool_choice"),
    "parallel_tool_calls": ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    "text": ("response_format, verbosity", "output_config.format"),
    "reasoning": ("reasoning_effort", "output_config.effort"),
    "user": ("user", "metadata.user_id"),
    "safety_identifier": ("user", "metadata.user_id"),
    "service_tier": ("service_tier", "-"),
    "prompt_cache_key": ("prompt_cache_key, for OpenAI's own servers", "-"),
}
"""The fields that other models receive in another form: in chat completions, and in Anthropic's Messages API."""

_TRANSLATED = frozenset(name for name, (_, anthropic) in COUNTERPARTS.items() if anthropic != "-")
"""Those of them that a `ChatRequest` contains."""

_STATE_FIELDS = ("conversation", "previous_response_id", "prompt")
_WITHOUT_MEANING_ELSEWHERE = frozenset({"max_tool_calls", "metadata", "stream_options", "truncation"})
"""Fields that ask nothing of other providers.

`max_tool_calls` limits the provider's own tools, `metadata` is echoed here, frames are never padded, and a provider
decides by itself what is too long.
"""

_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "include": (["reasoning.encrypted_content"],),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
}
"""Values that ask for what every provider does anyway, by the field's name. So do null, false, and empty values."""

_READ_PARTS: Mapping[str, frozenset[str]] = {
    "reasoning": frozenset({"effort", "generate_summary", "summary"}),
    "text": frozenset({"format", "verbosity"}),
}
_MESSAGE_FIELDS = frozenset({"type", "id", "role", "content", "status", "phase"})


class Leftovers:
    """Collects the names of what a `ChatRequest` does not contain.

    Attributes:
        unread: What providers of another protocol do without; see `SourceRequest`.
        essential: What the question depends on.
        state: What names a state that the provider's server keeps.
    """

    def __init__(self) -> None:
        self.unread: list[str] = []
        self.essential: list[str] = []
        self.state: list[str] = []

    def add_fields(self, fields: Json) -> None:
        """Add the top-level fields without a counterpart."""
        self.state += [name for name in _STATE_FIELDS if fields.get(name) is not None]
        known = {*_TRANSLATED, *SERVICE_FIELDS, *_STATE_FIELDS, *_WITHOUT_MEANING_ELSEWHERE}
        unread = _unread_names(fields, known)
        _extend(self.unread, unread)
        _extend(self.state, state_names({name: fields[name] for name in unread}))
        for name, parts in _READ_PARTS.items():
            if isinstance(value := fields.get(name), dict):
                _extend(self.unread, [f"{name}.{part}" for part in _unread_names(value, parts)])

    def add_message_fields(self, message: Json, path: str) -> None:
        """Add the unknown fields of a message that no model wrote."""
        _extend(self.unread, [f"{path}.{name}" for name in _unread_names(message, _MESSAGE_FIELDS)])

    def add_part(self, part: Json, path: str, *, is_question: bool) -> None:
        """Add a content part of an unknown type; `is_question` says whether it is a part of what the user asks."""
        part_type = str(part["type"])
        self.add_states(part, path)
        _extend(self.essential if is_question else self.unread, [f"{path} ({part_type:.40})"])

    def add_item(self, item: Json, path: str) -> None:
        """Add an item of an unknown type.

        A compacted conversation cannot be done without; calls of the provider's own tools can.
        """
        item_type = str(item["type"])
        self.add_states(item, path)
        # A picture without its content is known by its id alone.
        is_stored_image = item_type == "image_generation_call" and item.get("id") and not item.get("result")
        if item_type == "item_reference" or is_stored_image:
            _extend(self.state, [f"{path} ({item_type})"])
        else:
            names = self.essential if item_type.startswith("compaction") else self.unread
            _extend(names, [f"{path} ({item_type:.40})"])

    def add_tool(self, tool: Json, path: str) -> None:
        """Add a tool that is the provider's own."""
        _extend(self.unread, [f"{path} ({tool['type']!s:.40})"])
        self.add_states(tool, path)

    def add_states(self, value: Json, path: str) -> None:
        """Add what in a JSON object names a state of the provider's server."""
        _extend(self.state, [f"{path}.{name}" for name in state_names(value)])

    def add_unread(self, name: str) -> None:
        """Add something that a provider of another protocol does without."""
        _extend(self.unread, [name])


def _extend(names: list[str], more: Iterable[str]) -> None:
    names += list(more)[: max(0, MAX_NAMES - len(names))]


def _unread_names(fields: Json, known: Iterable[str]) -> list[str]:
    read = frozenset(known)
    return [
        name
        for name, value in fields.items()
        if name not in read and value not in (None, False, [], {}) and value not in _DEFAULTS.get(name, ())
    ]
