"""Reading of fields that OpenAI's two protocols have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.errors import InvalidRequest
from ...providers.chat_request import Json

_arguments = msgspec.json.Decoder(Json)


def reject_unsupported(body: Any, meaningless: Mapping[str, tuple[Any, ...]], instead: Mapping[str, str]) -> None:  # noqa: ANN401  # any body of OpenAI's
    """Return if a body has no field that nobody here can honour.

    Args:
        body: The body.
        meaningless: Its fields of that kind, with the values of them that ask for nothing.
        instead: What to do instead, by the fields' names; the others are to be left out.

    Raises:
        InvalidRequest: it has one; the message names it.
    """
    for name, values in meaningless.items():
        value = getattr(body, name)
        if value is not None and value not in values:
            todo = instead.get(name, "leave it out")
            raise InvalidRequest(f"{name} is {value!r:.100}, which cannot be honoured here: {todo}.")


def parse_tool_arguments(text: str, where: str) -> Json:
    """Return the arguments of an earlier call, of which its client sends the JSON text.

    Raises:
        InvalidRequest: it is not that of an object; the message names the place.
    """
    try:
        # A tool without parameters is called with nothing at all by some models.
        return _arguments.decode(text) if text.strip() else {}
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        raise InvalidRequest(f"{where} is {text!r:.100}: it must be the text of a JSON object.") from None
