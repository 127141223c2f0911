"""Maps the finish reasons of all servers to `FinishReason`. Pure; knows no protocol.

Each protocol has its own closed list of reasons, and servers that speak it for another model pass on that model's
words, in any case and spelling: `max_tokens`, `MAX_TOKENS` and `maxTokens` are one word here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from ...core.events import FinishReason

ReportedReason: TypeAlias = FinishReason | Literal["interrupted"]
"""A finish reason, or `interrupted`: the server gave up, and the answer is not complete."""

_UNFINISHED_WORDS = {
    "",
    "null",
    "none",
    "unspecified",
    "finishreasonunspecified",
    "unknown",
    "notfinished",
    "inprogress",
}
"""Words that servers send while the answer is not finished."""

_STOP_WORDS = {
    "stop", "stopped", "stops", "stopsequence", "stopsequences", "stopstring", "stopstr", "stoptoken", "stopword",
    "eos", "eostoken", "eostokenid", "eosfound", "eot", "eogtoken", "endturn", "endofturn", "endofsequence",
    "endoftext", "end", "ended", "complete", "completed", "finish", "finished", "done", "normal", "success",
    "succeeded", "matched", "userstop",
}  # fmt: skip

_PATTERNS: tuple[tuple[ReportedReason, re.Pattern[str]], ...] = (
    (
        "content_filter",
        re.compile(
            "filter|safety|unsafe|refus|recitation|prohibited|blocklist|blocked|spii|guardrail|sensitive|toxic|moderation"
            "|policy|violation|modelarmor|language"
        ),
    ),
    ("interrupted", re.compile("ratelimit|toomany|insufficient")),
    (
        "length",
        re.compile(
            "length|limit|maxtoken|maxoutput|maxcontext|maxnew|maxcompletion|maxmessage|window|truncat|exceed|incomplete"
            "|repetition|steered|budget"
        ),
    ),
    (
        "interrupted",
        re.compile(
            "error|abort|cancel|fail|timeout|timedout|malformed|interrupt|unexpected|missing|unavailable|disconnect"
            "|preempt|overload|shutdown|killed|resource"
        ),
    ),
    ("tool_calls", re.compile("tool|function")),
    ("pause", re.compile("pause")),
)
"""Patterns for all other words; the first match decides. `ERROR_TOXIC` is a content filter, `ERROR_LIMIT` a length;
`MALFORMED_FUNCTION_CALL` and `TOO_MANY_TOOL_CALLS` interrupt the answer. Repetition counts as length: in both cases the
server ends the answer before the model does."""


def parse_finish_reason(word: Any) -> ReportedReason | None:  # noqa: ANN401  # what a server sent
    """Return the finish reason that a server sent; None if it says that the answer is not finished.

    Args:
        word: A string, or an object with the string in `type` or `reason`, as in SGLang's own API.
    """
    if isinstance(word, dict):
        word = word.get("type") or word.get("reason")
    return _parse_word(word) if isinstance(word, str) else None


@lru_cache(256)
def _parse_word(word: str) -> ReportedReason | None:
    # Also matches the repr of Python enumerations, such as "FinishReason.MAX_TOKENS".
    squeezed = re.sub(r"[^a-z0-9]", "", word.rpartition(".")[2].lower())
    if squeezed in _UNFINISHED_WORDS:
        return None
    if squeezed in _STOP_WORDS:
        return "stop"
    for reason, root in _PATTERNS:
        if root.search(squeezed):
            return reason
    return "other"


def resolve_finish_reason(reported: FinishReason, *, has_calls: bool, has_refused: bool) -> FinishReason:
    """Return the finish reason, corrected where the reported one contradicts the answer.

    Complete tool calls must be run, whatever the server reported, unless the answer was cut. Without a tool call,
    `tool_calls` would make the client wait for one.

    Args:
        reported: The finish reason that the server reported.
        has_calls: Whether the answer has tool calls.
        has_refused: Whether the server marked the answer's text as a refusal.
    """
    if reported not in {"stop", "other", "tool_calls"}:
        return reported
    if has_calls and (reported == "tool_calls" or not has_refused):
        return "tool_calls"
    if has_refused:
        return "content_filter"
    return "stop" if reported == "tool_calls" else reported
