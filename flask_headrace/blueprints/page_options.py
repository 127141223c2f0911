"""What an application sets about the chat page: its words, pictures and colours, and what it shows. Values only."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import ConfigurationError

FEATURES = ("attachments", "conversations", "export", "models", "settings", "structured")
"""What the page can do without: files in questions, earlier conversations, their export and import, the choice of a
model, the settings of a conversation such as its system prompt, and answers as JSON of a shape."""

MAX_TEXT_CHARS = 2000
"""Characters of a text of the page."""

_TEXTS = {"title": 100, "greeting": 200, "introduction": MAX_TEXT_CHARS}
"""The fields that are text, with the characters that they may have."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_URL = re.compile(r"(/(?!/)|https?://[A-Za-z0-9.\[\]:_-]+(/|\Z))[A-Za-z0-9/._~!$&()*+=:@%?-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPage:
    """The chat page of an application: its words, its pictures, its colours, and what it shows.

    A URL is that of a web site, as in `https://cdn.example/logo.svg`, or a path, as in `/static/logo.svg`, before which
    the root of a mounted application is put. The page's security policy admits these URLs and no others.

    Args:
        title: The name at the top of the page, in the browser's tab, and of the page as an installed application.
        logo: URL of the picture beside the title; None for the page's own.
        icon: URL of the icon in the browser's tab, a square picture; None for the page's own.
        greeting: The heading of an empty conversation; None for the page's own.
        introduction: The sentence below the greeting; None for the page's own.
        examples: Questions that an empty conversation offers; empty for none, None for the page's own.
        features: What the page shows, of `attachments`, `conversations`, `export`, `models`, `settings` and
            `structured`; None for all.
        stylesheet: URL of a style sheet that is loaded after the page's, such as one that sets its custom properties;
            None for none.
        language: The language of the page's words, such as `de`; None for that of the browser.

    Raises:
        ConfigurationError: a value is not of these forms; the message has its name.
    """

    title: str = "Headrace"
    logo: str | None = None
    icon: str | None = None
    greeting: str | None = None
    introduction: str | None = None
    examples: Sequence[str] | None = None
    features: Collection[str] | None = None
    stylesheet: str | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        """Check all values."""
        for name, limit in _TEXTS.items():
            _check_text(name, getattr(self, name), limit)
        if not self.title.strip():
            raise ConfigurationError("title of the page is empty: name the page, or omit it.")
        for name in ("logo", "icon", "stylesheet"):
            _check_url(name, getattr(self, name))
        _check_list("examples", self.examples, "a list of questions")
        _check_list("features", self.features, f"a list of names, of {', '.join(FEATURES)}")
        for name in self.features or ():
            if name not in FEATURES:
                raise ConfigurationError(
                    f"features of the page has {name!r:.100}, which is none: there are {', '.join(FEATURES)}."
                )
        if self.language is not None and not (isinstance(self.language, str) and _LANGUAGE.fullmatch(self.language)):
            raise ConfigurationError(f"language of the page is {self.language!r:.100}: write it as de or pt-BR.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ChatPage:
        """Return the page of a mapping from names to values.

        Raises:
            ConfigurationError: a name is unknown, or a value is not valid.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
                raise ConfigurationError(f"page has {name!r:.100}, which is no option of the chat page: {hint}")
        return cls(**values)

    def origins(self, *names: str) -> tuple[str, ...]:
        """Return the origins of the fields of these names that are URLs of other web sites, each once."""
        urls = [urlsplit(url) for name in names if (url := getattr(self, name)) is not None]
        return tuple(dict.fromkeys([f"{url.scheme}://{url.netloc}" for url in urls if url.netloc]))

    def to_json(self, root: str = "") -> dict[str, Any]:
        """Return what the page's JavaScript reads: all fields, with `features` as an object of truth values.

        Args:
            root: The path under which the application is mounted; empty for the root.
        """
        shown = FEATURES if self.features is None else self.features
        return {
            **asdict(self),
            "logo": rooted(self.logo, root),
            "icon": rooted(self.icon, root),
            "stylesheet": rooted(self.stylesheet, root),
            "examples": None if self.examples is None else list(self.examples),
            "features": {name: name in shown for name in FEATURES},
        }


def rooted(url: str | None, root: str) -> str | None:
    """Return a URL of the page with the application's root before it, if it is a path; None for None."""
    return root + url if url is not None and url.startswith("/") else url


def _check_text(name: str, value: object, limit: int) -> None:
    if value is None and name != "title":
        return
    if not isinstance(value, str) or len(value) > limit:
        raise ConfigurationError(
            f"{name} of the page is {value!r:.100}: it must be text of {limit} characters at most."
        )


def _check_url(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, str) and _URL.fullmatch(value)):
        raise ConfigurationError(
            f"{name} of the page is {value!r:.200}: write it as /path or https://host/path, with %-escapes for other "
            "characters than those of URLs."
        )


def _check_list(name: str, values: object, form: str) -> None:
    if values is None:
        return
    if isinstance(values, (str, Mapping)) or not isinstance(values, Collection):
        raise ConfigurationError(f"{name} of the page is {values!r:.100}: it must be {form}.")
    for value in values:
        if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARS:
            raise ConfigurationError(
                f"{name} of the page has {value!r:.100}: each must be text of 1 to {MAX_TEXT_CHARS} characters."
            )
