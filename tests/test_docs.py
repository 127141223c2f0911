"""What the documents say, held against the code where it can be."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask_headrace.streaming import errors

from flask_headrace.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]


def test_every_setting_stands_in_the_settings_page_and_nothing_else() -> None:
    named = set(re.findall(r"^\| `(HEADRACE_\w+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert named == {PREFIX + field.name.upper() for field in fields(Settings)}


def test_every_error_code_stands_in_the_protocol_page() -> None:
    page = (ROOT / "docs/protocol.md").read_text()
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    for code in codes - {"configuration", "limit_reached", "upstream_rejected"}:
        assert f"`{code}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
