"""Requests to the providers of each kind, without a network: what the service would send for a client's request."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from flask_headrace.blueprints.ai_sdk.chat_body import read_chat_body
from flask_headrace.blueprints.ai_sdk.chat_request import to_chat_request as from_ui_messages
from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request as from_anthropic
from flask_headrace.blueprints.native.body import ChatBody
from flask_headrace.blueprints.native.request import to_chat_request as from_native
from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request as from_chat
from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request as from_responses
from flask_headrace.providers.anthropic import request_body as anthropic_body
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.chat_request import ChatRequest
from flask_headrace.providers.openai import chat_request_body, responses_request_body
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.server import OFFICIAL_BASE_URL, Address
from flask_headrace.providers.passthrough import missing_features, reduced, refusal, source_for
from flask_headrace.providers.request_validation import validation_error

Json = dict[str, Any]


def _reader(body_type: Any, to_chat_request: Callable[..., ChatRequest]) -> Callable[[Json], ChatRequest]:  # noqa: ANN401
    def read(fields: Json) -> ChatRequest:
        given = (msgspec.convert(fields, body_type), fields, {} if "anthropic" in to_chat_request.__module__ else ())
        return to_chat_request(*given[: len(inspect.signature(to_chat_request).parameters)])

    return read


READERS: dict[str, Callable[[Json], ChatRequest]] = {
    "native": _reader(ChatBody, from_native),
    "ui_messages": lambda fields: from_ui_messages(read_chat_body(fields)),
    "chat": _reader(ChatCompletionBody, from_chat),
    "responses": _reader(ResponseBody, from_responses),
    "anthropic": _reader(MessagesBody, from_anthropic),
}
"""Read the bodies of requests in the protocols of clients."""


def _chat_body(request: ChatRequest, provider: OpenAIChat) -> Json:
    address = provider._address()
    if "source" in inspect.signature(chat_request_body.build_body).parameters:
        return chat_request_body.build_body(
            request, is_official=address.is_official, source=source_for(request, provider)
        )
    return chat_request_body.build_body(request, is_official=address.is_official)


def _responses_body(request: ChatRequest, provider: OpenAIResponses) -> Json:
    if "source" in inspect.signature(responses_request_body.build_body).parameters:
        return responses_request_body.build_body(request, source_for(request, provider))
    return responses_request_body.build_body(request)


def _anthropic_body(request: ChatRequest, provider: AnthropicMessages) -> Json:
    source = source_for(request, provider)
    return anthropic_body.build_body(request) if source is None else anthropic_body.build_source_body(request, source)


PROVIDERS: dict[str, tuple[Any, Callable[[ChatRequest, Any], Json]]] = {
    "openai": (OpenAIChat("openai", lambda: Address(OFFICIAL_BASE_URL, "key")), _chat_body),
    "compatible": (OpenAIChat("compatible", lambda: Address("https://llm.example.org/v1", "key")), _chat_body),
    "responses": (OpenAIResponses("responses", lambda: Address(OFFICIAL_BASE_URL, "key")), _responses_body),
    "anthropic": (AnthropicMessages(api_key="key"), _anthropic_body),
}
"""Providers, with what builds the body of a request to them."""


def provider_body(protocol: str, fields: Json, name: str) -> Json:
    """Return the body of the request to a provider, after it has been read as the provider reads it: from JSON.

    Args:
        protocol: The client's protocol; see `READERS`.
        fields: The body of the client's request.
        name: The provider; see `PROVIDERS`.
    """
    provider, build = PROVIDERS[name]
    request = READERS[protocol](fields)
    assert validation_error(request) is None
    assert missing_features(request, provider) == []
    assert refusal(request, provider) is None
    body = build(replace(reduced(request, provider), model="model"), provider)
    decoded: Json = msgspec.json.decode(msgspec.json.encode(body))
    return decoded
