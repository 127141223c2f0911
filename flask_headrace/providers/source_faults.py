"""The sentences about what a custom generator gives and must not give: with the value for the log, without for readers.

Pure.
"""

from __future__ import annotations

from ..core.source_errors import SourceTypeError, SourceValueError


def type_error(name: str, value: object, advice: str) -> SourceTypeError:
    """Return the error of a source that gives something of a wrong type.

    Args:
        name: Names the source.
        value: What it gives.
        advice: What to do, and why.
    """
    return SourceTypeError(
        f"{name} gives {format_value(value)}: {advice}", f"{name} gives {_format_type(value)}: {advice}"
    )


def value_error(what: str, value: object, advice: str) -> SourceValueError:
    """Return the error of a source that gives an event with a wrong value.

    Args:
        what: The beginning of the sentence, up to the value.
        value: The event.
        advice: The end of the sentence.
    """
    return SourceValueError(f"{what} {format_value(value)}{advice}", f"{what} {_format_type(value)}{advice}")


def format_value(value: object) -> str:
    """Return a value for the log, cut to 200 characters."""
    try:
        return f"{value!a:.200}"
    except RecursionError:
        return f"a {type(value).__name__} with too many levels"
    except Exception:  # noqa: BLE001  # the application's own `__repr__`
        return f"a {type(value).__name__} whose repr() fails"


def _format_type(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
