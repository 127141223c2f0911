"""All API endpoints that the extension registers, and the names by which an application chooses among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from flask import Blueprint

from ..core.errors import ConfigurationError
from . import models, streams
from .ai_sdk import chat, completion, object, text, v4_chat  # noqa: A004  # named after the hooks that they serve
from .anthropic_messages import endpoint as anthropic_messages
from .native import endpoint as native
from .openai_chat import endpoint as openai_chat
from .openai_responses import endpoint as responses
from .openai_responses import stored_responses
from .openapi.operation import Operation


class EndpointGroup(NamedTuple):
    """Endpoints that are registered together.

    Args:
        name: The name by which an application chooses them.
        create: Returns their blueprint.
        operations: What the blueprint serves, for /openapi.json.
        also: Further names by which an application chooses them.
    """

    name: str
    create: Callable[[], Blueprint]
    operations: tuple[Operation, ...]
    also: tuple[str, ...] = ()


ENDPOINTS = (
    EndpointGroup("native", native.create_native_blueprint, native.OPERATIONS),
    EndpointGroup("", streams.create_streams_blueprint, streams.OPERATIONS),
    EndpointGroup("openai", openai_chat.create_openai_chat_blueprint, openai_chat.OPERATIONS),
    EndpointGroup("openai-responses", responses.create_openai_responses_blueprint, responses.OPERATIONS),
    EndpointGroup("openai-responses", stored_responses.create_stored_responses_blueprint, stored_responses.OPERATIONS),
    EndpointGroup("openai", models.create_models_blueprint, models.OPERATIONS, ("openai-responses", "anthropic")),
    EndpointGroup("anthropic", anthropic_messages.create_anthropic_messages_blueprint, anthropic_messages.OPERATIONS),
    EndpointGroup("ai-sdk", chat.create_ai_chat_blueprint, chat.OPERATIONS),
    EndpointGroup("ai-sdk", v4_chat.create_ai_v4_chat_blueprint, v4_chat.OPERATIONS),
    EndpointGroup("ai-sdk", completion.create_ai_completion_blueprint, completion.OPERATIONS),
    EndpointGroup("ai-sdk", text.create_ai_text_blueprint, text.OPERATIONS),
    EndpointGroup("ai-sdk", object.create_ai_object_blueprint, object.OPERATIONS),
)
"""All groups, in the order of /openapi.json. The endpoints of streams have no name: an application always has them, for
its own views. They ask no model."""

ENDPOINT_NAMES = tuple(dict.fromkeys(group.name for group in ENDPOINTS if group.name))


def chosen_endpoints(names: Iterable[str] | None) -> list[EndpointGroup]:
    """Return the groups of some names.

    Args:
        names: The names; None for all.

    Raises:
        ConfigurationError: there is no group of a name.
    """
    wanted = set(ENDPOINT_NAMES if names is None else names)
    if unknown := sorted(wanted - {*ENDPOINT_NAMES}):
        raise ConfigurationError(
            f"endpoints names {unknown[0]!r:.100}, which is none of {', '.join(ENDPOINT_NAMES)}: Headrace(endpoints=…)."
        )
    return [group for group in ENDPOINTS if not group.name or wanted.intersection({group.name, *group.also})]
