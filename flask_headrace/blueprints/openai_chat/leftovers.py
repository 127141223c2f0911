"""What of a chat completion request has no place in a `ChatRequest`, by name. Values, and pure.

Providers of chat completions receive it in the client's own words. For the others these names decide: a provider can do
without, or it cannot answer the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ...providers.chat_request import Json
from ..openai_shared.provider_state import state_names
from .body import MessageParam

MAX_NAMES = 200
"""Names that are collected of one kind: the client chooses them, and a header shows only some."""

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
_READ_MESSAGE_FIELDS = frozenset(MessageParam.__struct_fields__) | {"annotations", "parsed"}


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
        """Add the unknown fields of a body."""
        self.state += [name for name in _STATE_FIELDS if fields.get(name) is not None]
        unread = {name: value for name, value in fields.items() if name not in _READ_FIELDS and name != "metadata"}
        self._add_state(state_names(unread))
        self._add_unread(
            name
            for name, value in fields.items()
            if name not in _READ_FIELDS and value is not None and value not in HARMLESS_VALUES.get(name, ())
        )

    def add_message(self, message: Json, path: str) -> None:
        """Add the unknown fields of a message."""
        self._add_unread(
            f"{path}.{name}"
            for name, value in message.items()
            if name not in _READ_MESSAGE_FIELDS and value is not None
        )

    def add_states(self, value: Json, path: str) -> None:
        """Add what in a JSON object names a state that the provider's server keeps."""
        self._add_state(f"{path}.{name}" for name in state_names(value))

    def add_part(self, part_type: str, path: str, *, is_essential: bool) -> None:
        """Add a content part of an unknown type.

        Args:
            part_type: The type.
            path: The place of the part.
            is_essential: Whether the part belongs to the question.
        """
        names = self.essential if is_essential else self.unread
        if len(names) < MAX_NAMES:
            names.append(f"{path} ({part_type:.40})")

    def add_unread(self, name: str) -> None:
        """Add something that a provider of another protocol does without."""
        self._add_unread([name])

    def _add_state(self, names: Iterable[str]) -> None:
        self.state += islice(names, max(0, MAX_NAMES - len(self.state)))

    def _add_unread(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self.unread) >= MAX_NAMES:
                return
            self.unread.append(name)
