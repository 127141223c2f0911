"""The documents, compared with the code."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from flask_headrace.core import errors
from flask_headrace.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "flask_headrace"
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
    for target, heading in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
        if not target.startswith("http"):
            linked = page.parent / target if target else page
            assert linked.exists(), target
            assert not heading or heading in headings(linked), f"{target}#{heading}"


def headings(page: Path) -> set[str]:
    """Return the headings of a page as they are written in links."""
    found = re.findall(r"^#+ (.*)", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    # Files are named in code spans, commands among them, and in pictures: blocks without a language.
    text = page.read_text()
    blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = [*re.findall(r"`([^`\n]+)`", text), *[block for language, block in blocks if not language]]
    named = {name for span in spans for name in re.findall(FILE, span)}
    assert sorted(name for name in named if not is_there(name)) == []


FILE = r"(?<![\w./:<{*-])(?:[\w.*-]+/)*[a-z_*][\w*.-]*\.(?:py|js|mjs|html|toml|conf|svg)(?![\w/])"


def is_there(name: str) -> bool:
    """Whether a file exists. Its path is relative to the checkout, the package, its static files or the tests.

    NAME stands for any folder. A name without a folder is searched for in all folders of the package
    and of tests/support.
    """
    folders = (ROOT, PACKAGE, PACKAGE / "static", ROOT / "tests")
    pattern = name.replace("NAME", "*")
    if "/" not in name:
        folders = (ROOT, *(path for top in (PACKAGE, ROOT / "tests/support") for path in (top, *top.glob("**/"))))
    return any(any(folder.glob(pattern)) for folder in folders)


def test_the_tree_names_all_packages_and_nothing_that_is_not_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    (tree,) = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    named: set[Path] = set()
    parents = {-2: ROOT}
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        if names := [word for word in re.split(r"  +", line.strip()) if re.fullmatch(r"[\w.]+(/|\.\w+)", word)]:
            paths = [parents[indent - 2] / name for name in names]
            parents[indent] = paths[-1]
            named.update(paths)
    assert [path for path in named if not path.exists()] == []
    packages = {path.parent for path in PACKAGE.glob("*/*/__init__.py")} - {PACKAGE / "core/partial_json"}
    missing = sorted(str(path.relative_to(PACKAGE)) for path in packages - named)
    assert missing == [], f"The tree in CONTRIBUTING.md lacks {', '.join(missing)}."


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_that_is_named_is_there(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE))
    targets = set(" ".join(re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)).split())
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    text = page.read_text()
    paths = re.findall(r"`(?:make test ARGS=)?\"?(tests/[\w/.]+)", text)
    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []
    folders = [folder for folder in (ROOT / "tests").iterdir() if folder.is_dir() and folder.name != "node_modules"]
    files = [file for folder in folders for file in folder.rglob("test_*.py")]
    sources = "".join(f"{file} {file.read_text()}" for file in files)
    keywords = re.findall(r"ARGS=\"-k (\w+)", text)
    assert [keyword for keyword in keywords if keyword not in sources] == []


def test_what_shows_that_something_is_defended_can_be_run_as_the_page_says() -> None:
    # `make test ARGS=…` hands it to pytest.
    shown = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/security.md").read_text())
    assert shown
    assert [name for name in shown if not re.fullmatch(r"tests/([\w/]+/)?test_\w+\.py", name)] == []


def test_the_application_in_the_readme_is_the_example() -> None:
    example = (ROOT / "examples/flask_app.py").read_text()
    shown, tools = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    for part in shown.split("\n\n\n"):
        assert part.strip() in example
    compile(tools, "README.md", "exec")


class TestClients:
    """docs/clients.md shows the blocks that the tests run, and nothing else."""

    def test_page_is_what_the_tests_mark(self) -> None:
        assert fill(ROOT, "--check") == ""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for folder in ("tools", "docs", "tests/clients/one"):
            (tmp_path / folder).mkdir(parents=True)
        shutil.copy(ROOT / "tools/client_docs.py", tmp_path / "tools")
        (tmp_path / "tests/clients/one/test_one.py").write_text(
            "def test():\n    # docs: one\n    if ok:\n        go()\n    # end docs\n"
        )
        (tmp_path / "docs/clients.md").write_text("# Clients\n\n<!-- one -->\n\nbelow\n")
        return tmp_path

    def test_page_is_filled_once(self, root: Path) -> None:
        assert "out of date" in fill(root, "--check")
        for _ in range(2):
            assert fill(root) == fill(root, "--check") == ""
            page = (root / "docs/clients.md").read_text()
            assert page == "# Clients\n\n<!-- one -->\n```python\nif ok:\n    go()\n```\n\nbelow\n"

    def test_block_that_changes_is_noticed(self, root: Path) -> None:
        fill(root)
        (root / "tests/clients/one/test_one.py").write_text("# docs: one\nstop()\n# end docs\n")
        assert "out of date" in fill(root, "--check")

    @pytest.mark.parametrize(
        ("file", "imports", "block", "shown"),
        [
            (
                "a.mjs",
                'import { no } from "./no.mjs";\nimport { other, useIt as it } from "it4";\nimport Any from "any";',
                "it(new Any(), x.other, no);",
                'import { useIt as it } from "@it/it";\nimport Any from "any";\n\nit(new Any(), x.other, no);',
            ),
            (
                "a.mjs",
                'import { It } from "other";',
                '//: import It from "it";\n//:\nIt();',
                'import It from "it";\n\nIt();',
            ),
            (
                "a.py",
                "import json\nimport os\nfrom it import It, That\nfrom tests.it import x",
                "It(x, json.os)",
                "import json\nfrom it import It\n\nIt(x, json.os)",
            ),
        ],
    )
    def test_block_has_the_imports_that_it_needs(
        self, root: Path, file: str, imports: str, block: str, shown: str
    ) -> None:
        (root / "tests/clients/one/test_one.py").unlink()
        comment = "#" if file.endswith(".py") else "//"
        marked = f"{comment} docs: one\n{block}\n{comment} end docs\n"
        (root / "tests/clients/one" / file).write_text(f"{imports}\n{marked}")
        (root / "tests/package.json").write_text('{"dependencies": {"it4": "npm:@it/it@1.2.3", "any": "1.0.0"}}')
        assert fill(root) == ""
        assert f"\n{shown}\n```" in (root / "docs/clients.md").read_text()

    @pytest.mark.parametrize(
        ("script", "trouble"),
        [
            ("", "No test marks what clients.md has a place for: one"),
            ("// docs: one\n// end docs\n// docs: two\n// end docs\n", "Each block needs one line"),
            ("// docs: one\n// end docs\n// docs: one\n// end docs\n", "Two blocks are named 'one'"),
            ("// docs: one\n", "'one' does not end"),
        ],
    )
    def test_names_that_do_not_match_are_reported(self, root: Path, script: str, trouble: str) -> None:
        (root / "tests/clients/one/test_one.py").unlink()
        (root / "tests/clients/one/page.mjs").write_text(script)
        assert trouble in fill(root, "--check")


def fill(root: Path, *arguments: str) -> str:
    """Run the tool that fills docs/clients.md, and return its error message; an empty text if it succeeded."""
    command = [sys.executable, root / "tools/client_docs.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert bool(done.stderr) == bool(done.returncode)
    return done.stderr
