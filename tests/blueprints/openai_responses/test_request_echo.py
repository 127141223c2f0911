"""What a response has of its request: all fields that its readers require, as asked or by default."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flask_headrace.blueprints.echoed_fields import echoed_fields
from flask_headrace.blueprints.openai_responses.encoder import ResponsesEncoder
from flask_headrace.blueprints.openai_responses.request_echo import echoed_request_fields, without_ignored_tools
from flask_headrace.core.answer import CollectedAnswer
from flask_headrace.core.events import Completed, TextDelta
from flask_headrace.streaming.context import StreamContext
from tests.blueprints.openai_responses.response_schema import check_response
from tests.blueprints.openai_responses.test_encoder import START, USAGE

SEARCH = {"type": "web_search", "search_context_size": "low"}
FIND = {"type": "function", "name": "find", "novel": 1}


def response(**request_fields: Any) -> dict[str, Any]:
    answer = CollectedAnswer()
    answer.add([START, TextDelta("a"), USAGE, Completed("stop")])
    return ResponsesEncoder("s1", "acme/tiny", 1, request_fields).encode_whole(answer)


def test_a_number_has_the_digits_of_the_client_also_if_no_float_has_them() -> None:
    sent = b'{"prompt_cache_key":1e999,"tools":[{"type":"web_search","weight":0.10}],"metadata":{"a":-1e400}}'
    context = StreamContext("acme/tiny", "acme", "tiny", "acme", protocol="responses", echoed_fields=sent)
    given = msgspec.json.encode(response(**echoed_fields(context, "responses")))
    assert all(digits in given for digits in (b":1e999", b":0.10", b":-1e400"))


def test_a_request_that_says_nothing_has_the_defaults() -> None:
    given = response()
    check_response(given)
    numbers = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs")
    assert [given[name] for name in numbers] == [1.0, 1.0, 0.0, 0.0, 0]
    assert (given["truncation"], given["service_tier"], given["tools"]) == ("disabled", "default", [])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"temperature": 0, "top_p": 0.25, "top_logprobs": 5, "presence_penalty": 1, "frequency_penalty": -1}, {}),
        ({"truncation": "auto", "service_tier": "priority", "max_tool_calls": 3, "max_output_tokens": 99}, {}),
        ({"safety_identifier": "u1", "prompt_cache_key": "k", "user": "u2", "metadata": {"a": "b"}}, {}),
        ({"instructions": "Be brief.", "parallel_tool_calls": False, "prompt_cache_retention": "24h"}, {}),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}}, {}),
        ({"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low", "summary": None}}),
        ({"text": {"verbosity": "low"}}, {"text": {"verbosity": "low", "format": {"type": "text"}}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": None}}},
            {
                "text": {
                    "format": {
                        "type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": False,
                        "description": None,
                    }
                }
            },
        ),
        (
            {"tools": [FIND, SEARCH]},
            {"tools": [{**FIND, "description": None, "parameters": None, "strict": None}, SEARCH]},
        ),
        ({"conversation": "conv_1"}, {"conversation": {"id": "conv_1"}}),
        ({"metadata": None, "tools": None, "top_p": None}, {"metadata": {}, "tools": [], "top_p": 1.0}),
    ],
)  # fmt: skip
def test_what_was_asked_is_told(asked: dict[str, Any], told: dict[str, Any]) -> None:
    given = response(**asked)
    check_response(given)
    expected = {**asked, **told}
    assert {name: given[name] for name in expected} == expected


def test_what_was_not_asked_about_the_response_stays_away() -> None:
    assert echoed_request_fields({"input": "hi", "model": "m", "stream": True, "novel": 1, "top_p": 0.5}) == {
        "top_p": 0.5
    }
    given = response(input="hi", model="other", id="x", status="failed", novel=1)
    check_response(given)
    assert (given["model"], given["id"], given["status"]) == ("acme/tiny", "resp_s1", "completed")
    assert not {"novel", "input", "stream"} & given.keys()


def test_what_the_provider_applied_replaces_what_was_asked() -> None:
    answer = CollectedAnswer()
    applied = {"temperature": 1.0, "service_tier": "priority"}
    answer.add([START, TextDelta("a"), USAGE, Completed("stop", applied_settings=applied)])
    asked = {"temperature": 0.5, "service_tier": "auto", "top_p": 0.5}
    given = ResponsesEncoder("s1", "acme/tiny", 1, asked).encode_whole(answer)
    check_response(given)
    assert [given[name] for name in ("temperature", "service_tier", "top_p")] == [1.0, "priority", 0.5]


def test_a_tool_that_the_model_is_not_offered_is_no_tool_of_the_response() -> None:
    fields = {"tools": [SEARCH, FIND, SEARCH], "top_p": 0.5}
    ignored = ("client_metadata", "tools[0] (web_search)", "tools[2] (web_search)", "tools[1].tools[0] (custom)")
    assert without_ignored_tools(fields, ignored) == {"tools": [FIND], "top_p": 0.5}
    assert without_ignored_tools(fields, ()) == fields
    assert without_ignored_tools({"top_p": 0.5}, ignored) == {"top_p": 0.5}
