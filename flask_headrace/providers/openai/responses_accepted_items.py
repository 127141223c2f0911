"""Leaves out of a conversation in the Responses API's form what a server of that API would refuse. Pure.

A client may have had an answer from a provider of another API, or one that was stopped, and sends its items back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.reasoning_signature import is_foreign_to_openai
from ..chat_request import Json
from .call_ids import bounded_call_id

MAX_CALL_ID_CHARS = 64
"""Characters of a call's id that OpenAI accepts."""

_OWN_ID = re.compile(r"(msg|rs|fc|ctc)_.+_\d+", re.DOTALL)
"""Ids of items that this service has made: OpenAI's have no number at their end."""

_WAITING_TYPES = frozenset({"function_call_output", "custom_tool_call_output", "item_reference"})


def accepted_items(items: Sequence[Json], *, is_official: bool) -> list[Json]:
    """Return the items that a server accepts, otherwise as they are.

    Args:
        items: The items, as the client sent them or as they were built.
        is_official: Whether OpenAI's own models are served there; see `Address.is_official`. They refuse reasoning
            that nothing of the same answer follows, and ids that they have not made.
    """
    kept = [_accepted(item, is_official) for item in items if not _is_refused_reasoning(item, is_official)]
    return list(_without_loose_reasoning(kept)) if is_official else kept


def _accepted(item: Json, is_official: bool) -> Json:
    sent = item.get("call_id")
    if isinstance(sent, str) and len(sent) > MAX_CALL_ID_CHARS:
        item = {**item, "call_id": bounded_call_id(sent, MAX_CALL_ID_CHARS)}
    if is_official and item.get("type") != "item_reference" and _is_own_id(item.get("id")):
        item = {name: value for name, value in item.items() if name != "id"}
    return item


def _is_own_id(item_id: Any) -> bool:  # noqa: ANN401  # any JSON
    return isinstance(item_id, str) and _OWN_ID.fullmatch(item_id) is not None


def _is_refused_reasoning(item: Json, is_official: bool) -> bool:
    if item.get("type") != "reasoning":
        return False
    encrypted_content, item_id = item.get("encrypted_content"), item.get("id")
    if isinstance(encrypted_content, str) and encrypted_content:
        return is_foreign_to_openai(encrypted_content)
    # Without its content OpenAI knows an item by its id alone.
    return is_official and (not isinstance(item_id, str) or _is_own_id(item_id))


def _without_loose_reasoning(items: list[Json]) -> Iterator[Json]:
    held: list[Json] = []
    for item in items:
        if item.get("type") == "reasoning":
            held.append(item)
            continue
        if _is_of_model(item):
            yield from held
        held = []
        yield item


def _is_of_model(item: Json) -> bool:
    if item.get("type", "message") == "message":
        return item.get("role") == "assistant"
    return item.get("type") not in _WAITING_TYPES
