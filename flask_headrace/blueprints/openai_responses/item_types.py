"""The items of a response and their parts, for the OpenAPI document. Values only.

A provider of the same API may add further fields, items and parts.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from ...providers.chat_request import Json
from ..openapi.operation import schema_name
from .output_items import Status

PROVIDER_ITEM_TYPES = (
    "apply_patch_call", "apply_patch_call_output", "code_interpreter_call", "compaction", "computer_call",
    "computer_call_output", "file_search_call", "image_generation_call", "local_shell_call", "local_shell_call_output",
    "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "shell_call", "shell_call_output",
    "tool_search_call", "tool_search_output", "web_search_call",
)  # fmt: skip
"""The types of items that only providers send."""

PROVIDER_PART_TYPES = ("output_audio",)
"""The types of parts that only providers send."""


class OutputTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="output_text"):
    """A text in a message.

    Args:
        text: The text.
        annotations: The provider's annotations of the text.
        logprobs: The log probabilities of the tokens, if the provider returns them.
    """

    text: str
    annotations: list[Json]
    logprobs: list[Json]


class RefusalPart(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    """A refusal of the model in a message.

    Args:
        refusal: What the model says.
    """

    refusal: str


class ReasoningTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning_text"):
    """A text of the model's reasoning.

    Args:
        text: The text.
    """

    text: str


class SummaryTextPart(msgspec.Struct, frozen=True, tag_field="type", tag="summary_text"):
    """A summary of the model's reasoning.

    Args:
        text: The summary.
    """

    text: str


OutputPart: TypeAlias = Annotated[
    OutputTextPart | RefusalPart | ReasoningTextPart, schema_name("OutputPart", PROVIDER_PART_TYPES)
]


class OutputMessage(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """A message of the model.

    Args:
        id: The id of the item.
        status: Whether the message is complete.
        role: The author.
        content: The parts of the message.
    """

    id: str
    status: Status
    role: Literal["assistant"]
    content: list[OutputPart]


class OutputReasoning(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning"):
    """The model's reasoning.

    Args:
        id: The id of the item.
        summary: The summary, if the provider returns one.
        content: The text itself, if the provider returns it.
        encrypted_content: The provider's opaque token for the reasoning, for the next request of the conversation.
        status: As the provider reports it.
    """

    id: str
    summary: list[SummaryTextPart]
    content: list[ReasoningTextPart] | UnsetType | None = UNSET
    encrypted_content: str | UnsetType | None = UNSET
    status: str | UnsetType | None = UNSET


class OutputFunctionCall(msgspec.Struct, frozen=True, tag_field="type", tag="function_call"):
    """A call of a function.

    Args:
        id: The id of the item.
        status: Whether the call is complete.
        call_id: The id of the call, which its output repeats.
        name: The function's name.
        arguments: The arguments as JSON text.
        namespace: The namespace of the function, if it has one.
    """

    id: str
    status: Status
    call_id: str
    name: str
    arguments: str
    namespace: str | UnsetType = UNSET


class OutputCustomToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="custom_tool_call"):
    """A call of a custom tool.

    Args:
        id: The id of the item.
        status: Whether the call is complete.
        call_id: The id of the call, which its output repeats.
        name: The tool's name.
        input: The free text with which the tool is called.
        namespace: The namespace of the tool, if it has one.
    """

    id: str
    status: Status
    call_id: str
    name: str
    input: str
    namespace: str | UnsetType = UNSET


OutputItem: TypeAlias = Annotated[
    OutputMessage | OutputReasoning | OutputFunctionCall | OutputCustomToolCall,
    schema_name("OutputItem", PROVIDER_ITEM_TYPES),
]
