"""All API endpoints that the extension registers: for each its blueprint factory and its OpenAPI operations."""

from __future__ import annotations

from . import models, streams
from .ai_sdk import chat, completion, object, text, v4_chat  # noqa: A004  # named after the hooks that they serve
from .anthropic_messages import endpoint as anthropic_messages
from .native import endpoint as native
from .openai_chat import endpoint as openai_chat
from .openai_responses import endpoint as openai_responses
from .openai_responses import stored_responses

ENDPOINTS = (
    (native.create_native_blueprint, native.OPERATIONS),
    (streams.create_streams_blueprint, streams.OPERATIONS),
    (openai_chat.create_openai_chat_blueprint, openai_chat.OPERATIONS),
    (openai_responses.create_openai_responses_blueprint, openai_responses.OPERATIONS),
    (stored_responses.create_stored_responses_blueprint, stored_responses.OPERATIONS),
    (models.create_models_blueprint, models.OPERATIONS),
    (anthropic_messages.create_anthropic_messages_blueprint, anthropic_messages.OPERATIONS),
    (chat.create_ai_chat_blueprint, chat.OPERATIONS),
    (v4_chat.create_ai_v4_chat_blueprint, v4_chat.OPERATIONS),
    (completion.create_ai_completion_blueprint, completion.OPERATIONS),
    (text.create_ai_text_blueprint, text.OPERATIONS),
    (object.create_ai_object_blueprint, object.OPERATIONS),
)
"""Pairs of a blueprint factory and the operations that its blueprint serves, in the order of /openapi.json."""
