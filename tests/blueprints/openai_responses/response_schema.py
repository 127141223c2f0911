"""The schema of OpenAI's Responses API in `response_schema.json`, as functions that fail with what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

_SCHEMA = json.loads(Path(__file__).with_name("response_schema.json").read_text())


def _validator(definition: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$defs": _SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"})


_VALIDATORS = {definition: _validator(definition) for definition in ("response", "event", "compacted_response")}


def check_response(response: Any) -> None:
    """Fail if `response` is no response object."""
    _check("response", response)


def check_compacted(response: Any) -> None:
    """Fail if `response` is no compacted response."""
    _check("compacted_response", response)


def check_events(events: list[dict[str, Any]]) -> None:
    """Fail if `events` are not the events of one stream, from its beginning to its end.

    Each fits the schema; all are numbered from 0 without a gap; `response.created` is the first, and the only final
    event is the last; each item is added before it grows; and the last response has the items that were sent.
    """
    for event in events:
        _check("event", event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:2] == ["created", "in_progress"]
    assert [kind for kind in kinds if kind in {"completed", "incomplete", "failed"}] == kinds[-1:]
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    _check_items(events)


def _check_items(events: list[dict[str, Any]]) -> None:
    ids: list[str] = []  # of the items, by index in the output
    for event in events:
        if event["type"] == "response.output_item.added":
            assert event["output_index"] == len(ids)
            ids.append(event["item"]["id"])
        elif "output_index" in event:
            assert (event.get("item_id") or event["item"]["id"]) == ids[event["output_index"]]
    last = events[-1]["response"]
    done = {event["item"]["id"]: event["item"] for event in events if event["type"] == "response.output_item.done"}
    assert [item["id"] for item in last["output"]] == ids
    assert all(done.get(item["id"], item) == item for item in last["output"])


def _check(definition: str, value: Any) -> None:
    errors = [f"{list(error.instance_path)}: {error.message}" for error in _VALIDATORS[definition].iter_errors(value)]
    assert not errors, (value.get("type") or value.get("object"), errors)
