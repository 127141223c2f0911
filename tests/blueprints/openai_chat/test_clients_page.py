"""The table of what other models receive of a chat completion request, in docs/clients.md."""

from __future__ import annotations

from pathlib import Path

from flask_headrace.blueprints.openai_chat.body import ChatCompletionBody
from flask_headrace.blueprints.openai_chat.untranslated import COUNTERPARTS

PAGE = Path(__file__).resolve().parents[3] / "docs/clients.md"


def test_has_the_counterparts_of_the_code() -> None:
    section = PAGE.read_text().partition("### From chat completions to other models\n")[2].partition("\n#")[0]
    rows = [line.replace("`", "").strip("|").split(" | ") for line in section.split("\n") if line.startswith("| `")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert {name: (messages, responses) for name, messages, responses in cells if name[0] != "/"} == COUNTERPARTS


def test_is_about_every_field_that_is_read() -> None:
    own = {"model", "stream", "stream_options", "resumable", "id", "n", "modalities"}
    assert set(ChatCompletionBody.__struct_fields__) - own == COUNTERPARTS.keys()
