"""Parses the value of one setting: from a string of the environment, or from a Python value of `app.config`."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from typing import Any, get_args, get_origin

from ..core.errors import ConfigurationError


def parse_setting(name: str, value: Any, type_hint: Any) -> Any:  # noqa: ANN401  # the value of any setting
    """Return the value of a setting in the type of its field.

    Args:
        name: The name of the setting, for the message of the error.
        value: The value as it was given.
        type_hint: The type of the field: `float`, `int`, `bool`, `str` or `tuple[str, ...]`, or one of these `| None`.

    Raises:
        ConfigurationError: the value cannot be converted; the message contains the name and the value.
    """
    is_optional = get_origin(type_hint) is types.UnionType
    kind = next(arg for arg in get_args(type_hint) if arg is not types.NoneType) if is_optional else type_hint
    if is_optional and value in ("", None):
        return None
    kind = get_origin(kind) or kind
    try:
        parsed = _PARSERS[kind](value)
    except (TypeError, ValueError):
        parsed = None
    if parsed is None:
        disable = ", or empty to disable it" if is_optional else ""
        raise ConfigurationError(f"{name} is {value!r}: it must be {_DESCRIPTIONS[kind]}{disable}.")
    return parsed


def _parse_float(value: Any) -> float | None:  # noqa: ANN401
    number = float(value)
    return number if 0 <= number < float("inf") and not isinstance(value, bool) else None


def _parse_int(value: Any) -> int | None:  # noqa: ANN401
    number = int(str(value))
    return number if number >= 0 else None


_BOOLEANS = {
    "1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip


def _parse_bool(value: Any) -> bool | None:  # noqa: ANN401
    return _BOOLEANS.get(str(value).lower())


def _parse_list(value: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    items = value.split(",") if isinstance(value, str) else tuple(value or ())
    if not all(isinstance(item, str) for item in items):
        return None
    return tuple(item.strip() for item in items if item.strip())


def _parse_str(value: Any) -> str | None:  # noqa: ANN401
    return str(value) or None if isinstance(value, (str, os.PathLike)) else None


_PARSERS: dict[type, Callable[[Any], Any]] = {
    float: _parse_float, int: _parse_int, bool: _parse_bool, tuple: _parse_list, str: _parse_str
}  # fmt: skip
_DESCRIPTIONS: dict[type, str] = {
    float: "a number of 0 or more",
    int: "a whole number of 0 or more",
    bool: "1 or 0",
    tuple: "a list, separated by commas",
    str: "text",
}
