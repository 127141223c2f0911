"""Turns the body of a Responses API request into a `ChatRequest`.

This module knows OpenAI's fields, and which of them every provider understands. The others travel along in
`ChatRequest.source`. It does not know models or providers. Pure.
"""

from __future__ import annotations

import msgspec

from ...core.errors import InvalidRequest
from ...core.tool_namespaces import QualifiedName, flat_names
from ...providers.chat_request import ChatRequest, Json, Message, ResponseFormat
from ...providers.source_request import SourceTurn
from ..http.request_body import convert
from ..openai_shared.body import JSONSchemaDefinition
from .body import ResponseBody
from .conversation import ConversationReader
from .tools import ToolReader, declared_tools
from .untranslated import SERVICE_FIELDS, Untranslated


def to_chat_request(body: ResponseBody, fields: Json, headers: tuple[tuple[str, str], ...] = ()) -> ChatRequest:
    """Return the `ChatRequest` of a body, without the model, which `open_stream` resolves.

    Args:
        body: The body.
        fields: The body's JSON object as the client sent it.
        headers: The request's headers that belong to the protocol.

    Raises:
        InvalidRequest: the body has an item or a value that is not supported; the message names it.
    """
    untranslated = Untranslated()
    untranslated.add_fields(fields)
    declared = declared_tools(body.tools, body.input)
    names = flat_names(declared.values())
    reader = ToolReader(untranslated, names)
    tools, tool_choice = reader.choice(body.tool_choice, reader.tools(declared), has_more=bool(declared))
    turns = _to_turns(body, fields, untranslated, names)
    request = ChatRequest(
        model="",
        messages=tuple([message for turn in turns for message in turn.messages]),
        max_tokens=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_to_response_format(body, untranslated),
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        verbosity=body.text.verbosity if body.text else None,
        user=body.user or body.safety_identifier,
    )
    passed = {name: value for name, value in fields.items() if name not in SERVICE_FIELDS and value is not None}
    source = untranslated.source_request("openai-responses", passed, turns, headers, request)
    return msgspec.structs.replace(request, source=source)


def _to_turns(
    body: ResponseBody, fields: Json, untranslated: Untranslated, names: dict[QualifiedName, str]
) -> list[SourceTurn]:
    # The instructions are a field: they are no item of the conversation.
    system = [] if body.instructions is None else [SourceTurn((), (Message("system", body.instructions),))]
    if isinstance(body.input, str):
        return [*system, SourceTurn(({"role": "user", "content": body.input},), (Message("user", body.input),))]
    turns = ConversationReader(untranslated, names).read(fields.get("input") or [])
    if any(turn.messages for turn in turns):
        return [*system, *turns]
    if not (untranslated.state or untranslated.essential):
        raise InvalidRequest("input is empty: send at least one item, such as a user message.")
    # Only the provider knows the conversation.
    return [*system, SourceTurn(tuple([value for turn in turns for value in turn.values]), (Message("user"),))]


def _to_response_format(body: ResponseBody, untranslated: Untranslated) -> ResponseFormat | None:
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
            untranslated.add_essential(f"text.format ({other!s:.40})")
            return None
