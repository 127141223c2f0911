"""The approval of a tool call that this service has asked for, as it stands in a conversation. Pure."""

from __future__ import annotations

import msgspec

DENIED = "The user has not approved the call."
"""What the model is told of a call that a person has denied."""


class ToolApproval(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What a person has decided about a tool call: the `approval` of a `ToolCall` in the next question.

    Args:
        id: The id of the approval, as in the call's `ApprovalRequested`.
        approved: Whether the tool may run; None if nobody has decided.
        reason: Why it may not run, for the model; None for no reason.
    """

    id: str
    approved: bool | None = None
    reason: str | None = None


def denial(reason: str | None) -> str:
    """Return the error of a call that a person has denied, with the reason unless it is None or empty."""
    return f"{DENIED} Their reason: {reason}" if reason else DENIED
