"""Opens the stream of a source: a plain one, or a resumable one, by its id or by the request's `Idempotency-Key`."""

from __future__ import annotations

import re
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from ..core import exact_json
from ..core.errors import InvalidRequest, StreamConflict
from ..streaming.context import StreamContext
from ..streaming.producer import Source
from ..streaming.reader import StreamReader
from ..streaming.recording import AnswerSubject, Recording, decode_subject
from .http import idempotency
from .http.event_loop import has_one_loop, reject_other_thread, require_one_loop
from .state import ExtensionState, current_state

MAX_QUESTION_BYTES = 256 * 1024
"""Bytes of a question that are stored with a resumable stream for the application; a larger one is left out."""


_STREAM_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class StreamOptions(NamedTuple):
    """How a stream is opened, and who is told of its end.

    Args:
        is_resumable: Whether any worker can resume and stop the stream.
        id: The id of a resumable stream. If the owner already has a stream of this id for the same request, that stream
            is read. None for a random id, or the one of the request's `Idempotency-Key`.
        chat: The owner's chat whose latest answer the stream becomes; None for no chat.
        on_end: The application's function that gets the answer; None for none beside `Headrace.on_end`.
        app_context: A value of the application's, for the functions that get the answer.
    """

    is_resumable: bool = False
    id: str | None = None
    chat: str | None = None
    on_end: Callable[[Any], object] | None = None
    app_context: Any = None


def idempotency_key(options: StreamOptions) -> str | None:
    """Return the idempotency key of the request that counts; None if there is none.

    Raises:
        InvalidRequest: an id is given, and the stream is not resumable; 400.
        NotSupported: an `async def` view opens the stream, and this process has no shared event loop; 501.
    """
    reject_other_thread()
    if options.id is not None and not options.is_resumable:
        raise InvalidRequest("id is given, but resumable is not true: only a resumable stream can have a chosen id.")
    return idempotency.requested_key() if options.id is None and has_one_loop() else None


def open_source(  # noqa: PLR0913, PLR0917  # each of another type
    context: StreamContext,
    source: Source,
    options: StreamOptions,
    key: str | None,
    digest: Callable[[], str],
    subject: Callable[[], AnswerSubject],
) -> StreamReader:
    """Open a stream, and return a reader at its beginning.

    Args:
        context: The context of the stream.
        source: Where its events come from.
        options: How it is opened.
        key: The result of `idempotency_key`.
        digest: Returns the digest of the request; called for a resumable stream.
        subject: Returns what the answer is about; called if the application wants to know what is answered.

    Raises:
        InvalidRequest: the id is not valid, or the application's context cannot be stored; 400.
        StreamConflict: a stream of this id exists for another request; 409.
        LimitError: a limit of open streams is reached, or the store is unavailable; 429 or 503.
        NotSupported: the stream is resumable, and this process has no shared event loop; 501.
    """
    state = current_state()
    is_stored = options.is_resumable or key is not None
    recording = None
    if options.on_end is not None or state.wants_answers():
        about = subject()
        recording = Recording(about, options.on_end, state.streams.limits.max_stored_bytes)
        if is_stored:
            context = replace(context, subject=_encoded(about))
    if not is_stored:
        return StreamReader(state.streams.open(context, source, recording=recording))
    require_one_loop()
    if options.id is not None and not _STREAM_ID.fullmatch(options.id):
        raise InvalidRequest(
            f"id is {options.id!r:.100}: it must be 16 to 64 letters, digits, hyphens and underscores."
        )
    state.store_availability.log_once()

    def open_(stream_id: str) -> StreamReader:
        return state.resumable_streams.open(stream_id, digest(), context, source, options.chat, recording)

    if key is None:
        return open_(options.id or token_urlsafe(16))
    return _open_idempotent(state, key, context.owner, open_)


def _open_idempotent(state: ExtensionState, key: str, owner: str, open_: Callable[[str], StreamReader]) -> StreamReader:
    ids = [idempotency.stream_id_of(key, owner, attempt + 1) for attempt in range(idempotency.MAX_ATTEMPTS)]
    streams = state.resumable_streams
    stream_id = next((id_ for id_ in ids[:-1] if not streams.has_failed_before_answer(id_, owner)), ids[-1])
    try:
        return open_(stream_id)
    except StreamConflict:
        raise StreamConflict(
            f"{idempotency.HEADER} is {key!r:.100}, with which another question was sent: use a new key for each "
            "question."
        ) from None


def _encoded(subject: AnswerSubject) -> bytes:
    try:
        encoded = exact_json.encode(subject)
        decode_subject(encoded)
    except (TypeError, msgspec.MsgspecError, OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidRequest(
            f"context is {subject.context!a:.100}, which cannot be stored with a resumable stream ({error}): pass a "
            "JSON value, such as an id."
        ) from None
    if len(encoded) <= MAX_QUESTION_BYTES:
        return encoded
    return exact_json.encode(replace(subject, question=(), added=()))
