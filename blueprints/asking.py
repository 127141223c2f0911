"""A question, from whichever protocol, becomes a stream of the model that it names."""

from __future__ import annotations

import re
from hashlib import sha256
from secrets import token_urlsafe

import msgspec
from gevent.monkey import is_module_patched

from ..providers.base import Provider
from ..providers.request import ChatRequest, mistake_in
from ..streaming.errors import InvalidRequest, NotSupported
from ..streaming.follower import Follower
from ..streaming.terms import Target
from .service import Service, current_service

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


def ask(  # noqa: PLR0913  # all but the first are given by name
    model: str | None,
    question: ChatRequest,
    *,
    owner: str,
    preferred: str | None = None,
    is_resumable: bool = False,
    id: str | None = None,  # noqa: A002
    chat: str | None = None,
) -> Follower:
    """Open a stream in which a model answers a question, and follow it.

    Args:
        model: The model, as the reader named it; None for the default one.
        question: What it is asked; its own `model` is set here.
        owner: Who asks.
        preferred: The provider to ask for a model that is named without one, and that nobody lists.
        is_resumable: Whether it can be followed and stopped from anywhere.
        id: The id of a resumable stream; one of that id that is there is followed. None for one that nobody can guess.
        chat: The conversation of the owner's in which a resumable stream is the latest answer; None for none.

    Raises:
        InvalidRequest: the question is not one that the model can be asked; 400.
        UnknownModel: no such model is set up; 404.
        StreamConflict: there is a stream of that id, for another question; 409.
        LimitError: no more streams may be opened here now, or the store is away; 503.
        NotSupported: this process gives each request a thread of its own, with which its streams would end; 501.
    """
    service = current_service()
    if mistake := mistake_in(question):
        raise InvalidRequest(mistake)
    provider, name = service.catalogue.resolve(model, preferred)
    _refuse_unsupported(provider, question)
    question = msgspec.structs.replace(question, model=name)
    target = _target(provider, question, owner)
    if is_resumable:
        return _ask_resumably(service, provider, question, target, id, chat)
    return Follower(service.streams.open(target, lambda: provider.stream(question)))


def _ask_resumably(  # noqa: PLR0913, PLR0917  # what `ask` was given
    service: Service,
    provider: Provider,
    question: ChatRequest,
    target: Target,
    id_: str | None,
    chat: str | None,
) -> Follower:
    if not is_module_patched("socket"):
        raise NotSupported("Resumable streams need gevent's patches: serve the application with gevent workers.")
    if id_ is not None and not _ID.fullmatch(id_):
        raise InvalidRequest(f"id is {id_!r:.100}: it must be 16 to 64 letters, digits, hyphens and underscores.")
    digest = sha256(msgspec.msgpack.encode((target.model, question))).hexdigest()
    id_ = id_ or token_urlsafe(16)
    return service.resumption.open(id_, digest, target, lambda: provider.stream(question), chat)


def _refuse_unsupported(provider: Provider, question: ChatRequest) -> None:
    if refused := sorted(question.asks_for() & provider.unsupported):
        raise InvalidRequest(f"{provider.name} cannot honour {', '.join(refused)}: leave it out, or ask another model.")


def _target(provider: Provider, question: ChatRequest, owner: str) -> Target:
    return Target(
        model=f"{provider.name}/{question.model}",
        provider=provider.name,
        name=question.model,
        price_list=provider.price_list,
        prompt_bytes=question.size(),
        owner=owner,
    )
