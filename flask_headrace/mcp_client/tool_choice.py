"""Which tools of a server are offered, under which names, and which of their calls must be approved. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from hashlib import sha256
from typing import Any, TypeAlias, cast

from ..core.errors import ConfigurationError

Patterns: TypeAlias = Sequence[str] | frozenset[str] | set[str]
"""Names of tools, as the server writes them, or patterns with `*`, `?` and `[…]`."""

ApprovalRule: TypeAlias = bool | Patterns | Callable[[str, Mapping[str, Any]], bool]
"""Whether calls must be approved: all or none, those of some names or patterns, or as a function says of the name of
the tool, as the server writes it, and the arguments."""

MAX_NAME = 64
"""Characters that a tool's name may have for models."""

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_-]")
_WILDCARD = re.compile(r"[*?\[]")
_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,32}")


def check_patterns(option: str, patterns: object) -> tuple[str, ...]:
    """Return names and patterns.

    Args:
        option: The name of the option, for messages.
        patterns: What the application has passed; the text `*` stands for all names.

    Raises:
        ConfigurationError: it is no list of names; the message names it.
    """
    if patterns == "*":
        return ("*",)
    if isinstance(patterns, (list, tuple, set, frozenset)) and all(
        isinstance(pattern, str) and pattern for pattern in patterns
    ):
        return tuple(patterns)
    raise ConfigurationError(
        f'{option} is {patterns!r:.200}: it must be a list of names or patterns, such as ["search", "read_*"], '
        'or "*" for all tools.'
    )


def check_prefix(prefix: object) -> str:
    """Return a prefix of names.

    Raises:
        ConfigurationError: models cannot call names with it.
    """
    if isinstance(prefix, str) and _PREFIX.fullmatch(prefix):
        return prefix
    raise ConfigurationError(
        f"prefix is {prefix!r:.100}: it must be up to 32 letters, digits, hyphens or underscores, such as 'docs_'."
    )


def check_approval_rule(rule: object) -> ApprovalRule:
    """Return a rule of approvals.

    Raises:
        ConfigurationError: it is none; the message names it.
    """
    if isinstance(rule, bool):
        return rule
    if callable(rule):
        return cast("ApprovalRule", rule)
    return check_patterns("needs_approval", rule)


class NameFilter:
    """Names and patterns that a name may match.

    Args:
        patterns: The names and patterns.

    Attributes:
        names: Those that are just names.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        entries = list(patterns)
        self.names = [entry for entry in entries if not _WILDCARD.search(entry)]
        self._exact = frozenset(entries)
        self._pattern = re.compile("|".join(translate(entry) for entry in entries if _WILDCARD.search(entry)) or "(?!)")

    def __contains__(self, name: str) -> bool:
        return name in self._exact or self._pattern.match(name) is not None


def model_name(name: str, prefix: str) -> str:
    """Return the name under which models call a tool: theirs have no dots, slashes or spaces, and an end."""
    mapped = prefix + _NOT_ALLOWED.sub("_", name)
    if len(mapped) <= MAX_NAME:
        return mapped
    digest = sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{mapped[: MAX_NAME - 9]}_{digest}"


def model_names(names: Iterable[str], prefix: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of tools for models, by those of the server, and the tools that are left out.

    Args:
        names: The names of the server.
        prefix: What each name begins with.

    Returns:
        The names by the server's names; and, by the server's name of a tool that is left out, the one that has its
        name. A tool whose own name fits goes before one whose name had to be changed.
    """
    taken: dict[str, str] = {}
    left_out: dict[str, str] = {}
    unique = list(dict.fromkeys(names))
    mapped = {name: model_name(name, prefix) for name in unique if name}
    for name in sorted(mapped, key=lambda name: mapped[name] != prefix + name):
        if mapped[name] in taken:
            left_out[name] = taken[mapped[name]]
        else:
            taken[mapped[name]] = name
    return {name: found for name, found in mapped.items() if name not in left_out}, left_out


def approval_rule(rule: ApprovalRule, name: str) -> bool | Callable[..., bool]:
    """Return the rule of one tool, as `LocalTool` takes it.

    Args:
        rule: The rule of the server.
        name: The name of the tool, as the server writes it.
    """
    if isinstance(rule, bool):
        return rule
    if callable(rule):
        decide = rule
        return lambda arguments: bool(decide(name, arguments))
    return name in NameFilter(rule)
