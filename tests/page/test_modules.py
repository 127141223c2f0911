"""The page's JavaScript without a browser: its own tests, under Node."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.test.mjs")), ids=lambda path: path.name.partition(".")[0])
def test_a_module_passes_its_own_tests_under_node(path):
    node = require("node", "apt-get install nodejs (20 or later)")
    done = subprocess.run([node, path], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
