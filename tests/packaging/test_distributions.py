"""What is in the wheel and in the source distribution, and that the one is built from the other.

Both have the libraries of the chat page besides, which git does not.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

import pytest

from tests.packaging.checkout import build, git, make_repository, names_in_wheel, run
from tests.support.service import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def tracked(checkout: Path) -> set[str]:
    """Return the names of all files of the checkout."""
    return set(git("ls-files", folder=checkout).splitlines())


@pytest.fixture(scope="module")
def libraries() -> set[str]:
    """Return the names of the files of the chat page's libraries."""
    lock = json.loads((ROOT / "tools/page_libraries.json").read_text())["libraries"]
    names = {f"{library}/{Path(file).name}" for library, entry in lock.items() for file in entry["files"]}
    names |= {f"highlight/{language}.min.js" for language in lock["highlight"]["languages"]}
    return {f"flask_headrace/static/libraries/{name}" for name in names}


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> set[str]:
    return names_in_wheel(build(checkout, "wheel", checkout.parent / "wheel"))


@pytest.fixture(scope="module")
def unpacked(checkout: Path) -> Path:
    """Unpack the source distribution and return its folder."""
    folder = checkout.parent / "unpacked"
    with tarfile.open(build(checkout, "sdist", checkout.parent / "sdist")) as archive:
        archive.extractall(folder)
    (project,) = folder.iterdir()
    return project


def test_the_wheel_has_every_file_of_the_package_and_its_libraries_and_nothing_else(
    wheel: set[str], tracked: set[str], libraries: set[str]
) -> None:
    own = {name for name in tracked if name.startswith(("flask_headrace/", "pytest_flask_headrace.py"))}
    assert wheel == own | libraries
    assert not own & libraries
    assert "flask_headrace/py.typed" in wheel
    assert "flask_headrace/templates/flask_headrace/chat.html" in wheel
    assert any(name.endswith(".js") for name in wheel)


def test_the_source_distribution_has_every_file_but_the_links(
    unpacked: Path, tracked: set[str], libraries: set[str]
) -> None:
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    written_by_setuptools = {name for name in found if ".egg-info/" in name or name in {"PKG-INFO", "setup.cfg"}}
    assert found - written_by_setuptools == tracked - {"blueprints", "providers", "templates", ".gitignore"} | libraries


def test_the_source_distribution_builds_the_same_wheel_by_itself(unpacked: Path, wheel: set[str]) -> None:
    assert names_in_wheel(build(unpacked, "wheel", unpacked.parent / "wheel")) == wheel


def test_the_source_distribution_tests_itself(unpacked: Path) -> None:
    """Run tests of a pure part, and of a service with its own process; all of them take minutes."""
    own = "from pathlib import Path\nimport flask_headrace\nprint(Path(flask_headrace.__file__).parents[1])"
    assert run(sys.executable, "-c", own, folder=unpacked).strip() == str(unpacked)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    output = run(*command, "tests/core/test_sse.py", "tests/blueprints/native/test_tools.py", folder=unpacked)
    assert " passed" in output.splitlines()[-1], output
    assert "failed" not in output, output
