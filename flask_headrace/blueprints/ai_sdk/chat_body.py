"""The body of the AI SDK's `useChat` from version 5 on: UIMessages, as the page shows them, and options."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json
from .options import ChatOptions


def _to_camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


OPTION_NAMES = {
    "maxOutputTokens": "max_tokens",
    "stopSequences": "stop",
    **{_to_camel_case(name): name for name in ChatOptions.__struct_fields__ if "_" in name},
}
"""The names of options here, by the AI SDK's camelCase names, which are rejected rather than ignored."""


class UIApproval(msgspec.Struct, frozen=True):
    """The approval of a tool call, in versions 6 and 7.

    Args:
        id: The id with which it was asked for.
        approved: Whether the tool may run; absent if nobody has answered.
        reason: Why not, for the model.
    """

    id: str
    approved: bool | None = None
    reason: str | None = None


class UIMessagePart(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a message. `type` determines which of the fields are present; unknown fields are ignored.

    Args:
        type: `text`, `file`, `reasoning`, `step-start`, `tool-` and a name, `dynamic-tool`, or a type for the page
            alone.
        text: The text of a text or reasoning part.
        url: The URL of a file, possibly a `data:` URL.
        mediaType: The media type of a file: `image/…`, or `text/…` in a `data:` URL.
        state: The state of a tool call.
        toolCallId: The id of a tool call.
        toolName: The name of a `dynamic-tool`.
        input: The arguments of a tool call.
        output: The result of a tool call.
        preliminary: Whether the output is what the tool has shown before its result.
        errorText: The error of a tool call.
        approval: The approval of a tool call that runs here.
        providerMetadata: The provider's signature of reasoning.
        data: The content of a `data-` part.
    """

    type: str
    text: str = ""
    url: str = ""
    media_type: str = ""
    state: str = ""
    tool_call_id: str = ""
    tool_name: str = ""
    input: Any = None
    output: Any = None
    preliminary: bool | None = None
    error_text: str = ""
    approval: UIApproval | None = None
    provider_metadata: dict[str, Json] | None = None
    data: Any = None

    @property
    def called_tool(self) -> str | None:
        """The name of the called tool; None if the part is no tool call."""
        if self.type == "dynamic-tool":
            return self.tool_name
        return self.type.removeprefix("tool-") if self.type.startswith("tool-") else None

    @property
    def has_result(self) -> bool:
        """Whether a tool call has its result, or will never have one."""
        return self.state.startswith("output-") and not self.preliminary


class UIMessage(msgspec.Struct, frozen=True):
    """A message as the page shows it. Further fields belong to the page and are ignored.

    Args:
        role: The author.
        parts: The parts of the message.
        id: The message's id.
    """

    role: Literal["system", "user", "assistant"]
    parts: list[UIMessagePart]
    id: str = ""


class UIChatBody(ChatOptions, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The body of `POST /ai/chat`.

    Applications add their own fields, so unknown fields are ignored.

    Args:
        id: The chat's id, by which a resumable answer is resumed; the hook generates one.
        messages: The conversation.
        message: The last message of a conversation that is stored elsewhere, instead of `messages`. The model receives
            only this message.
        trigger: Whether the client submits a message or regenerates an answer.
        messageId: The answer to regenerate.
        schema: The JSON Schema that the answer must match.
        resumable: Whether the answer continues after its client disconnects, and can be resumed.
        ai: The major version of the client's npm package `ai`. With 6 and 7, tools that run here can ask for approval
            (`tool-approval-request`). With 7, which must be 7.0.70 or later, an answer that begins again removes what
            was shown (`reset-step`), and a stopped answer has its reason in `abort`.
    """

    id: str | None = None
    messages: list[UIMessage] | None = None
    message: UIMessage | None = None
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = msgspec.field(default=None, name="messageId")
    schema: Json | None = None
    resumable: bool = False
    ai: Literal[5, 6, 7] | None = None

    def messages_to_answer(self) -> list[UIMessage]:
        """Return the messages for the model, without the answer to regenerate and the messages after it.

        Raises:
            InvalidRequest: both or neither of `messages` and `message` are present.
        """
        if (self.messages is None) == (self.message is None):
            raise InvalidRequest("The body must have either `messages` or, for a single one, `message`.")
        messages = [self.message] if self.message is not None else self.messages or []
        if self.trigger == "submit-message" or self.message_id is None:
            return messages
        for number, message in enumerate(messages):
            if message.id == self.message_id:
                return messages[: number if message.role == "assistant" else number + 1]
        return messages  # the client has already removed the answer


def read_chat_body(fields: Json) -> UIChatBody:
    """Return the body from its JSON object.

    Raises:
        InvalidRequest: an option has the AI SDK's name instead of the one in `ChatOptions`.
        msgspec.ValidationError: a field has the wrong type.
    """
    for name in fields.keys() & OPTION_NAMES.keys():
        raise InvalidRequest(f"The body has {name}: rename it to {OPTION_NAMES[name]}.")
    return msgspec.convert(fields, UIChatBody)
