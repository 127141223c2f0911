"""Texts in `data:` URLs."""

from __future__ import annotations

import pytest

from flask_headrace.core.data_url import data_url_media_type, data_url_text, document_text


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("data:text/plain;base64,w6Q=", "ä"),
        ("data:text/plain;charset=utf-8;base64,YQ==", "a"),
        ("data:text/plain,a%20b%C3%A4", "a bä"),
        ("data:application/ld+json,{}", "{}"),
        ("data:text/plain;base64,/w==", None),  # no UTF-8
        ("data:text/plain;base64,a", None),
        ("data:text/plain", None),
        ("text/plain,a", None),
        ("https://a.example/text,a", None),
        ("data:application/pdf;base64,YQ==", None),
        ("data:image/svg+xml,<svg/>", None),
    ],
)
def test_a_document_of_a_text_type_has_a_text(url: str, text: str | None) -> None:
    assert document_text(url) == text


def test_the_text_of_a_url_depends_on_its_data_alone() -> None:
    assert data_url_text("data:application/pdf;base64,YQ==") == "a"
    assert data_url_text("data:,a") == "a"


@pytest.mark.parametrize(("url", "media_type"), [("data:image/png;base64,", "image/png"), ("https://a/b,c", "")])
def test_a_data_url_has_a_media_type(url: str, media_type: str) -> None:
    assert data_url_media_type(url) == media_type
