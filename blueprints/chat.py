"""POST /api/chat: the native protocol, streamed or as one JSON object; GET /api/models: whom one can ask."""

from __future__ import annotations

import re
from contextlib import suppress
from hashlib import sha256
from secrets import token_urlsafe

import gevent
import msgspec
from flask import Blueprint, Response, request
from gevent.monkey import is_module_patched
from werkzeug.exceptions import RequestEntityTooLarge

from ..providers.base import ChatRequest, Message, Provider
from ..streaming.errors import BodyTimeout, BodyTooLarge, InvalidRequest, NotSupported
from ..streaming.follower import Follower
from ..streaming.terms import Target
from .guard import refuse_foreign_pages
from .reply import json_reply
from .respond import event_stream, json_answer
from .service import current_service

MOST_MESSAGES = 1000
"""Turns that one question may have."""


class ChatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/chat`."""

    messages: list[Message]
    model: str | None = None
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = True
    resumable: bool = False
    id: str | None = None


_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_decode = msgspec.json.Decoder(ChatBody).decode


def create_chat_blueprint() -> Blueprint:
    """Return the blueprint of the native protocol."""
    blueprint = Blueprint("headrace_chat", __name__)
    blueprint.add_url_rule("/api/chat", view_func=chat, methods=["POST"])
    blueprint.add_url_rule("/api/models", view_func=models, methods=["GET"])
    return blueprint


def chat() -> Response:
    """Answer a conversation."""
    service = current_service()
    refuse_foreign_pages(service.cors_origins, service.hosts)
    owner = service.authorize()
    body = read_body(service.max_body, service.body_timeout)
    provider, name = service.catalogue.resolve(body.model)
    question = _question(body, name)
    if body.resumable:
        follower = open_resumable(provider, question, owner, body.id)
    else:
        follower = open_stream(provider, question, owner)
    return event_stream(follower) if body.stream else json_answer(follower)


def open_stream(provider: Provider, question: ChatRequest, owner: str) -> Follower:
    """Open a stream in which a provider answers a question.

    Raises:
        LimitError: no more streams may be opened here now; 503.
    """
    target = _target(provider, question, owner)
    return Follower(current_service().streams.open(target, lambda: provider.stream(question)))


def open_resumable(provider: Provider, question: ChatRequest, owner: str, id: str | None) -> Follower:  # noqa: A002
    """Open a stream that can be followed and stopped from anywhere; one of that id that is there is followed.

    Raises:
        StreamConflict: there is one of that id, for another question; 409.
        LimitError: no more streams may be opened here now, or the store is away; 503.
        NotSupported: this process gives each request a thread of its own, with which its streams would end; 501.
    """
    if not is_module_patched("socket"):
        raise NotSupported("Resumable streams need gevent's patches: serve the application with gevent workers.")
    target = _target(provider, question, owner)
    digest = sha256(msgspec.msgpack.encode((target.model, question))).hexdigest()
    resumption = current_service().resumption
    return resumption.open(id or token_urlsafe(16), digest, target, lambda: provider.stream(question))


def _target(provider: Provider, question: ChatRequest, owner: str) -> Target:
    return Target(
        model=f"{provider.name}/{question.model}",
        provider=provider.name,
        name=question.model,
        price_list=provider.price_list,
        prompt_bytes=question.size(),
        owner=owner,
    )


def models() -> Response:
    """List the models that can be asked."""
    service = current_service()
    service.authorize()
    found = service.catalogue.models()
    default = next((model.id for model in found if model.default), None)
    return json_reply({"default": default, "models": found})


def read_body(most: int, seconds: float | None) -> ChatBody:
    """Read the request's body as JSON, whatever its content type says: a bare `fetch` sends text/plain.

    Args:
        most: Bytes that it may have.
        seconds: How long it may take to arrive; None for ever.

    Raises:
        InvalidRequest: it is not what this endpoint reads; 400, with the field's path.
        BodyTooLarge: it is longer; 413.
        BodyTimeout: it has not arrived in time; 408.
    """
    with gevent.Timeout(seconds, BodyTimeout(f"The body did not arrive within {seconds} s.")):
        data = _data(most)
    try:
        body = _decode(data)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"The body is not as it should be: {readable(error)}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deep.") from None
    _check(body)
    return body


def _data(most: int) -> bytes:
    # One more: a body that does not announce its length is cut off there, and no error is raised.
    request.max_content_length = most if request.content_length is not None else most + 1
    with suppress(RequestEntityTooLarge):
        data = request.get_data(cache=False)
        if len(data) <= most:
            return data
    raise BodyTooLarge(f"The body is longer than {most} bytes.")


def readable(error: msgspec.ValidationError) -> str:
    """Say what is wrong with a value, and where."""
    # msgspec writes the path as `$.messages[0].role`; `$` alone is the body itself.
    return str(error).replace("`$.", "`").replace("`$`", "the body").replace("Object", "an object")


def _check(body: ChatBody) -> None:
    if not body.messages:
        raise InvalidRequest("messages is empty: it must hold at least one turn, such as a user's.")
    if len(body.messages) > MOST_MESSAGES:
        raise InvalidRequest(f"messages has {len(body.messages)} turns: {MOST_MESSAGES} are the most.")
    if body.max_tokens is not None and body.max_tokens < 1:
        raise InvalidRequest(f"max_tokens is {body.max_tokens}: it must be 1 or more.")
    if body.id is not None and not body.resumable:
        raise InvalidRequest("id is given, and resumable is not true: only a resumable stream has an id of one's own.")
    if body.id is not None and not _ID.fullmatch(body.id):
        raise InvalidRequest(f"id is {body.id!r:.100}: it must be 16 to 64 letters, digits, hyphens and underscores.")
    if body.temperature is not None and not 0 <= body.temperature <= 2:
        raise InvalidRequest(f"temperature is {body.temperature:g}: it must be between 0 and 2.")


def _question(body: ChatBody, model: str) -> ChatRequest:
    system = (Message("system", body.system),) if body.system else ()
    return ChatRequest(
        model=model,
        messages=(*system, *body.messages),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
    )
