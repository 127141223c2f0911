"""`examples/existing_app`: what the support chat adds to the shop, and the shop's own tests with the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT, environment
from tests.support.shop import EXAMPLE, Shop, copy_example
from tools.example_docs import difference

README = (EXAMPLE / "README.md").read_text()
SCRIPT = EXAMPLE / "after/static/support.js"
TOOLS, TOOLS_SCRIPT = EXAMPLE / "after/tools.py", EXAMPLE / "after/static/tools.js"


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_difference_in_python_is_under_40_lines() -> None:
    changed = [line for line in difference() if re.match(r"[+-](?![+-]{2} )\s*\S", line)]
    assert 20 < len(changed) < 40
    assert f"| {len(changed)} of Python |" in README


def test_the_page_has_under_60_lines_of_javascript() -> None:
    lines = SCRIPT.read_text().splitlines()
    assert 30 < len(lines) < 60
    assert max(map(len, lines)) <= 120
    assert f"| {len(lines)} of JavaScript |" in README
    assert f"{len(lines)} lines of JavaScript" in (ROOT / "docs/flask.md").read_text()


def test_the_tools_are_a_module_and_a_script_of_their_own() -> None:
    module, script = TOOLS.read_text().splitlines(), TOOLS_SCRIPT.read_text().splitlines()
    written = [line for line in module if line.strip()]
    assert 20 < len(written) < 50
    assert 30 < len(script) < 60
    assert max(map(len, module + script)) <= 120
    assert re.search(rf"tools\.py\).*\| {len(written)} of Python \|", README)
    assert re.search(rf"tools\.js\).*\| {len(script)} of JavaScript \|", README)
    assert f"{len(script)} lines of JavaScript" in (ROOT / "docs/tools.md").read_text()


def test_the_documents_show_the_difference_and_the_tools() -> None:
    command = [sys.executable, ROOT / "tools/example_docs.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_else_differs(tmp_path: Path) -> None:
    before, after = (files(copy_example(state, tmp_path / state)) for state in ("before", "after"))
    assert before.keys() - after.keys() == set()
    assert after.keys() - before.keys() == {
        "blueprints/support.py",
        "static/support.js",
        "static/tools.js",
        "templates/support.html",
        "templates/support.txt",
        "tests/test_support.py",
        "tests/test_tools.py",
        "tools.py",
    }
    changed = {name for name, text in before.items() if after[name] != text}
    assert changed == {"app.py", "models.py", "requirements.txt", "static/shop.css", "templates/base.html"}
    assert not any("headrace" in text for text in before.values())


@pytest.mark.slow
@pytest.mark.parametrize("state", ["before", "after"])
def test_its_own_tests_pass(tmp_path: Path, programs: Path, state: str) -> None:
    folder = copy_example(state, tmp_path / "shop")
    # Variables of the surrounding run, such as the number of its worker, mean something to other plugins.
    variables = {name: value for name, value in environment().items() if not name.startswith("PYTEST_")}
    others = ["schemathesis", "langsmith_plugin", "valkey", "ddtrace", "xdist"]  # come with the dependencies here
    command = [programs / "pytest", "-q", "-W", "error", *(word for name in others for word in ("-p", f"no:{name}"))]
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    own = sum(path.read_text().count("\ndef test_") for path in folder.glob("tests/*.py"))
    own += sum(path.read_text().startswith("def test_") for path in folder.glob("tests/*.py"))
    assert f"{own} passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_tests_start_it_as_the_readme_says(tmp_path: Path, programs: Path) -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    commands = [line.replace('"', "") for line in block.splitlines()]
    shop = Shop(tmp_path / "shop", programs, workers=2)
    # The port and the socket of gunicorn's own are the tests'.
    started = [word for word in shop.command if word != "--no-control-socket"]
    started = [word.replace(str(shop.port), "8000").replace(f"{programs}/", "") for word in started]
    assert " ".join(started) in commands
    assert "flask --app app seed" in commands
    assert "pytest" in commands
