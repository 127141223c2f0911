"""Approvals of tool calls: the ids with which they are asked for, and their check when the client answers.

The id is signed with the application's key, and names one call of one stream, with its arguments and its owner. An
approval is used once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from ..core import exact_json
from ..core.errors import ConfigurationError, InvalidRequest, StreamConflict
from ..core.json_depth import MAX_TOOL_DEPTH, is_deeper
from ..providers.chat_request import Json, ToolCall
from ..providers.tool_approval import ToolApproval
from .local_tool import LocalTool, ToolSource

SALT = "headrace-approval"

MAX_DIGITS = 1000
"""Digits of the numbers that may come back in another form."""


class Approvals:
    """Makes and checks approvals.

    Args:
        keys: The application's keys, the oldest first; the last one signs. Empty if it has none.
        max_age: Seconds for which an approval can be given.
        add_ticket: Adds a ticket of a name that any worker can take once, within some seconds.
        take_ticket: Takes a ticket, and returns whether it was there.
    """

    def __init__(
        self,
        keys: Sequence[str | bytes],
        max_age: float,
        add_ticket: Callable[[str, float], object],
        take_ticket: Callable[[str], bool],
    ) -> None:
        self._serializer = URLSafeTimedSerializer(_bytes(keys), salt=SALT) if keys else None
        self._max_age, self._add_ticket, self._take_ticket = max_age, add_ticket, take_ticket

    def require_key(self, tool: LocalTool[..., Any] | ToolSource) -> None:
        """Return if a tool, or each tool of a source, needs no approvals, or if they can be signed.

        Raises:
            ConfigurationError: they cannot, since the application has no key.
        """
        if tool.needs_approval:
            self._signer(f"The tool {tool.name}" if isinstance(tool, LocalTool) else repr(tool))

    def request(self, stream_id: str, call: ToolCall, owner: str) -> str:
        """Return the id with which the approval of a call is asked for.

        Raises:
            StoreUnavailable: the store cannot remember that it was asked for.
        """
        told = [stream_id, call.id, _count_values(call.arguments), _digest(call, owner)]
        signed: str | bytes = self._signer(f"The tool {call.name}").dumps(told)
        id_ = signed if isinstance(signed, str) else signed.decode()
        self._add_ticket(_ticket(id_), self._max_age)
        return id_

    def check(self, call: ToolCall, approval: ToolApproval, owner: str) -> None:
        """Return if this service has asked this owner for the approval of just this call.

        Raises:
            InvalidRequest: it has not, or too long ago; 400.
        """
        named = f"The approval of the call {call.id!r:.100}, of the tool {call.name!r:.100},"
        try:
            _, call_id, values, digest = self._signer(f"The tool {call.name}").loads(approval.id, max_age=self._max_age)
        except SignatureExpired:
            raise InvalidRequest(f"{named} was asked for more than {self._max_age:g} s ago: ask again.") from None
        except (BadSignature, ValueError, TypeError):
            raise InvalidRequest(f"{named} is none that was asked for: send its id as it came.") from None
        # The digest of the many values that a request may have would block all other requests for a second.
        is_alike = (call_id, values) == (call.id, _count_values(call.arguments))
        if not is_alike or is_deeper(call.arguments, MAX_TOOL_DEPTH) or digest != _digest(call, owner):
            raise InvalidRequest(f"{named} was asked for another call, other arguments or another user.")

    def use(self, approvals: Sequence[tuple[ToolCall, ToolApproval]]) -> None:
        """Use the answers to approvals, given or denied: all of them, or none. Nobody can use them again.

        Raises:
            StreamConflict: one was used before, or the store has forgotten it; 409.
            StoreUnavailable: nobody can tell, since the store cannot be reached; 503.
        """
        taken: list[str] = []
        for call, approval in approvals:
            if self._take_ticket(_ticket(approval.id)):
                taken.append(_ticket(approval.id))
                continue
            for ticket in taken:
                self._add_ticket(ticket, self._max_age)
            raise StreamConflict(
                f"The approval of the call {call.id!r:.100}, of the tool {call.name!r:.100}, was used before, given or "
                "denied, or is forgotten since the service has started anew: ask again."
            )

    def _signer(self, name: str) -> Any:  # noqa: ANN401  # generic in a type that nobody uses
        if self._serializer is None:
            raise ConfigurationError(
                f"{name} needs approvals, which are signed with the application's SECRET_KEY: "
                "it has none, so set app.secret_key."
            )
        return self._serializer


def _bytes(keys: Sequence[str | bytes]) -> list[bytes]:
    return [key.encode() if isinstance(key, str) else key for key in keys]


def _ticket(approval_id: str) -> str:
    return sha256(approval_id.encode()).hexdigest()


def _count_values(arguments: Json) -> int:
    count, unseen = 0, [arguments]
    while unseen:
        value: Any = unseen.pop()
        count += 1
        unseen += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return count


def _digest(call: ToolCall, owner: str) -> str:
    return sha256(exact_json.encode([call.name, _canonical(call.arguments), owner])).hexdigest()


def _canonical(value: Any) -> Any:  # noqa: ANN401  # a JSON value
    """Return a value that is the same for all ways to write the same JSON value."""
    match value:
        case dict():
            return {name: _canonical(value[name]) for name in sorted(value)}
        case list():
            return ["list", *[_canonical(item) for item in value]]
        case bool():
            return value
        case int() | float():
            return ["number", _canonical_number(exact_json.encode(value).decode())]
        case _:
            return value


def _canonical_number(digits: str) -> str:
    # JavaScript clients write 1.50 as 1.5, and 1e2 as 100.
    if len(digits) > MAX_DIGITS:
        return digits
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent of more than 18 digits
        return digits
    sign, figures, exponent = number.as_tuple()  # `normalize` would round
    significant = "".join(map(str, figures)).rstrip("0")
    if not isinstance(exponent, int) or not significant:
        return "0"
    return f"{'-' * sign}{significant}e{exponent + len(figures) - len(significant)}"
