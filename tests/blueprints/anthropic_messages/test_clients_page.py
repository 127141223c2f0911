"""The table of what other models receive of a Messages request, in docs/clients.md."""

from __future__ import annotations

from pathlib import Path

from flask_headrace.blueprints.anthropic_messages.untranslated import COUNTERPARTS

PAGE = Path(__file__).resolve().parents[3] / "docs/clients.md"


def test_has_the_counterparts_of_the_code() -> None:
    section = PAGE.read_text().partition("### From Anthropic's protocol to other models\n")[2].partition("\n#")[0]
    rows = [line.replace("`", "").strip("|").split(" | ") for line in section.split("\n") if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert {name: (chat, responses) for name, chat, responses in cells if not name.startswith("/")} == COUNTERPARTS
