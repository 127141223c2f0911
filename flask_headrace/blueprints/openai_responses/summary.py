"""The summary of a conversation in a compaction item. Pure.

The summary travels in the item's `encrypted_content`, so that this service stores nothing. It is encoded and not
encrypted: it comes from the client's own conversation.
"""

from __future__ import annotations

import base64

PREFIX = "headrace.summary."
"""Precedes the summary in `encrypted_content`; that of another service has another form."""

INTRODUCTION = "This is a summary of our conversation so far:\n\n"
"""Precedes the summary in the message to the model."""


def encode_summary(summary: str) -> str:
    """Return the `encrypted_content` of a compaction item."""
    return PREFIX + base64.urlsafe_b64encode(summary.encode()).decode()


def decode_summary(encrypted_content: str | None) -> str | None:
    """Return the summary in the `encrypted_content` of a compaction item; None if another service has made it."""
    if encrypted_content is None or not encrypted_content.startswith(PREFIX):
        return None
    try:
        return base64.b64decode(encrypted_content.removeprefix(PREFIX), altchars=b"-_", validate=True).decode()
    except ValueError:
        return None
