"""The chat page's web manifest, with which browsers install the page as an application. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .page_options import ChatPage, rooted

MEDIA_TYPE = "application/manifest+json"

BACKGROUND, THEME = "#eff3f1", "#0b5f69"
"""The colours of the window while the page loads, and of its frame."""

_OWN_ICONS = (
    ("favicon.svg", "any", "image/svg+xml", "any"),
    ("icons/192.png", "192x192", "image/png", "any"),
    ("icons/512.png", "512x512", "image/png", "any"),
    ("icons/maskable.png", "512x512", "image/png", "maskable"),
)
"""The page's own icons: file, size, media type and purpose."""

_ICON_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".ico": "image/x-icon"}


def build_web_manifest(page: ChatPage, start: str, root: str, file_url: Callable[[str], str]) -> dict[str, Any]:
    """Return the manifest's JSON object.

    Args:
        page: The page.
        start: The path of the page, below which everything belongs to the installed application.
        root: The path under which the application is mounted; empty for the root.
        file_url: Returns the URL of one of the page's files.
    """
    language = {} if page.language is None else {"lang": page.language}
    return {
        "id": start,
        "name": page.title,
        "short_name": page.title,
        "start_url": start,
        "scope": start,
        "display": "standalone",
        "background_color": BACKGROUND,
        "theme_color": THEME,
        **language,
        "icons": _icons(page, root, file_url),
    }


def _icons(page: ChatPage, root: str, file_url: Callable[[str], str]) -> list[dict[str, str]]:
    if page.icon is None:
        return [
            {"src": file_url(file), "sizes": sizes, "type": kind, "purpose": purpose}
            for file, sizes, kind, purpose in _OWN_ICONS
        ]
    kind = _ICON_TYPES.get(posixpath.splitext(urlsplit(page.icon).path)[1].lower())
    icon = {"src": rooted(page.icon, root) or "", "sizes": "any"}
    return [icon if kind is None else {**icon, "type": kind}]
