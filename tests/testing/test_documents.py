"""The modules that docs/testing.md shows, run as the suite of a small project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.service import ROOT
from tests.testing.test_pytest_plugin import check_passed, run_suite

PAGE = (ROOT / "docs/testing.md").read_text()
MODULES = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SHARED = ("chat", "conftest")


def test_every_block_is_a_module_that_is_run() -> None:
    assert len(MODULES) == PAGE.count("```python")
    assert set(SHARED) < MODULES.keys()


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SHARED])
def test_module_passes(tmp_path: Path, name: str) -> None:
    shared = {shared: MODULES[shared] for shared in SHARED}
    check_passed(run_suite(tmp_path, **shared, **{name: MODULES[name]}), 4 if name == "test_failures" else 1)


@pytest.mark.parametrize("name", ["test_view", "test_tool", "test_on_end"])
def test_a_view_a_tool_and_an_end_are_tested_in_ten_lines(name: str) -> None:
    assert len([line for line in MODULES[name].splitlines() if line]) <= 10


def test_the_test_in_the_page_on_flask_passes(tmp_path: Path) -> None:
    (code,) = re.findall(
        r"^```python\n(def test_\w+.*?)^```", (ROOT / "docs/flask.md").read_text(), re.MULTILINE | re.DOTALL
    )
    view = """

@pytest.fixture(autouse=True)
def summaries(app):
    headrace = next(iter(app.extensions["headrace_for_views"]))
    app.add_url_rule("/summaries/<int:id>", view_func=lambda id: headrace.stream(ASKED), methods=["POST"])
"""
    app = MODULES["chat"].replace(
        "    return app", '    app.extensions["headrace_for_views"] = [headrace]\n    return app'
    )
    asked = 'ASKED = [{"role": "user", "content": "Summarise it."}]\n'
    conftest = asked + MODULES["conftest"] + view
    check_passed(run_suite(tmp_path, chat=app, conftest=conftest, test_summary=code), 1)
