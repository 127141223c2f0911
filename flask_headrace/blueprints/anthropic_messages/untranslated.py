"""What of a Messages API request a `ChatRequest` does not contain, named by paths for people. Pure.

The tables say what of the protocol has a counterpart in other protocols, and which values change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json
from ..http.untranslated import UntranslatedNames, unread_names

COUNTERPARTS: Mapping[str, tuple[str, str]] = {
    "messages": ("messages", "input"),
    "system": ("a system message", "a system message"),
    "max_tokens": ("max_tokens", "max_output_tokens"),
    "temperature": ("temperature", "temperature"),
    "top_p": ("top_p", "top_p"),
    "top_k": ("top_k, for servers that have it", "-"),
    "stop_sequences": ("stop", "-"),
    "tools": ("tools", "tools"),
    "tool_choice": ("tool_choice", "tool_choice"),
    "thinking": ("reasoning_effort", "reasoning.effort"),
    "output_config": ("reasoning_effort, response_format", "reasoning.effort, text.format"),
    "metadata": ("user", "safety_identifier"),
}
"""The fields that other models receive in another form: in chat completions, and in OpenAI's Responses API."""

_OWN_FIELDS = frozenset({"model", "stream", "resumable", "id"})
"""Fields that are meant for this service alone."""

_WITHOUT_MEANING_ELSEWHERE = frozenset({"cache_control"})
"""Fields that concern only the price of Anthropic's models."""

_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "service_tier": ("auto",),
    "speed": ("standard",),
    "inference_geo": ("global",),
    "allowed_callers": (["direct"],),
    "citations": ({"enabled": False},),
}
"""Values that ask for what all providers do anyway, by the field's name. So do null, false, and empty values."""

_ESSENTIAL_FIELDS = frozenset({"inference_geo"})
"""Fields that no other model can honour, and that must not be dropped: they say where the data may go."""

_TOOL_FIELDS = frozenset({
    "name", "input_schema", "description", "strict", "type", "cache_control", "eager_input_streaming",
})  # fmt: skip
_BLOCK_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "title", "context", "cache_control"}),
    "search_result": frozenset({"type", "source", "title", "content", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
}
"""The fields of the blocks that people and applications write. A model's own blocks go on without being named."""


class ThreadsNotSupported(InvalidRequest):
    """The request asks for a conversation that the provider keeps.

    Its code is Anthropic's, at which its SDK sends the whole conversation.
    """

    code = "thread_unsupported_request"


class Untranslated(UntranslatedNames):
    """The names of what a `ChatRequest` does not contain; see `UntranslatedNames`."""

    def add_fields(self, fields: Json) -> None:
        """Add the top-level fields without a counterpart.

        Raises:
            ThreadsNotSupported: the request asks for a conversation that the provider keeps.
        """
        if fields.get("thread") is not None:
            raise ThreadsNotSupported(
                "thread asks the provider to keep the conversation, under an id that this service does not pass on: "
                "omit it, and send the whole conversation."
            )
        self._add_state(fields)
        known = {*COUNTERPARTS, *_OWN_FIELDS, *_WITHOUT_MEANING_ELSEWHERE}
        for name in unread_names(fields, known, _DEFAULTS):
            (self.add_essential if name in _ESSENTIAL_FIELDS else self.add_unread)(name)
        for name, parts in (("output_config", {"effort", "format"}), ("metadata", {"user_id"})):
            if isinstance(value := fields.get(name), dict):
                self.add_unread(*[f"{name}.{part}" for part in unread_names(value, parts, _DEFAULTS)])

    def _add_state(self, fields: Json) -> None:
        container = fields.get("container")
        if isinstance(container, str) or (isinstance(container, dict) and container.get("id") is not None):
            self.add_state("container")

    def add_message_fields(self, message: Json, path: str) -> None:
        """Add the fields of a message beside its role and content."""
        self.add_unread(*[f"{path}.{name}" for name in unread_names(message, {"role", "content"}, _DEFAULTS)])

    def add_block_fields(self, block: Json, path: str) -> None:
        """Add the unread fields of a block that is read."""
        source, known = block.get("source"), _BLOCK_FIELDS.get(block["type"])
        if isinstance(source, dict) and source.get("file_id") is not None:
            self.add_state(f"{path}.source.file_id")
        if known is not None:
            self.add_unread(*[f"{path}.{name}" for name in unread_names(block, known, _DEFAULTS)])

    def add_block(self, block: Json, path: str, *, is_question: bool) -> None:
        """Add a block that is not read.

        Args:
            block: The block.
            path: Its path.
            is_question: Whether it is a part of what the user asks.

        Raises:
            InvalidRequest: the block has no type.
        """
        block_type = block.get("type")
        if not isinstance(block_type, str):
            raise InvalidRequest(f"{path} is of type {block_type!r:.100}: give each block its type, such as 'text'.")
        source = block.get("source")
        if block.get("file_id") is not None:
            self.add_state(f"{path}.file_id")
        elif isinstance(source, dict) and source.get("file_id") is not None:
            self.add_state(f"{path}.source.file_id")
        elif _has_file(block):
            self.add_state(f"{path} ({block_type:.40}) with a file_id")
        else:
            self.add_part(block_type, path, is_question=is_question)

    def add_tool(self, tool: Json, path: str) -> None:
        """Add a tool that is not read: one that the provider defines."""
        self.add_unread(f"{path} ({tool['type']:.40})")

    def add_tool_fields(self, tool: Json, path: str) -> None:
        """Add the unread fields of a tool that is read."""
        self.add_unread(*[f"{path}.{name}" for name in unread_names(tool, _TOOL_FIELDS, _DEFAULTS)])


def own_fields_removed(fields: Json) -> Json:
    """Return a request's top-level fields without its conversation and the fields for this service alone."""
    return {name: value for name, value in fields.items() if name != "messages" and name not in _OWN_FIELDS}


def _has_file(block: Json) -> bool:
    """Whether a block has a stored file as a source, at any depth. Results of the provider's tools may name files."""
    unseen: list[Any] = [block]
    while unseen:
        match unseen.pop():
            case {"type": "file", "file_id": str()}:
                return True
            case dict() as inner:
                unseen += inner.values()
            case list() as inner:
                unseen += inner
    return False
