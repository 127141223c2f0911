"""What the encoder must know of a client of the UI message stream, and of the conversation that the answer continues.

A request to resume does not contain it, so it is stored as JSON values among the echoed fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from ...providers.chat_request import ChatRequest
from ..echoed_fields import EchoedFields
from .chat_body import UIChatBody
from .ui_message_encoder import UIMessageEncoder
from .ui_tool_calls import EarlierCall

PROTOCOL = "ui-messages"
"""The protocol's name in `?protocol=`."""

_VERSIONS = (5, 6, 7)

_VERSION_WITH_RESET = 7
"""The major version of the npm package `ai` that knows `reset-step`; earlier ones abort at an unknown frame."""

_VERSIONS_WITH_APPROVALS = (6, 7)
"""The major versions that know `tool-approval-request` and `tool-output-denied`."""


def fields_of_body(body: UIChatBody, chat_request: ChatRequest) -> dict[str, Any]:
    """Return what the encoder depends on, for the body of `POST /ai/chat`.

    Args:
        body: The body.
        chat_request: The request that was made of it.
    """
    messages = body.messages_to_answer()
    continues = bool(messages) and messages[-1].role == "assistant"
    has_approval = any(part.approval is not None for message in messages for part in message.parts)
    return _fields(body.ai, chat_request, continues=continues, has_approval=has_approval)


def echoed_of_view(chat_request: ChatRequest) -> EchoedFields:
    """Return what the encoder depends on, for a view of the application, to whose request a page may have added `ai`.

    Args:
        chat_request: The request to the model.
    """
    messages = chat_request.messages
    continues = bool(messages) and messages[-1].role in {"assistant", "tool"}
    has_approval = any(call.approval is not None for message in messages for call in message.tool_calls)
    return EchoedFields(PROTOCOL, _fields(_version(), chat_request, continues=continues, has_approval=has_approval))


def _version() -> int | None:
    try:
        fields = request.get_json(silent=True)
    except HTTPException:  # the body is too large, which only the view may refuse
        return None
    version = fields.get("ai") if isinstance(fields, dict) else None
    return version if type(version) is int and version in _VERSIONS else None


def _fields(version: int | None, chat_request: ChatRequest, *, continues: bool, has_approval: bool) -> dict[str, Any]:
    turns = [message for message in chat_request.messages if message.role != "tool"]
    waiting = turns[-1].tool_calls if continues and turns else ()
    return {
        "ai": version,
        "continues": continues,
        # Other versions send no approvals.
        "approvals": has_approval or version in _VERSIONS_WITH_APPROVALS,
        "calls": {call.id: [call.name, call.arguments] for call in waiting if call.approval is not None},
    }


def encoder_of(stream_id: str, fields: Mapping[str, Any], *, is_replay: bool = False) -> UIMessageEncoder:
    """Return the encoder of an answer.

    Args:
        stream_id: The id of its stream.
        fields: See `fields_of_body`; empty if nothing is known.
        is_replay: See `UIMessageEncoder`.
    """
    # A page that is loaded again may lack the message that the answer continues, so a replay is one of its own.
    message_id = None if fields.get("continues") and not is_replay else stream_id
    return UIMessageEncoder(
        message_id,
        is_replay=is_replay,
        has_reset=fields.get("ai") == _VERSION_WITH_RESET,
        knows_approvals=bool(fields.get("approvals")),
        earlier_calls={id_: EarlierCall(*call) for id_, call in fields.get("calls", {}).items()},
    )
