"""The options with which an application makes and passes tools: their checks. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal


def check_timeout(name: str, timeout: object) -> None:
    """Return if the time limit of a tool is None, or a number of seconds.

    Raises:
        TypeError: it is neither.
    """
    if timeout is not None and not (isinstance(timeout, (int, float, Decimal)) and timeout > 0):
        raise TypeError(f"The timeout of the tool {name} is {timeout!r:.100}: it must be more than 0 seconds.")


def check_approval_rule(name: str, rule: object, parameters: Sequence[str]) -> None:
    """Return if the `needs_approval` of a tool is True, False, or a function that can be called with its arguments.

    Args:
        name: The tool's name.
        rule: The `needs_approval`.
        parameters: The names of the tool's arguments.

    Raises:
        TypeError: it is not.
    """
    if isinstance(rule, bool):
        return
    if not callable(rule):
        raise TypeError(
            f"needs_approval of the tool {name} is {rule!r:.100}: it must be True, False, or a function of the "
            "tool's arguments."
        )
    if inspect.iscoroutinefunction(rule):
        raise TypeError(f"needs_approval of the tool {name} is an async function: write it with `def`.")
    try:
        signature = inspect.signature(rule)
    except ValueError:  # some functions of C have none
        return
    try:
        signature.bind(**dict.fromkeys(parameters))
    except TypeError as error:
        raise TypeError(
            f"needs_approval of the tool {name} gets all arguments of the tool by their names "
            f"({', '.join(parameters)}), and cannot be called with them: {error}. Write a parameter for each one, or "
            "**arguments."
        ) from None


def check_tools(tools: object) -> None:
    """Return if what an application passes as `tools` is a list, or the like.

    Raises:
        TypeError: it is not, such as a single tool.
    """
    if isinstance(tools, (str, Mapping)) or not isinstance(tools, Iterable):
        raise TypeError(f"tools is {tools!r:.100}: it must be a list of tools, such as [find, refund].")
