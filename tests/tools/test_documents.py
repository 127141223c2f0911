"""The modules that docs/tools.md shows, run as the suite of a small project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flask_headrace import tool
from tests.support.service import ROOT
from tests.testing.test_pytest_plugin import check_passed, run_suite

PAGE = (ROOT / "docs/tools.md").read_text()
MODULES = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SHARED = ("shop", "conftest")
FRAGMENT = """\
@tool(needs_approval=lambda order_id, amount: amount > 100)
def refund(order_id: int, amount: float) -> str: ...
"""


def test_a_function_of_the_arguments_says_which_calls_need_approval() -> None:
    assert FRAGMENT in PAGE
    made: dict[str, Any] = {"tool": tool}
    exec(FRAGMENT, made)
    refund = made["refund"]
    assert not refund.must_be_approved({"order_id": 7, "amount": 100})
    assert refund.must_be_approved({"order_id": 7, "amount": 101})


def test_every_other_block_is_a_module_that_is_run() -> None:
    copied = PAGE.count("-->\n```python")  # of the example's files, which have tests of their own
    assert len(MODULES) == PAGE.count("```python") - copied - 1
    assert set(SHARED) < MODULES.keys()


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SHARED])
def test_module_passes(tmp_path: Path, name: str) -> None:
    shared = {shared: MODULES[shared] for shared in SHARED}
    check_passed(run_suite(tmp_path, **shared, **{name: MODULES[name]}), 1)
