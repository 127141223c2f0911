"""docs/flask.md: the chat page with an application's name and looks, from the wheel in a fresh environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.packaging.test_flask_page import block
from tests.support.service import environment

pytestmark = pytest.mark.slow


def test_the_page_has_the_name_and_the_looks_of_the_application(programs: Path, tmp_path: Path) -> None:
    application = "from flask import Flask\nfrom flask_headrace import Headrace\n\napp = Flask(__name__)\n"
    shown = '\nprint(app.test_client().get("/assistant/").text)\n'
    (tmp_path / "looks.py").write_text(application + block("page={") + shown)
    done = subprocess.run(
        [programs / "python", "looks.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    for text in ("<title>Mill support</title>", "What grinds?", "/static/logo.svg", "/static/support.css"):
        assert text in done.stdout
