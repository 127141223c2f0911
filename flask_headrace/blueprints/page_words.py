"""The words of the chat page, in the languages that it speaks.

Each language has one file, `static/words/<language>.json`, which this module and the page's JavaScript read. Knows
which language a visitor reads. Does not know what the words stand for.
"""

import json
from functools import cache
from pathlib import Path

from werkzeug.datastructures import LanguageAccept

Words = dict[str, str | dict[str, str]]

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parent.parent / "static" / "words"
RIGHT_TO_LEFT = frozenset({"ar"})


@cache
def page_languages() -> tuple[str, ...]:
    """Return the languages that have a file of words, as tags such as "de"; the default comes first."""
    found = {file.name.removesuffix(".json") for file in _FOLDER.iterdir() if file.name.endswith(".json")}
    return (DEFAULT_LANGUAGE, *sorted(found - {DEFAULT_LANGUAGE}))


@cache
def page_words(language: str) -> Words:
    """Return the words of `language`, one of `page_languages()`; what a language lacks stands there in English.

    A word is a text, or the texts for the plural categories of its language, such as `{"one": …, "other": …}`.
    """
    words: Words = json.loads((_FOLDER / f"{language}.json").read_text("utf-8"))
    return words if language == DEFAULT_LANGUAGE else page_words(DEFAULT_LANGUAGE) | words


def choose_language(accepted: LanguageAccept) -> str:
    """Return the language that fits best what a browser accepts: one of `page_languages()`."""
    return accepted.best_match(page_languages(), DEFAULT_LANGUAGE)


def direction_of(language: str) -> str:
    """Return in which direction `language` is written: "ltr" or "rtl"."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
