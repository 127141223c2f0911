"""The body of what the AI SDK's `useChat` sends: UIMessages, which are what a page shows, and settings beside them."""

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
    **{
        re.sub("_(.)", lambda found: found[1].upper(), name): name
        for name in ChatOptions.__struct_fields__
        if "_" in name
    },
}
"""Settings as the SDK's server side calls them, and their names here: they are not to pass for an application's own."""


class UIMessagePart(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of a message. Its `type` says which of the fields it has, and other pieces of the SDK's have others.

    Args:
        type: `text`, `file`, `reasoning`, `step-start`, `tool-` and a name, `dynamic-tool`, or what is for the page.
        text: What was said, or thought.
        url: Where a file is, or itself as a `data:` URL.
        mediaType: Its type: `image/…`, or `text/…` in a `data:` URL.
        state: How far a tool call is.
        toolCallId: The call's id.
        toolName: The name of a `dynamic-tool`.
        input: The call's arguments.
        output: What came of it.
        errorText: Why it failed.
        providerMetadata: What a provider knows its reasoning by.
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
    error_text: str = ""
    provider_metadata: dict[str, Json] | None = None

    @property
    def called_tool(self) -> str | None:
        """The name of the tool that it calls; None where it is no call."""
        if self.type == "dynamic-tool":
            return self.tool_name
        return self.type.removeprefix("tool-") if self.type.startswith("tool-") else None


class UIMessage(msgspec.Struct, frozen=True):
    """A message as a page shows it. What else the page keeps in it is its own.

    Args:
        role: Whose it is.
        parts: Its pieces.
        id: Its id.
    """

    role: Literal["system", "user", "assistant"]
    parts: list[UIMessagePart]
    id: str = ""


class UIChatBody(ChatOptions, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The body of `POST /ai/chat`.

    Applications put fields of their own beside these, so that unknown ones are left alone.

    Args:
        id: The chat's id; without one the stream cannot be resumed.
        messages: The conversation.
        message: Instead: the last message of a conversation that is kept elsewhere. It is all that is asked.
        trigger: Whether the conversation goes on, or an answer is to be given anew.
        messageId: In the latter case: the answer that is to be replaced.
        schema: The JSON Schema that the answer is to fit.
    """

    id: str | None = None
    messages: list[UIMessage] | None = None
    message: UIMessage | None = None
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = msgspec.field(default=None, name="messageId")
    schema: Json | None = None

    def messages_to_answer(self) -> list[UIMessage]:
        """Return the messages that are to be answered, without the answer that is to be replaced and what follows it.

        Raises:
            InvalidRequest: there are none, or twice.
        """
        if (self.messages is None) == (self.message is None):
            raise InvalidRequest("The body must have either `messages` or, for a single one, `message`.")
        messages = [self.message] if self.message is not None else self.messages or []
        if self.trigger == "submit-message" or self.message_id is None:
            return messages
        for number, message in enumerate(messages):
            if message.id == self.message_id:
                return messages[: number if message.role == "assistant" else number + 1]
        return messages  # the client has dropped it already


def read_chat_body(fields: Json) -> UIChatBody:
    """Read a body.

    Raises:
        InvalidRequest: it has a setting by another name than the one it has here.
        msgspec.ValidationError: it is not as it should be.
    """
    for name in fields.keys() & OPTION_NAMES.keys():
        raise InvalidRequest(f"The body has {name}, which is {OPTION_NAMES[name]} here.")
    return msgspec.convert(fields, UIChatBody)
