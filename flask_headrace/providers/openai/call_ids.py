"""Ids of tool calls that OpenAI's APIs accept. Pure."""

from __future__ import annotations

from hashlib import sha256


def bounded_call_id(sent: str, max_chars: int) -> str:
    """Return an id of at most `max_chars` characters: `sent` itself if it is short enough, else one that stands for it.

    The same id always gives the same one, so that a call and its result still belong together.
    """
    if len(sent) <= max_chars:
        return sent
    return f"call_{sha256(sent.encode(errors='surrogatepass')).hexdigest()}"[:max_chars]
