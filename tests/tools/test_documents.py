"""The modules that docs/tools.md shows, run as the suite of a small project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.service import ROOT
from tests.testing.test_pytest_plugin import check_passed, run_suite

PAGE = (ROOT / "docs/tools.md").read_text()
MODULES = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SHARED = ("shop", "conftest")
FRAGMENT = "needs_approval = lambda order_id, amount: amount > 100\n"


def test_every_block_but_one_line_is_a_module_that_is_run() -> None:
    assert FRAGMENT in PAGE
    assert len(MODULES) == PAGE.count("```python") - 1
    assert set(SHARED) < MODULES.keys()


@pytest.mark.parametrize("name", [name for name in MODULES if name not in SHARED])
def test_module_passes(tmp_path: Path, name: str) -> None:
    shared = {shared: MODULES[shared] for shared in SHARED}
    check_passed(run_suite(tmp_path, **shared, **{name: MODULES[name]}), 1)
