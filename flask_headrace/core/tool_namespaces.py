"""Names of the functions in namespaces of OpenAI's Responses API, for protocols that have functions alone. Pure.

A tool of the type `namespace` groups functions, whose names are only unique within it. Elsewhere each of them is a
function with one flat name, such as `agents__close`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

MAX_NAME_CHARS = 64
"""Characters of the name of a function, in all protocols."""

MAX_NAMESPACE_CHARS = 256
"""Characters of the name of a namespace, which is a part of the name of each of its functions."""

_FORBIDDEN = re.compile(r"[^a-zA-Z0-9_-]")
_HASH_CHARS = 10


class QualifiedName(NamedTuple):
    """The name of a function in its namespace."""

    namespace: str
    name: str

    @property
    def flat(self) -> str:
        """The name of the function where there are no namespaces."""
        plain = f"{self.namespace}__{self.name}"
        flat = _FORBIDDEN.sub("_", plain)
        return flat if flat == plain and len(flat) <= MAX_NAME_CHARS else self.distinct

    @property
    def distinct(self) -> str:
        """Such a name that no other function can have, for one whose plain name is taken, too long or forbidden."""
        digest = sha256(f"{self.namespace}\0{self.name}".encode(errors="surrogatepass")).hexdigest()[:_HASH_CHARS]
        kept = _FORBIDDEN.sub("_", f"{self.namespace}__{self.name}")[: MAX_NAME_CHARS - _HASH_CHARS - 1]
        return f"{kept}_{digest}"


def flat_names(tools: Iterable[Any]) -> dict[QualifiedName, str]:
    """Return the flat names of all functions in namespaces; none of them is the name of another tool.

    Args:
        tools: The tools of a request, as the client sent them. Namespaces whose names are too long are left out.
    """
    sent = [tool for tool in tools if isinstance(tool, dict)]
    taken = {tool["name"] for tool in sent if isinstance(tool.get("name"), str) and tool.get("type") != "namespace"}
    names: dict[QualifiedName, str] = {}
    for qualified in _qualified_names(sent):
        if qualified not in names:
            names[qualified] = qualified.distinct if qualified.flat in taken else qualified.flat
            taken.add(names[qualified])
    return names


def _qualified_names(tools: list[dict[str, Any]]) -> Iterator[QualifiedName]:
    for tool in tools:
        match tool:
            case {"type": "namespace", "name": str(namespace), "tools": list(members)}:
                named = members if len(namespace) <= MAX_NAMESPACE_CHARS else []
                for member in named:
                    match member:
                        case {"name": str(name)}:
                            yield QualifiedName(namespace, name)
