"""Incremental JSON: the patches by which a document grows while its text arrives, and the value of a cut text.

`PartialJSON` converts the pieces of a text into patches, each in time proportional to the piece. `apply` applies
patches to a document. `snapshot` returns the value of a text that was cut at any point.
"""

from .core.partial_json import (
    MAX_DEPTH,
    MAX_PATH,
    MAX_SIZE,
    Add,
    Append,
    Close,
    Incomplete,
    JSONError,
    Malformed,
    PartialJSON,
    Patch,
    TooDeep,
    TooLong,
    apply,
    snapshot,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_PATH",
    "MAX_SIZE",
    "Add",
    "Append",
    "Close",
    "Incomplete",
    "JSONError",
    "Malformed",
    "PartialJSON",
    "Patch",
    "TooDeep",
    "TooLong",
    "apply",
    "snapshot",
]
