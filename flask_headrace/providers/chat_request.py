"""What a model is asked: a conversation, the tools that it may call, and how it is to answer. Values, and no more.

The names are those of OpenAI's chat completions where it has one; every protocol is read into these, and every
provider is written from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]

MAX_MESSAGES = 1000
"""Turns that one question may have."""


class _Value(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What all values of a question have in common: frozen, compared by value, and strict with what they are from."""


class TextPart(_Value, frozen=True, gc=False, tag_field="type", tag="text"):
    """A piece of a turn's text. `cache_control` is a hint to Anthropic's cache, which others do not need."""

    text: str
    cache_control: Json | None = None


class ImagePart(_Value, frozen=True, gc=False, tag_field="type", tag="image"):
    """A picture.

    Args:
        url: Where the provider finds it, or the picture itself as a `data:` URL.
        detail: How closely the model is to look, in OpenAI's words; None leaves it to the provider.
        cache_control: See `TextPart`.
    """

    url: str
    detail: str | None = None
    cache_control: Json | None = None


class ReasoningPart(_Value, frozen=True, gc=False, tag_field="type", tag="reasoning"):
    """What a model thought before an earlier answer of its own.

    Args:
        text: Its thoughts; empty where the provider keeps them to itself.
        signature: What the provider recognises them by. Anthropic wants both back where tools are called.
        is_redacted: Whether the signature is all that the provider gave out.
    """

    text: str
    signature: str | None = None
    is_redacted: bool = False


Part: TypeAlias = TextPart | ImagePart | ReasoningPart


class ToolCall(_Value, frozen=True, gc=False):
    """A call that the model made in an earlier answer. `cache_control`: see `TextPart`."""

    id: str
    name: str
    arguments: Json = {}  # msgspec gives each value one of its own
    cache_control: Json | None = None


class Message(_Value, frozen=True, gc=False):
    """One turn of a conversation.

    Args:
        role: Whose turn it was; `tool` for what a tool that the model called has returned.
        content: What was said: text, or a list of parts.
        tool_calls: The calls in an assistant's turn.
        tool_call_id: For a tool's turn: the call that it answers.
        is_error: For a tool's turn: whether the tool failed.
        name: Who of several in the same role speaks, for the model.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    is_error: bool = False
    name: str | None = None

    def text(self) -> str:
        """Return its text, without pictures and thoughts."""
        return "".join([part.text for part in self.parts() if isinstance(part, TextPart)])

    def parts(self) -> tuple[Part, ...]:
        """Return its content as parts; none where it is empty."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content


class Tool(_Value, frozen=True, gc=False):
    """A function of the application's that the model may ask to be called.

    Args:
        name: 1 to 64 letters, digits, hyphens and underscores.
        description: What it does, for the model.
        parameters: The JSON Schema of its arguments, an object.
        strict: Whether the provider is to hold the model to the schema; None leaves it to the provider.
        cache_control: See `TextPart`.
    """

    name: str
    description: str | None = None
    parameters: Json = {}
    strict: bool | None = None
    cache_control: Json | None = None


class NamedTool(_Value, frozen=True, gc=False):
    """The one tool that the model must call."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool
"""Whether the model calls tools: as it likes, not at all, at least one, or that one."""


class ResponseFormat(_Value, frozen=True, gc=False):
    """That the answer is to be one JSON document.

    Args:
        schema: The JSON Schema that it must fit; None for any object.
        name: What the provider is told that it is.
        strict: Whether the provider is to hold the model to the schema; None leaves it to the provider.
        description: What it is for, for the model.
    """

    schema: Json | None
    name: str = "answer"
    strict: bool | None = None
    description: str | None = None


class GenerationParams(_Value, frozen=True, gc=False, kw_only=True):
    """How a model is to answer. What is None or empty is left to the provider.

    Args:
        max_tokens: Most tokens that the answer may have.
        temperature: 0 for the likeliest words, up to 2 for livelier ones.
        top_p: Share of the likelihood from which words are drawn.
        top_k: Number of the likeliest words from which one is drawn.
        stop: Texts at which the answer ends.
        seed: Makes answers alike, as far as the provider can.
        frequency_penalty: Above 0, words are repeated less, the more the oftener they came.
        presence_penalty: Above 0, words that came at all are repeated less.
        reasoning_effort: How long the model thinks first, in the provider's own words, such as `low`.
        thinking: How Anthropic's models think first, in its own words.
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
    """A question to a model. What is None or empty is left to the provider.

    Args:
        model: The model's name as its provider knows it, without the provider's.
        messages: The turns so far, oldest first.
        tools: What the model may ask to be called.
        tool_choice: Whether it may, or must.
        parallel_tool_calls: Whether one answer may have several calls.
        response_format: That the answer is to be JSON.
        verbosity: How wordy the answer is to be, in the provider's own words, such as `low`.
        user: Whom the provider is told that it is for, by a name that tells it nothing.
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
        """Return the size of all text that is sent, in bytes of UTF-8. Pictures are not counted."""
        tools = len(msgspec.json.encode(self.tools)) if self.tools else 0
        return tools + sum([len(text.encode()) for message in self.messages for text in _texts(message)])

    def required_features(self) -> frozenset[str]:
        """Return what a provider must be capable of: the names of the fields that are set, `images` and `name`."""
        names = {
            name for name in self.__struct_fields__[2:] if (value := getattr(self, name)) is not None and value != ()
        }
        if any(isinstance(part, ImagePart) for message in self.messages for part in message.parts()):
            names.add("images")
        if self.thinking == {"type": "disabled"}:
            names.remove("thinking")  # a model that cannot be told how to think is not told to
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
    """Return a sentence on what is wrong with a question, whichever protocol it came by; None where nothing is."""
    return _message_error(request.messages) or _range_error(request) or _tool_error(request)


def _message_error(messages: tuple[Message, ...]) -> str | None:
    if not messages:
        return "messages is empty: it must hold at least one turn, such as a user's."
    if len(messages) > MAX_MESSAGES:
        return f"messages has {len(messages)} turns: {MAX_MESSAGES} are the most."
    called: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.tool_calls and message.role != "assistant":
            return f"{where} has tool_calls and the role {message.role!r}: only an assistant's turn may have them."
        called |= {call.id for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id not in called:
            return (
                f"{where} answers the tool call {message.tool_call_id!r:.100}, which no turn before it has made: "
                "tool_call_id must be the id of one in an assistant's tool_calls."
            )
        if message.role != "tool" and message.tool_call_id is not None:
            return f"{where} has a tool_call_id and the role {message.role!r}: only a tool's turn may have one."
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
            written = f"{value:g}" if abs(value) < 1.7e308 else f"{value!r:.20}…"  # `g` takes what a float can hold
            return f"{name} is {written}: it must be {bounds}."
    return None


def _tool_error(request: ChatRequest) -> str | None:
    names: dict[str, None] = {}
    for tool in request.tools:
        if tool.name in names:
            return f"tools has {tool.name!r:.100} twice: each tool needs a name of its own."
        names[tool.name] = None
    if request.tool_choice not in (None, "none", "auto") and not names:
        return "tool_choice asks for a call, and tools is empty: name the tools that may be called."
    if isinstance(request.tool_choice, NamedTool) and request.tool_choice.name not in names:
        return f"tool_choice is {request.tool_choice.name!r:.100}: it must be one of {', '.join(names):.1000}."
    return None
