"""A chat request: the conversation, the tools, and how the model generates its answer. Values only.

The names are those of OpenAI's chat completions where that API has one. Every client protocol is converted to these
values, and every provider builds its request body from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

MAX_MESSAGES = 1000
"""Messages that one chat request may have."""


class _Value(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the values of a chat request: frozen, compared by value; decoding rejects unknown fields."""


class TextPart(_Value, frozen=True, gc=False, tag_field="type", tag="text"):
    """A piece of a message's text. `cache_control` goes to Anthropic's prompt cache; other providers drop it."""

    text: str
    cache_control: Json | None = None


class ImagePart(_Value, frozen=True, gc=False, tag_field="type", tag="image"):
    """An image in a message.

    Args:
        url: The address from which the provider loads the image, or a `data:` URL that contains it.
        detail: The resolution at which the model sees the image, in OpenAI's words; None for the provider's default.
        cache_control: See `TextPart`.
    """

    url: str
    detail: str | None = None
    cache_control: Json | None = None


class ReasoningPart(_Value, frozen=True, gc=False, tag_field="type", tag="reasoning"):
    """The reasoning of the model before one of its earlier answers.

    Args:
        text: The reasoning; empty if the provider does not reveal it.
        signature: The provider's signature of the reasoning. Anthropic requires text and signature in requests that
            return the results of tool calls.
        is_redacted: Whether the provider returned only the signature.
    """

    text: str
    signature: str | None = None
    is_redacted: bool = False


Part: TypeAlias = TextPart | ImagePart | ReasoningPart


class ToolCall(_Value, frozen=True, gc=False):
    """A tool call that the model made in an earlier answer. `cache_control`: see `TextPart`."""

    id: str
    name: str
    arguments: Json = {}  # msgspec gives each value one of its own
    cache_control: Json | None = None


class Message(_Value, frozen=True, gc=False):
    """One message of a conversation.

    Args:
        role: The author; `tool` for the result of a tool call.
        content: The text, or a tuple of parts.
        tool_calls: The tool calls of an assistant message.
        tool_call_id: For a `tool` message: the id of the tool call whose result it is.
        is_error: For a `tool` message: whether the tool failed.
        name: Tells the model which of several authors with the same role wrote the message.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    is_error: bool = False
    name: str | None = None

    def text(self) -> str:
        """Return the concatenated text parts, without images and reasoning."""
        return "".join([part.text for part in self.parts() if isinstance(part, TextPart)])

    def parts(self) -> tuple[Part, ...]:
        """Return the content as a tuple of parts; empty if there is no content."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content


class Tool(_Value, frozen=True, gc=False):
    """A function of the application that the model may call.

    Args:
        name: 1 to 64 letters, digits, hyphens and underscores.
        description: Tells the model what the function does.
        parameters: The JSON Schema of the arguments; its type is `object`.
        strict: Whether the provider enforces the schema; None for the provider's default.
        cache_control: See `TextPart`.
    """

    name: str
    description: str | None = None
    parameters: Json = {}
    strict: bool | None = None
    cache_control: Json | None = None


class NamedTool(_Value, frozen=True, gc=False):
    """A tool choice that forces the model to call the tool of this name."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool
"""Which tools the model calls: `auto` any or none, `none` no tool, `required` at least one, `NamedTool` that tool."""


class ResponseFormat(_Value, frozen=True, gc=False):
    """Requires the answer to be one JSON document.

    Args:
        schema: The JSON Schema of the document; None for any JSON object.
        name: The name of the schema, for the provider.
        strict: Whether the provider enforces the schema; None for the provider's default.
        description: Tells the model what the document is for.
    """

    schema: Json | None
    name: str = "answer"
    strict: bool | None = None
    description: str | None = None


class GenerationParams(_Value, frozen=True, gc=False, kw_only=True):
    """How the model generates its answer. A field that is None or empty is left to the provider's default.

    Args:
        max_tokens: Maximum number of output tokens.
        temperature: Randomness of the sampling, from 0 to 2.
        top_p: Nucleus sampling: the share of the probability mass that is sampled from, from 0 to 1.
        top_k: Number of most probable tokens that are sampled from.
        stop: Texts at which the model stops.
        seed: Makes sampling repeatable, as far as the provider supports that.
        frequency_penalty: From -2 to 2; above 0, the more often a token has occurred, the less it is repeated.
        presence_penalty: From -2 to 2; above 0, tokens that have occurred are repeated less.
        reasoning_effort: How much the model reasons before it answers, in the provider's words, such as `low`.
        thinking: Anthropic's `thinking` object, passed on unchanged.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    thinking: Json | None = None


class ChatRequest(GenerationParams, frozen=True, gc=False):
    """One request to a model. A field that is None or empty is left to the provider's default.

    Args:
        model: The provider's own name of the model, without `provider/`.
        messages: The conversation so far, oldest message first.
        tools: The tools that the model may call.
        tool_choice: Which of them the model calls; see `ToolChoice`.
        parallel_tool_calls: Whether one answer may have several tool calls.
        response_format: Requires a JSON answer; None for text.
        verbosity: How long the answer is, in the provider's words, such as `low`.
        user: An opaque id of the end user, which is sent to the provider.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    user: str | None = None

    def size(self) -> int:
        """Return the size of all text in the request, in bytes of UTF-8. Images are not counted."""
        tools = len(msgspec.json.encode(self.tools)) if self.tools else 0
        return tools + sum([len(text.encode()) for message in self.messages for text in _texts(message)])

    def required_features(self) -> frozenset[str]:
        """Return the features that a provider needs: the names of the fields that are set, `images` and `name`."""
        names = {
            name for name in self.__struct_fields__[2:] if (value := getattr(self, name)) is not None and value != ()
        }
        if any(isinstance(part, ImagePart) for message in self.messages for part in message.parts()):
            names.add("images")
        if self.thinking == {"type": "disabled"}:
            names.remove("thinking")  # a model without that feature does not think anyway
        if any(message.name for message in self.messages):
            names.add("name")
        return frozenset(names)


def _texts(message: Message) -> Iterator[str]:
    if isinstance(message.content, str):
        yield message.content
    else:
        yield from [part.text for part in message.content if not isinstance(part, ImagePart)]
    for call in message.tool_calls:
        yield call.name + msgspec.json.encode(call.arguments).decode()


def validation_error(request: ChatRequest) -> str | None:
    """Return a sentence that says what is invalid in a request and how to correct it; None if the request is valid."""
    return _message_error(request.messages) or _range_error(request) or _tool_error(request)


def _message_error(messages: tuple[Message, ...]) -> str | None:
    if not messages:
        return "messages is empty: send at least one message, such as a user's."
    if len(messages) > MAX_MESSAGES:
        return f"messages has {len(messages)} entries: send {MAX_MESSAGES} at most."
    called: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.tool_calls and message.role != "assistant":
            return f"{where} has tool_calls and the role {message.role!r}: only an assistant message may have them."
        called |= {call.id for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id not in called:
            return (
                f"{where} has the tool_call_id {message.tool_call_id!r:.100}, which no earlier message has: "
                "use the id of a call in an earlier assistant message's tool_calls."
            )
        if message.role != "tool" and message.tool_call_id is not None:
            return f"{where} has a tool_call_id and the role {message.role!r}: only a tool message may have one."
    return None


_RANGES: dict[str, tuple[float, float]] = {
    "max_tokens": (1, float("inf")),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (1, float("inf")),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}


def _range_error(request: ChatRequest) -> str | None:
    for name, (minimum, maximum) in _RANGES.items():
        value = getattr(request, name)
        if value is not None and not minimum <= value <= maximum:
            bounds = f"{minimum:g} or more" if maximum == float("inf") else f"between {minimum:g} and {maximum:g}"
            written = f"{value:g}" if abs(value) < 1.7e308 else f"{value!r:.20}…"  # larger integers overflow `g`
            return f"{name} is {written}: it must be {bounds}."
    return None


def _tool_error(request: ChatRequest) -> str | None:
    names: dict[str, None] = {}
    for tool in request.tools:
        if tool.name in names:
            return f"tools has {tool.name!r:.100} twice: give each tool its own name."
        names[tool.name] = None
    if request.tool_choice not in (None, "none", "auto") and not names:
        return "tool_choice requires a tool call, and tools is empty: add the tools that the model may call."
    if isinstance(request.tool_choice, NamedTool) and request.tool_choice.name not in names:
        return f"tool_choice is {request.tool_choice.name!r:.100}: it must be one of {', '.join(names):.1000}."
    return None
