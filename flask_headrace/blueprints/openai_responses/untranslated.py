"""What of a Responses API request has no place in a `ChatRequest`, by name. Values, and pure.

Providers of the Responses API receive it in the client's own words. For the others these names decide: a provider can
do without, or it cannot answer the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...providers.chat_request import Json
from ..http.untranslated import UntranslatedNames, unread_names
from ..openai_shared.provider_state import state_names

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


class Untranslated(UntranslatedNames):
    """The names of what a `ChatRequest` does not contain; see `UntranslatedNames`."""

    def add_fields(self, fields: Json) -> None:
        """Add the top-level fields without a counterpart."""
        self.add_state(*[name for name in _STATE_FIELDS if fields.get(name) is not None])
        known = {*_TRANSLATED, *SERVICE_FIELDS, *_STATE_FIELDS, *_WITHOUT_MEANING_ELSEWHERE}
        unread = unread_names(fields, known, _DEFAULTS)
        self.add_unread(*unread)
        self.add_state(*state_names({name: fields[name] for name in unread}))
        for name, parts in _READ_PARTS.items():
            if isinstance(value := fields.get(name), dict):
                self.add_unread(*[f"{name}.{part}" for part in unread_names(value, parts, _DEFAULTS)])

    def add_message_fields(self, message: Json, path: str) -> None:
        """Add the unknown fields of a message that no model wrote."""
        self.add_unread(*[f"{path}.{name}" for name in unread_names(message, _MESSAGE_FIELDS, _DEFAULTS)])

    def add_item(self, item: Json, path: str) -> None:
        """Add an item of an unknown type.

        A compacted conversation cannot be done without; calls of the provider's own tools can.
        """
        item_type = str(item["type"])
        self.add_states(item, path)
        # A picture without its content is known by its id alone.
        is_stored_image = item_type == "image_generation_call" and item.get("id") and not item.get("result")
        if item_type == "item_reference" or is_stored_image:
            self.add_state(f"{path} ({item_type})")
        else:
            add = self.add_essential if item_type.startswith("compaction") else self.add_unread
            add(f"{path} ({item_type:.40})")

    def add_tool(self, tool: Json, path: str) -> None:
        """Add a tool that is the provider's own."""
        self.add_unread(f"{path} ({tool['type']!s:.40})")
        self.add_states(tool, path)

    def add_states(self, value: Json, path: str) -> None:
        """Add what in a JSON object names a state that the provider's server keeps."""
        self.add_state(*[f"{path}.{name}" for name in state_names(value)])
