"""A growing JSON document, as patches and as a value: pure, from text to values.

`PartialJSON` turns the pieces of a text into patches, each in time proportional to the piece; `apply` makes the
document of them; `snapshot` gives the value of a cut text whole, for who joins in the middle.
static/json/partial-json.js is the same in JavaScript, but for the snapshot.
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
