"""The ids of tool calls in requests to Anthropic's Messages API. Pure.

A client may have them from another provider. The API refuses some characters, and an id that occurs twice: some models
number the calls of each answer anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

_ACCEPTED = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MAX_KEPT_CHARS = 36


def with_accepted_ids(turns: Sequence[Any]) -> list[Any]:
    """Return turns in which the ids of calls, and of their results, are as the API requires.

    Only ids that it would refuse are replaced, and each by the same one as the conversation grows.

    Args:
        turns: The turns of a request; a client may have sent them.
    """
    times: Counter[str] = Counter()
    return [_with_accepted_ids(turn, times) for turn in turns]


def accepted_id(sent: str, occurrence: int = 1) -> str:
    """Return the id of a tool call in the form that the API requires; always the same one for the same arguments.

    Args:
        sent: The id as the client sent it.
        occurrence: How many calls until this one have that id.
    """
    if occurrence == 1 and _ACCEPTED.fullmatch(sent):
        return sent
    kept = re.sub(r"[^a-zA-Z0-9_-]", "_", sent)[:_MAX_KEPT_CHARS]
    digest = sha256(sent.encode(errors="surrogatepass")).hexdigest()[:20]
    return f"{kept}_{digest}" if occurrence == 1 else f"{kept}_{digest}_{occurrence}"


def _with_accepted_ids(turn: Any, times: Counter[str]) -> Any:  # noqa: ANN401  # JSON values
    content = turn.get("content")
    if not isinstance(content, list):
        return turn
    blocks = [_with_accepted_id(block, times) for block in content]
    is_same = all(block is sent for block, sent in zip(blocks, content, strict=True))
    return turn if is_same else {**turn, "content": blocks}


def _with_accepted_id(block: Any, times: Counter[str]) -> Any:  # noqa: ANN401  # JSON values
    name = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block.get("type"))
    if name is None or not isinstance(sent := block.get(name), str):
        return block
    if name == "id":
        times[sent] += 1
    accepted = accepted_id(sent, max(1, times[sent]))
    return block if accepted == sent else {**block, name: accepted}
