"""Why an answer ended: the words of all servers in one vocabulary. Pure.

Each protocol has a closed list of its own, and servers that speak it for another model pass on that model's words, in
any case and spelling: `max_tokens`, `MAX_TOKENS` and `maxTokens` are one word here. It knows no protocol.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from ...core.events import FinishReason

ReportedReason: TypeAlias = FinishReason | Literal["interrupted"]
"""What a word says: how the answer ended, or that it was given up and is not whole."""

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
"""Words that servers send as long as the answer goes on."""

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
"""What the other words have in them. The first that fits decides: `ERROR_TOXIC` is a filter, `ERROR_LIMIT` a length,
`MALFORMED_FUNCTION_CALL` and `TOO_MANY_TOOL_CALLS` are answers that were given up. A repetition is broken off as a
length is: by the server, before the model's own end."""


def parse_finish_reason(word: Any) -> ReportedReason | None:  # noqa: ANN401  # what a server sent
    """Return what a server's word says of the answer's end; None where it says that there is none yet.

    Args:
        word: A text; or an object that has it as its `type` or `reason`, as SGLang's own API writes it.
    """
    if isinstance(word, dict):
        word = word.get("type") or word.get("reason")
    return _parse_word(word) if isinstance(word, str) else None


@lru_cache(256)
def _parse_word(word: str) -> ReportedReason | None:
    # Also as Python's enumerations are written: "FinishReason.MAX_TOKENS".
    squeezed = re.sub(r"[^a-z0-9]", "", word.rpartition(".")[2].lower())
    if squeezed in _UNFINISHED_WORDS:
        return None
    if squeezed in _STOP_WORDS:
        return "stop"
    return next((reason for reason, root in _PATTERNS if root.search(squeezed)), "other")


def resolve_finish_reason(reported: FinishReason, *, has_calls: bool, has_refused: bool) -> FinishReason:
    """Return why an answer ended, by what it holds where the upstream's word does not fit it.

    Whole calls want to be run whatever word ended them, unless it says that the answer was cut; and where there is no
    call, nobody is to wait for one.

    Args:
        told: What the upstream said.
        has_calls: Whether the answer has calls.
        has_refused: Whether it has said of its text that it is a refusal.
    """
    if reported not in {"stop", "other", "tool_calls"}:
        return reported
    if has_calls and (reported == "tool_calls" or not has_refused):
        return "tool_calls"
    if has_refused:
        return "content_filter"
    return "stop" if reported == "tool_calls" else reported
