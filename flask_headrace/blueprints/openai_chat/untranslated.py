"""What of a chat completion request has no place in a `ChatRequest`, by name. Values, and pure.

Providers of chat completions receive it in the client's own words. For the others these names decide: a provider can do
without, or it cannot answer the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...providers.chat_request import Json
from ..http.untranslated import UntranslatedNames
from ..openai_shared.provider_state import state_names
from .body import ChatCompletionMessageParam

SERVICE_FIELDS = frozenset({"messages", "model", "stream", "resumable", "id"})
"""Fields that no provider receives as the client sent them."""

COUNTERPARTS: Mapping[str, tuple[str, str]] = {
    "messages": ("messages, system", "input"),
    "max_tokens": ("max_tokens", "max_output_tokens"),
    "max_completion_tokens": ("max_tokens", "max_output_tokens"),
    "temperature": ("temperature", "temperature"),
    "top_p": ("top_p", "top_p"),
    "top_k": ("top_k", "-"),
    "stop": ("stop_sequences", "-"),
    "seed": ("-", "-"),
    "frequency_penalty": ("-", "-"),
    "presence_penalty": ("-", "-"),
    "tools": ("tools", "tools"),
    "tool_choice": ("tool_choice", "tool_choice"),
    "parallel_tool_calls": ("tool_choice", "parallel_tool_calls"),
    "response_format": ("output_config.format, or a tool", "text.format"),
    "reasoning_effort": ("output_config.effort, or thinking", "reasoning.effort"),
    "reasoning": ("output_config.effort, or thinking", "reasoning.effort"),
    "thinking": ("thinking", "reasoning.effort"),
    "verbosity": ("-", "text.verbosity"),
    "user": ("metadata.user_id", "safety_identifier"),
    "safety_identifier": ("metadata.user_id", "safety_identifier"),
    "functions": ("tools", "tools"),
    "function_call": ("tool_choice", "tool_choice"),
}
"""Where Anthropic's Messages API and OpenAI's Responses API have each field that a `ChatRequest` contains; `-` if they
lack it. docs/clients.md has the same table."""

HARMLESS_VALUES: Mapping[str, tuple[Any, ...]] = {
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
}
"""Values that ask for what every provider does anyway: nobody is told that they are left out."""

_STATE_FIELDS = ("conversation", "previous_response_id")
"""Fields of gateways that name a conversation which the provider's server keeps."""

_READ_FIELDS = SERVICE_FIELDS | COUNTERPARTS.keys() | {"stream_options", *_STATE_FIELDS}
_READ_MESSAGE_FIELDS = frozenset(ChatCompletionMessageParam.__struct_fields__) | {"annotations", "parsed"}


class Untranslated(UntranslatedNames):
    """The names of what a `ChatRequest` does not contain; see `UntranslatedNames`."""

    def add_fields(self, fields: Json) -> None:
        """Add the unknown fields of a body."""
        self.add_state(*[name for name in _STATE_FIELDS if fields.get(name) is not None])
        unread = {name: value for name, value in fields.items() if name not in _READ_FIELDS and name != "metadata"}
        self.add_state(*state_names(unread))
        self.add_unread(
            *[
                name
                for name, value in fields.items()
                if name not in _READ_FIELDS and value is not None and value not in HARMLESS_VALUES.get(name, ())
            ]
        )

    def add_message(self, message: Json, path: str) -> None:
        """Add the unknown fields of a message."""
        self.add_unread(
            *[
                f"{path}.{name}"
                for name, value in message.items()
                if name not in _READ_MESSAGE_FIELDS and value is not None
            ]
        )

    def add_states(self, value: Json, path: str) -> None:
        """Add what in a JSON object names a state that the provider's server keeps."""
        self.add_state(*[f"{path}.{name}" for name in state_names(value)])
