"""The sources of an answer as annotations of its text, in OpenAI's forms. Pure."""

from __future__ import annotations

from typing import Any

from ...core.application_events import Source


def url_citation(source: Source) -> dict[str, Any] | None:
    """Return the fields of the citation of a web page; None for a document, for which the protocols have no form.

    The application does not say which part of the text the page is about, so the range of the citation is empty.
    """
    if not source.url:
        return None
    return {"start_index": 0, "end_index": 0, "title": source.title or source.url, "url": source.url}
