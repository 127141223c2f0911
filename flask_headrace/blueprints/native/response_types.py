"""The JSON of the native protocol's answers, for the OpenAPI document: whole ones and lists of models. Values only."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ...core.events import Attempt, FinishReason
from ...providers.chat_request import Message


class ChatToolCall(msgspec.Struct, frozen=True):
    """A complete tool call.

    Args:
        id: The provider's id of the call.
        name: The tool's name.
        arguments: The parsed JSON value of the arguments.
        result: What the tool returned, if the application has executed it.
        error: Why the tool failed, if the application has executed it.
        approval: The id of the approval that the call waits for.
        runs_here: Whether this service runs the tool; else the client does.
    """

    id: str
    name: str
    arguments: Any
    result: Any = UNSET
    error: str | UnsetType = UNSET
    approval: str | UnsetType = UNSET
    runs_here: bool | UnsetType = UNSET


class ChatSource(msgspec.Struct, frozen=True):
    """Something on which the answer is based: a web page if there is a `url`, else a document.

    Args:
        id: The id of the source within the answer.
        url: The address of the web page.
        title: The title for readers.
        media_type: The media type of a document.
        filename: The file name of a document.
    """

    id: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    media_type: str | UnsetType = UNSET
    filename: str | UnsetType = UNSET


class ChatFile(msgspec.Struct, frozen=True):
    """A file in the answer.

    Args:
        media_type: The media type, such as `image/png`.
        url: The file's address, possibly a `data:` URL.
    """

    media_type: str
    url: str


class ChatData(msgspec.Struct, frozen=True):
    """A value of the application's own.

    Args:
        name: What the value is.
        value: The value.
        id: The id of the value: a later one of the same name and id replaces it.
        transient: Whether the value is not replayed.
    """

    name: str
    value: Any
    id: str | UnsetType = UNSET
    transient: bool | UnsetType = UNSET


class ChatUsage(msgspec.Struct, frozen=True):
    """The tokens and the cost of an answer.

    Args:
        input_tokens: Tokens of the prompt, cached ones included.
        output_tokens: Tokens of the answer, those of reasoning included.
        cached_tokens: Input tokens that the provider read from its cache.
        reasoning_tokens: Output tokens that the model spent on reasoning.
        cost: The price in `currency`; null if the model's price is unknown, 0 if the model is free.
        currency: The currency of `cost`, as an ISO 4217 code.
        estimated: Whether the provider did not report the final numbers, so that they are derived from the texts.
        attempts: One entry for each request to a model that this answer needed.
        cache_write_tokens: Input tokens that the provider wrote into its cache, for which some charge more.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: float | None
    currency: str
    estimated: bool
    attempts: list[Attempt]
    cache_write_tokens: int


class ChatAnswer(msgspec.Struct, frozen=True):
    """The whole answer of `POST /api/chat` with `"stream": false`.

    Args:
        id: The stream's id.
        model: The model that answered, `provider/name`.
        text: The answer's text.
        finish_reason: Why the model ended the answer.
        usage: The tokens and the cost; null if unknown.
        tool_calls: The tool calls, if there are any.
        sources: What the answer is based on, if the application says so.
        files: The files in the answer, if there are any.
        data: The application's values, if there are any: of several with the same name and id, the last.
        messages: The turns that the answer adds to the conversation, if tools have run within it, or one
            waits for an approval.
        document: The JSON document in the text, if the request has a schema.
        reasoning_state: What the provider wants back of its reasoning, if anything: opaque text for the
            `reasoning_state` of this turn in the next request.
    """

    id: str
    model: str
    text: str
    finish_reason: FinishReason
    usage: ChatUsage | None
    tool_calls: list[ChatToolCall] | UnsetType = UNSET
    sources: list[ChatSource] | UnsetType = UNSET
    files: list[ChatFile] | UnsetType = UNSET
    data: list[ChatData] | UnsetType = UNSET
    messages: list[Message] | UnsetType = UNSET
    document: Any = UNSET
    reasoning_state: str | UnsetType = UNSET


class ListedModel(msgspec.Struct, frozen=True):
    """An available model, without what is unknown of it.

    Args:
        id: The model's id, `provider/name` or an alias.
        provider: The provider's name.
        name: The provider's own name of the model.
        embedded: Whether the model runs inside this service.
        default: Whether requests that name no model go to this one.
        display_name: The name for people.
        context_window: Tokens of prompt and answer together.
        max_output_tokens: Maximum tokens of an answer.
        capabilities: The known capabilities, each with whether the model has it.
        reasoning_efforts: The values of `reasoning_effort` that the model takes; empty if it does not reason.
    """

    id: str
    provider: str
    name: str
    embedded: bool
    default: bool
    display_name: str | UnsetType = UNSET
    context_window: int | UnsetType = UNSET
    max_output_tokens: int | UnsetType = UNSET
    capabilities: dict[str, bool] | UnsetType = UNSET
    reasoning_efforts: list[str] | UnsetType = UNSET


class RequestLimits(msgspec.Struct, frozen=True):
    """What one request to `POST /api/chat` may have.

    Args:
        max_body: Bytes of the body, with the pictures and documents that it contains.
        max_text: Bytes of the body without them.
        max_messages: Turns.
        max_items: Turns, their parts, tool calls and tools together.
    """

    max_body: int
    max_text: int
    max_messages: int
    max_items: int


class ModelList(msgspec.Struct, frozen=True):
    """The available models.

    Args:
        default: The id of the model for requests that name none; null if there is none.
        models: The models.
        limits: What one request may have.
    """

    default: str | None
    models: list[ListedModel]
    limits: RequestLimits
