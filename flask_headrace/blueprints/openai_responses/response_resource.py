"""The response object of a stored stream, as the stream is at a moment."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response

from ...core.answer import CollectedAnswer, ToolCallBlock
from ...core.errors import AnswerTooLarge
from ...core.events import Cancelled, Completed, Failed, TerminalEvent
from ...core.text_buffer import MAX_TEXT_CHARS
from ...streaming.stored_streams import StreamSnapshot
from ..echoed_fields import echoed_fields
from ..http.json_response import json_response
from ..state import current_state
from .encoder_factory import PROTOCOL, encoder_of
from .output import OutputItem, collected_output
from .output_items import ResponseHeader, Status, usage_object
from .request_echo import Json
from .tool_names import read_tool_names


def resource_response(stream_id: str, owner: str) -> Response:
    """Return the HTTP response with the present response object of a stored stream. Waits for no model.

    Args:
        stream_id: The stream's id.
        owner: The owner that the request is authorized for; empty for anybody.

    Raises:
        StreamNotFound: the owner has no such stream; 404.
        AnswerTooLarge: the answer is too long for one JSON object.
        StoreUnavailable: the store is away; 503.
    """
    snapshot = current_state().stored_streams.snapshot(stream_id, owner)
    response = json_response(response_object(snapshot))
    response.headers["Headrace-Stream-Id"] = stream_id
    return response


def response_object(snapshot: StreamSnapshot) -> Json:
    """Return the response object of a stream.

    Args:
        snapshot: The stream, from its first event.

    Raises:
        AnswerTooLarge: the answer is too long for one JSON object.
    """
    answer = CollectedAnswer()
    answer.add(snapshot.events)
    if answer.size > MAX_TEXT_CHARS:
        raise AnswerTooLarge(
            f"The answer has more than {MAX_TEXT_CHARS} characters, the maximum of a JSON answer: request a stream."
        )
    if isinstance(snapshot.terminal, Completed):
        whole: Json = encoder_of(snapshot.id, snapshot.context).encode_whole(answer)
        return whole
    return _unfinished(snapshot, answer)


def _unfinished(snapshot: StreamSnapshot, answer: CollectedAnswer) -> Json:
    context, terminal = snapshot.context, snapshot.terminal
    fields = echoed_fields(context, PROTOCOL)
    output = collected_output(answer, snapshot.id, read_tool_names(fields))
    open_status: Status = "in_progress" if terminal is None else "incomplete"
    items = [
        output.item(index, open_status if _is_open(output.items, index) else "completed")
        for index in range(len(output.items))
    ]
    error = {"code": terminal.code, "message": terminal.message} if isinstance(terminal, Failed) else None
    return ResponseHeader(snapshot.id, context.created, fields).response(
        answer.started.model if answer.started else context.model,
        _status(answer, terminal),
        items,
        **output.reported,
        error=error,
        usage=answer.usage and usage_object(answer.usage),
    )


def _status(answer: CollectedAnswer, terminal: TerminalEvent | None) -> Status:
    match terminal:
        case None:
            return "queued" if answer.started is None else "in_progress"
        case Cancelled():
            return "cancelled"
        case _:
            return "failed"


def _is_open(items: Sequence[OutputItem], index: int) -> bool:
    block = items[index].block
    return block.arguments is None if isinstance(block, ToolCallBlock) else index == len(items) - 1
