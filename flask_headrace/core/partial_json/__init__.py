"""Incremental parsing of a JSON document that grows. Pure.

`PartialJSON` turns the pieces of a text into patches, each in time proportional to the piece. `apply` applies patches
to a document. `snapshot` returns the value of an incomplete text at once, for a reader that joins later.
`static/json/partial-json.js` implements the same in JavaScript, without `snapshot`.
"""

from .document import apply
from .errors import Incomplete, JSONError, Malformed, TooDeep, TooLong
from .parser import MAX_DEPTH, MAX_PATH, MAX_SIZE, PartialJSON
from .patches import Add, Append, Close, Patch
from .snapshot import snapshot

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
