"""The approval of a tool call that this service has asked for, as it stands in a conversation. A value."""

from __future__ import annotations

import msgspec


class ToolApproval(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """The approval of a tool call, which the service has asked for.

    Args:
        id: The id that the call came with.
        approved: Whether the tool may run; None if nobody has answered.
        reason: Why not, for the model; None for no reason.
    """

    id: str
    approved: bool | None = None
    reason: str | None = None
