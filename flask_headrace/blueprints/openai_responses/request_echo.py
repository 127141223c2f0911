"""The request fields that a response of OpenAI's Responses API contains again. Pure.

A response has all fields of `ECHOED_FIELD_DEFAULTS`, whatever the request had: typed clients require them. A field is
echoed whether this service honours it, passes it on or ignores it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

ECHOED_FIELD_DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""The request fields that every response echoes, with the values for absent fields."""

OPTIONAL_ECHOED_FIELDS = ("conversation", "prompt", "prompt_cache_options", "prompt_cache_retention")
"""The request fields that a response echoes only if the request has them."""

_ECHOED_FIELDS = (*ECHOED_FIELD_DEFAULTS, *OPTIONAL_ECHOED_FIELDS)
_IGNORED_TOOL = re.compile(r"tools\[(\d+)\] ")
_FUNCTION_DEFAULTS: Mapping[str, Any] = {"description": None, "parameters": None, "strict": None}
_JSON_SCHEMA_DEFAULTS: Mapping[str, Any] = {"description": None, "strict": False}


def echoed_request_fields(request_fields: Mapping[str, Any]) -> Json:
    """Return the fields of a request that its response echoes, as the request has them.

    Args:
        request_fields: The top-level fields of the request, as JSON values. Null counts as absent.
    """
    return {name: request_fields[name] for name in _ECHOED_FIELDS if request_fields.get(name) is not None}


def without_ignored_tools(fields: Mapping[str, Any], ignored: Collection[str]) -> Mapping[str, Any]:
    """Return echoed fields whose `tools` are those that the model was offered.

    Args:
        fields: The fields of `echoed_request_fields`.
        ignored: The paths of what no provider of the model receives, such as `tools[0] (web_search)`.
    """
    numbers = {int(found[1]) for path in ignored if (found := _IGNORED_TOOL.match(path))}
    if not numbers or not isinstance(fields.get("tools"), list):
        return fields
    return {**fields, "tools": [tool for number, tool in enumerate(fields["tools"]) if number not in numbers]}


def response_fields(request_fields: Mapping[str, Any]) -> Json:
    """Return the echoed fields of a response: those of its request, and the defaults of all others.

    Args:
        request_fields: The top-level fields of the request, as JSON values. Others than the echoed ones are ignored.
    """
    given = echoed_request_fields(request_fields)
    return {**ECHOED_FIELD_DEFAULTS, **{name: _complete(name, value) for name, value in given.items()}}


def _complete(name: str, value: Any) -> Any:  # noqa: ANN401  # JSON values
    """Return a field's value with the parts that a response has and a request may omit."""
    match name, value:
        case "conversation", str():
            return {"id": value}
        case "reasoning", dict():
            return {**ECHOED_FIELD_DEFAULTS["reasoning"], **value}
        case "text", dict():
            return {**value, "format": _complete_format(value.get("format"))}
        case "tools", list():
            return [_complete_tool(tool) for tool in value]
        case _:
            return value


def _complete_format(text_format: Any) -> Any:  # noqa: ANN401  # JSON values
    match text_format:
        case None:
            return ECHOED_FIELD_DEFAULTS["text"]["format"]
        case {"type": "json_schema"}:
            given = {name: value for name, value in text_format.items() if value is not None}
            return {**_JSON_SCHEMA_DEFAULTS, **given}
        case _:
            return text_format


def _complete_tool(tool: Any) -> Any:  # noqa: ANN401  # JSON values
    return {**_FUNCTION_DEFAULTS, **tool} if isinstance(tool, dict) and tool.get("type") == "function" else tool
