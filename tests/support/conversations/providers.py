"""Requests to the providers of each kind, without a network: what the service would send for a client's request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from flask_headrace.blueprints.ai_sdk.chat_body import read_chat_body
from flask_headrace.blueprints.ai_sdk.chat_request import to_chat_request as from_ui_messages
from flask_headrace.blueprints.ai_sdk.v4_chat import V4ChatBody
from flask_headrace.blueprints.ai_sdk.v4_request import to_messages
from flask_headrace.blueprints.anthropic_messages.body import MessagesBody
from flask_headrace.blueprints.anthropic_messages.request import to_chat_request as from_anthropic
from flask_headrace.blueprints.native.body import ChatBody
from flask_headrace.blueprints.native.request import to_chat_request as from_native
from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.request import to_chat_request as from_chat
from flask_headrace.blueprints.openai_responses.body import ResponseBody
from flask_headrace.blueprints.openai_responses.request import to_chat_request as from_responses
from flask_headrace.providers.anthropic.messages import AnthropicMessages
from flask_headrace.providers.chat_request import ChatRequest
from flask_headrace.providers.openai.chat import OpenAIChat
from flask_headrace.providers.openai.responses import OpenAIResponses
from flask_headrace.providers.openai.server import OFFICIAL_BASE_URL, Address
from flask_headrace.providers.passthrough import missing_features, reduced, refusal, source_for
from flask_headrace.providers.request_validation import validation_error

Json = dict[str, Any]
B = TypeVar("B")


def _read(body_type: type[B], fields: Json, to_chat_request: Callable[[B, Json], ChatRequest]) -> ChatRequest:
    return to_chat_request(msgspec.convert(fields, body_type), fields)


def _from_ui_messages_4(body: V4ChatBody) -> ChatRequest:
    return body.to_chat_request(to_messages(body.messages))


READERS: dict[str, Callable[[Json], ChatRequest]] = {
    "native": lambda fields: from_native(msgspec.convert(fields, ChatBody)),
    "ui_messages": lambda fields: from_ui_messages(read_chat_body(fields)),
    "ui_messages_4": lambda fields: _from_ui_messages_4(msgspec.convert(fields, V4ChatBody)),
    "chat": lambda fields: _read(ChatCompletionBody, fields, from_chat),
    "responses": lambda fields: _read(ResponseBody, fields, from_responses),
    "anthropic": lambda fields: _read(MessagesBody, fields, lambda body, sent: from_anthropic(body, sent, {})),
}
"""Read the bodies of requests in the protocols of clients."""

PROVIDERS = {
    "openai": OpenAIChat("openai", lambda: Address(OFFICIAL_BASE_URL, "key")),
    "compatible": OpenAIChat("compatible", lambda: Address("https://llm.example.org/v1", "key")),
    "responses": OpenAIResponses("responses", lambda: Address(OFFICIAL_BASE_URL, "key")),
    "responses_compatible": OpenAIResponses("compatible", lambda: Address("https://llm.example.org/v1", "key")),
    "anthropic": AnthropicMessages("anthropic", api_key="key"),
    "anthropic_compatible": AnthropicMessages("compatible", base_url="https://llm.example.org", api_key="key"),
}
"""The providers, by the names that they have here."""


def provider_body(protocol: str, fields: Json, name: str) -> Json:
    """Return the body of the request to a provider, after it has been read as the provider reads it: from JSON.

    Args:
        protocol: The client's protocol; see `READERS`.
        fields: The body of the client's request.
        name: The provider; see `PROVIDERS`.
    """
    provider = PROVIDERS[name]
    request = READERS[protocol](fields)
    assert validation_error(request) is None
    assert missing_features(request, provider) == []
    assert refusal(request, provider) is None
    request = replace(reduced(request, provider), model="model")
    if isinstance(provider, AnthropicMessages):
        body = provider._body(request, source_for(request, provider))
    else:
        body = provider._body(request, provider._address())
    decoded: Json = msgspec.json.decode(msgspec.json.encode(body))
    return decoded
