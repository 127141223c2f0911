"""A chat request: the conversation, the tools, and how the model generates its answer. Values only.

The names are those of OpenAI's chat completions where that API has one. Every client protocol is converted to these
values, and every provider builds its request body from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from ..core import exact_json
from ..core.data_url import is_text_document
from .source_request import SourceRequest
from .tool_approval import ToolApproval

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]


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


class FilePart(_Value, frozen=True, gc=False, tag_field="type", tag="file"):
    """A document in a message, such as a PDF.

    Args:
        url: The address from which the provider loads the document, or a `data:` URL that contains it, such as
            `data:application/pdf;base64,…` or `data:text/plain;base64,…`.
        name: The document's file name or title, which the model sees; None for none.
        cache_control: See `TextPart`.
    """

    url: str
    name: str | None = None
    cache_control: Json | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether the request contains the document, so that the provider loads nothing."""
        return self.url.startswith("data:")


class AudioPart(_Value, frozen=True, gc=False, tag_field="type", tag="audio"):
    """A recording in a message.

    Args:
        data: The recording, in base64.
        format: Its format, such as `wav` or `mp3`.
    """

    data: str
    format: str


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


Part: TypeAlias = TextPart | ImagePart | FilePart | AudioPart | ReasoningPart


class ToolCall(_Value, frozen=True, gc=False):
    """A tool call that the model made in an earlier answer.

    Args:
        id: The id of the call.
        name: The tool's name.
        arguments: The arguments.
        cache_control: See `TextPart`.
        approval: Whether the tool may run, if the service has asked for that; None for a call that it has not asked
            about. No provider receives it.
    """

    id: str
    name: str
    arguments: Json = {}  # msgspec gives each value one of its own
    cache_control: Json | None = None
    approval: ToolApproval | None = None


class Message(_Value, frozen=True, gc=False):
    """One message of a conversation.

    Args:
        role: The author; `tool` for the result of a tool call.
        content: The text, or a tuple of parts.
        tool_calls: The tool calls of an assistant message.
        tool_call_id: For a `tool` message: the id of the tool call whose result it is.
        is_error: For a `tool` message: whether the tool failed.
        name: Tells the model which of several authors with the same role wrote the message.
        reasoning_state: For an `assistant` message: the opaque text that the answer had under this name. Only the
            provider and the model that made it receive what it contains, in place of parts with reasoning.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    is_error: bool = False
    name: str | None = None
    reasoning_state: str | None = None

    def text(self) -> str:
        """Return the concatenated text parts, without all other parts."""
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


class CustomTool(Tool, frozen=True, gc=False):
    """A tool of OpenAI's that the model calls with free text. Other providers receive it as a function of one text.

    Args:
        format: The grammar of the text, as OpenAI's Responses API has it; None for any text.
    """

    format: Json | None = None


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
        source: The request as its client sent it, for providers of the same protocol family; None for a request of
            this service's own protocol, or of the application.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    user: str | None = None
    source: SourceRequest | None = None

    def size(self) -> int:
        """Return the size of all text in the request, in bytes of UTF-8. Images, documents, recordings: none."""
        tools = len(exact_json.encode(self.tools)) if self.tools else 0
        return tools + sum([len(text.encode()) for message in self.messages for text in _texts(message)])

    def required_features(self) -> frozenset[str]:
        """Return the features that a provider needs: the names of the fields that are set, and of `PART_FEATURES`."""
        names = {name for name in _FEATURE_FIELDS if (value := getattr(self, name)) is not None and value != ()}
        names |= {feature for part in self._parts() for feature in _features(part)}
        if self.thinking == {"type": "disabled"}:
            names.remove("thinking")  # a model without that feature does not think anyway
        if any(message.name for message in self.messages):
            names.add("name")
        return frozenset(names)

    def _parts(self) -> Iterator[Part]:
        for message in self.messages:
            if not isinstance(message.content, str):
                yield from message.content


PART_FEATURES: Mapping[type[Part], str] = {AudioPart: "audio", FilePart: "files", ImagePart: "images"}
"""The features that parts of messages need, by the type of the part."""
_FEATURE_FIELDS = tuple(name for name in ChatRequest.__struct_fields__ if name not in {"model", "messages", "source"})

FEATURES = frozenset({*_FEATURE_FIELDS, *PART_FEATURES.values(), "file_urls", "name"})
"""All features that a request can need; see `ChatRequest.required_features`."""


def _features(part: Part) -> tuple[str, ...]:
    if isinstance(part, FilePart) and is_text_document(part.url):
        return ()  # a provider that takes no files receives the text
    names = (PART_FEATURES[type(part)],) if type(part) in PART_FEATURES else ()
    return (*names, "file_urls") if isinstance(part, FilePart) and not part.is_embedded else names


def _texts(message: Message) -> Iterator[str]:
    yield from [part.text for part in message.parts() if isinstance(part, (TextPart, ReasoningPart))]
    for call in message.tool_calls:
        yield call.name + exact_json.encode(call.arguments).decode()
