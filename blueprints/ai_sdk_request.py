"""What the AI SDK's `useChat` sends, read into a question. Pure.

A conversation comes as UIMessages: what a page shows, of which only a part is for the model. The settings stand beside
it, by the names of the native protocol; a page sets them in its transport's `body`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from ..providers.request import (
    AnswerFormat,
    ChatRequest,
    ImagePart,
    Json,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..streaming.errors import InvalidRequest
from ..streaming.wire.ui_messages import RESTART

SETTINGS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "thinking",
)
"""Fields of a question that stand in the body by the same name."""

MISNAMED = {
    "maxTokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "stopSequences": "stop",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "toolChoice": "tool_choice",
}
"""Settings as the SDK's server side calls them, and their names here."""

UNANSWERED = "The call was not answered."
DENIED = "The user did not allow the call."


class UiPart(msgspec.Struct, frozen=True, rename="camel"):
    """A piece of a message. Its `type` says which of the fields it has."""

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
    def called(self) -> str | None:
        """The name of the tool that it calls; None where it is no call."""
        if self.type == "dynamic-tool":
            return self.tool_name
        return self.type.removeprefix("tool-") if self.type.startswith("tool-") else None


class UiMessage(msgspec.Struct, frozen=True):
    """A message as a page shows it. What else the page keeps in it is its own."""

    role: Literal["system", "user", "assistant"]
    parts: list[UiPart]
    id: str = ""


class ChatBody(msgspec.Struct, frozen=True):
    """The body of `POST /ai/chat`.

    Applications put fields of their own beside these, so that unknown ones are left alone.

    Args:
        id: The chat's id; None for a stream that is not resumed.
        messages: The conversation.
        message: The last message of a conversation that the application keeps elsewhere: it is all that is asked.
        trigger: Whether the conversation goes on, or an answer is to be given anew.
        message_id: In the latter case: the answer that is to be replaced.
        schema: The JSON Schema that the answer must fit.
    """

    id: str | None = None
    messages: list[UiMessage] | None = None
    message: UiMessage | None = None
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = msgspec.field(default=None, name="messageId")
    model: str | None = None
    system: str | None = None
    schema: Json | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    thinking: Json | None = None

    def conversation(self) -> list[UiMessage]:
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


def read_chat_body(fields: Json) -> ChatBody:
    """Read a body.

    Raises:
        InvalidRequest: it has a setting by another name than the one it has here.
        msgspec.ValidationError: it is not as it should be.
    """
    for name in fields.keys() & MISNAMED.keys():
        raise InvalidRequest(f"The body has {name}, which is {MISNAMED[name]} here.")
    return msgspec.convert(fields, ChatBody)


def question_of(body: ChatBody) -> ChatRequest:
    """Return what the model is asked.

    Raises:
        InvalidRequest: a part of a message cannot be passed on; the message names it.
    """
    asked = body.conversation()
    system = (Message("system", body.system),) if body.system and asked else ()
    settings: dict[str, Any] = {name: getattr(body, name) for name in SETTINGS}
    return ChatRequest(
        model="",
        messages=(*system, *_turns(asked)),
        answer_format=None if body.schema is None else AnswerFormat(body.schema),
        **settings,
    )


Placed: TypeAlias = list[tuple[str, UiPart]]
"""Parts, each with the path to it that errors name."""


def _turns(messages: Sequence[UiMessage]) -> Iterator[Message]:
    for number, message in enumerate(messages):
        parts = [(f"messages[{number}].parts[{place}]", part) for place, part in enumerate(message.parts)]
        match message.role:
            case "system":
                yield Message("system", "".join([part.text for part in message.parts if part.type == "text"]))
            case "user":
                yield Message("user", _plain(tuple(_contents(parts))))
            case "assistant":
                is_last = number == len(messages) - 1
                for step in _steps(parts):
                    yield from _step(step, is_last=is_last)


def _steps(parts: Placed) -> Iterator[Placed]:
    """Return an assistant's requests to the model one by one: the results of the calls in one lie before the next."""
    step: Placed = []
    kept = max([number for number, (_, part) in enumerate(parts, 1) if part.type == RESTART], default=0)
    for place, part in parts[kept:]:
        if part.type == "step-start":
            yield step
            step = []
        else:
            step.append((place, part))
    yield step


def _step(parts: Placed, *, is_last: bool) -> Iterator[Message]:
    # What was cut off before it was whole was no call.
    calls = [(place, part) for place, part in parts if part.called is not None and part.state != "input-streaming"]
    content = tuple(_contents([(place, part) for place, part in parts if part.called is None], of_user=False))
    if content or calls:
        yield Message("assistant", content, tool_calls=tuple([_call(place, part) for place, part in calls]))
    for place, part in calls:
        if is_last and not part.state.startswith("output-"):
            raise InvalidRequest(f"{place} calls {part.called!r:.100} and has no output yet: send it when it has one.")
        yield _result(part)


def _contents(parts: Placed, *, of_user: bool = True) -> Iterator[Part]:
    for place, part in parts:
        match part.type:
            case "text" if part.text:
                yield TextPart(part.text)
            case "reasoning":
                yield _reasoning(part)
            case "file":
                yield _picture(place, part, of_user=of_user)
            case "text" | "step-start":
                pass
            case type_ if not type_.startswith(("source-", "data-")):  # for the page, not for the model
                raise InvalidRequest(f"{place} is of the type {type_!r:.100}, which cannot be passed on: leave it out.")


def _plain(content: tuple[Part, ...]) -> str | tuple[Part, ...]:
    # Many servers that speak OpenAI's protocol read a list only where there are pictures.
    match content:
        case (TextPart(text=text),):
            return text
        case _:
            return content


def _picture(place: str, part: UiPart, *, of_user: bool) -> ImagePart:
    if not of_user:
        raise InvalidRequest(f"{place} is a file in an assistant's message: only a user's may have files.")
    if not part.media_type.startswith("image/"):
        raise InvalidRequest(f"{place} is a file of the type {part.media_type!r:.100}: it must be a picture, image/….")
    return ImagePart(part.url)


def _reasoning(part: UiPart) -> ReasoningPart:
    known = (part.provider_metadata or {}).get("anthropic", {})
    if isinstance(redacted := known.get("redactedData"), str):
        return ReasoningPart("", redacted, is_redacted=True)
    signature = known.get("signature")
    return ReasoningPart(part.text, signature if isinstance(signature, str) else None)


def _call(place: str, part: UiPart) -> ToolCall:
    if not part.called or not part.tool_call_id:
        raise InvalidRequest(f"{place} is a tool call without a name or without `toolCallId`.")
    # One that failed before it was whole has none.
    return ToolCall(part.tool_call_id, part.called, part.input if isinstance(part.input, dict) else {})


def _result(part: UiPart) -> Message:
    match part.state:
        case "output-available":
            output = part.output if isinstance(part.output, str) else msgspec.json.encode(part.output).decode()
            return Message("tool", output, tool_call_id=part.tool_call_id)
        case "output-error":
            return Message("tool", part.error_text, tool_call_id=part.tool_call_id, is_error=True)
        case "output-denied":
            return Message("tool", DENIED, tool_call_id=part.tool_call_id, is_error=True)
        case _:
            return Message("tool", UNANSWERED, tool_call_id=part.tool_call_id, is_error=True)
