"""Checks the tags around thoughts that an upstream's table sets. Pure."""

from __future__ import annotations

from itertools import permutations

MAX_TAG_CHARS = 64
"""Characters of a tag: as many of a text wait, at most, until it is known whether they are the tag."""


def think_tags_problem(pairs: tuple[tuple[str, str], ...]) -> str | None:
    """Return what is wrong with pairs of tags, and what to do, as the rest of a sentence; None if nothing is."""
    for tag in (tag for pair in pairs for tag in pair):
        if not 2 <= len(tag) <= MAX_TAG_CHARS or tag != tag.strip():
            return (
                f"names {tag!r:.100}: a tag has 2 to {MAX_TAG_CHARS} characters, and no white space at its beginning "
                "and its end."
            )
    # Several opening tags may share a closing one.
    closing = {end.lower(): end for _, end in pairs}
    for tag, other in permutations([*(begin for begin, _ in pairs), *closing.values()], 2):
        if other.lower().startswith(tag.lower()):
            return f"names {tag!r} and {other!r}: no tag may begin with another, also in letters of another case."
    return None
