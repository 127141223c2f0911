"""Turns the body of a Responses API request into a `ChatRequest`.

This module knows OpenAI's fields, and which of them every provider understands. The others travel along in
`ChatRequest.source`. It does not know models or providers. Pure.
"""

from __future__ import annotations

import msgspec

from ...core.errors import InvalidRequest
from ...core.tool_namespaces import QualifiedName, flat_names
from ...providers.chat_request import ChatRequest, Json, Message, ResponseFormat
from ...providers.source_request import SourceRequest, SourceTurn
from ..openai_shared.body import JSONSchemaDefinition
from ..openai_shared.request import convert
from .body import ResponseBody
from .conversation import ConversationReader
from .leftovers import SERVICE_FIELDS, Leftovers
from .tools import ToolReader, offered_tools


def to_chat_request(body: ResponseBody, fields: Json, headers: tuple[tuple[str, str], ...] = ()) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Args:
        body: The body.
        fields: The body's JSON object as the client sent it.
        headers: The request's headers that belong to the protocol.

    Raises:
        InvalidRequest: the body has an item or a value that is not supported; the message names it.
    """
    leftovers = Leftovers()
    leftovers.add_fields(fields)
    offered = offered_tools(body.tools, body.input)
    names = flat_names(offered.values())
    reader = ToolReader(leftovers, names)
    tools, tool_choice = reader.choice(body.tool_choice, reader.tools(offered), has_more=bool(offered))
    turns = _to_turns(body, fields, leftovers, names)
    request = ChatRequest(
        model="",
        messages=tuple([message for turn in turns for message in turn.messages]),
        max_tokens=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_to_response_format(body, leftovers),
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        verbosity=body.text.verbosity if body.text else None,
        user=body.user or body.safety_identifier,
    )
    return _with_source(request, fields, turns, headers, leftovers)


def _with_source(
    request: ChatRequest,
    fields: Json,
    turns: list[SourceTurn],
    headers: tuple[tuple[str, str], ...],
    leftovers: Leftovers,
) -> ChatRequest:
    source = SourceRequest(
        "openai-responses",
        {name: value for name, value in fields.items() if name not in SERVICE_FIELDS and value is not None},
        tuple(turns),
        headers,
        tuple(leftovers.unread),
        tuple(leftovers.essential),
        tuple(leftovers.state),
        converted=request,
    )
    return msgspec.structs.replace(request, source=source)


def _to_turns(
    body: ResponseBody, fields: Json, leftovers: Leftovers, names: dict[QualifiedName, str]
) -> list[SourceTurn]:
    # The instructions are a field: they are no item of the conversation.
    system = [] if body.instructions is None else [SourceTurn((), (Message("system", body.instructions),))]
    if isinstance(body.input, str):
        return [*system, SourceTurn(({"role": "user", "content": body.input},), (Message("user", body.input),))]
    turns = ConversationReader(leftovers, names).read(fields.get("input") or [])
    if any(turn.messages for turn in turns):
        return [*system, *turns]
    if not (leftovers.state or leftovers.essential):
        raise InvalidRequest("input is empty: send at least one item, such as a user message.")
    # Only the provider knows the conversation.
    return [*system, SourceTurn(tuple([value for turn in turns for value in turn.values]), (Message("user"),))]


def _to_response_format(body: ResponseBody, leftovers: Leftovers) -> ResponseFormat | None:
    sent = body.text.format if body.text else None
    match sent.get("type", "text") if sent is not None else "text":
        case "text":
            return None
        case "json_object":
            return ResponseFormat(None)
        case "json_schema":
            definition: JSONSchemaDefinition = convert(sent, JSONSchemaDefinition, "text.format")
            return ResponseFormat(definition.schema, definition.name, definition.strict, definition.description)
        case other:
            leftovers.essential.append(f"text.format ({other!s:.40})")
            return None
