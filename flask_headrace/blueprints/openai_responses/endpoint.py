"""/v1/responses: what OpenAI's newer clients ask, and whatever is built on them."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response

from ..streaming.errors import HeadraceError
from ..streaming.wire.openai_responses import EVENTS as FRAMES
from ..streaming.wire.responses_output import UNTOLD
from .asking import Repeated, ask
from .body import read_body
from .errors import of_v1
from .guard import enter
from .openai_api import REFUSAL
from .operation import EVENTS, JSON, Answered, Operation, frames
from .protocols import OPENAI_RESPONSES, responses
from .respond import event_stream, json_answer
from .responses_body import ResponseBody
from .responses_question import question_of

OPERATIONS = (
    Operation(
        "POST",
        "/v1/responses",
        "Answer a conversation over OpenAI's Responses protocol.",
        (
            Answered(
                200,
                "One JSON object, or with `stream` true an event stream.",
                {
                    EVENTS: frames(*FRAMES),
                    JSON: {"type": "object", "required": ["id", "object", "created_at", "status", "model", "output"]},
                },
            ),
        ),
        body=ResponseBody,
        refusal=REFUSAL,
    ),
)

_decoder = msgspec.json.Decoder(ResponseBody)


def create_responses_blueprint() -> Blueprint:
    """Return the blueprint of OpenAI's Responses protocol."""
    blueprint = Blueprint("headrace_responses", __name__)
    blueprint.add_url_rule("/v1/responses", view_func=respond, methods=["POST"])
    blueprint.register_error_handler(HeadraceError, of_v1)
    return blueprint


def respond() -> Response:
    """Answer a conversation."""
    owner = enter()
    body = read_body(_decoder)
    question = question_of(body)
    follower = ask(
        body.model,
        question,
        owner=owner,
        preferred="openai",
        is_resumable=body.resumable,
        id=body.id,
        repeated=Repeated(OPENAI_RESPONSES, _repeated(body)),
    )
    wire = responses(follower.session)
    return event_stream(follower, wire) if body.stream else json_answer(follower, wire)


def _repeated(body: ResponseBody) -> dict[str, Any]:
    told = {name: getattr(body, name) for name in UNTOLD}
    return {name: msgspec.to_builtins(value) for name, value in told.items() if value is not None}
