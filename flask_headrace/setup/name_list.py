"""Lists of names that an application gives as arguments."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import ConfigurationError


def name_list(argument: str, names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the names of an argument; None for None.

    Args:
        argument: The name of the argument, for the message.
        names: The names.

    Raises:
        ConfigurationError: the names are one string, which would count as a list of its letters.
    """
    if isinstance(names, str):
        raise ConfigurationError(
            f"{argument} is {names!r:.100}: give a list of names, as in {argument}=[{names!r:.100}]."
        )
    return None if names is None else tuple(names)
