"""The package in a clean checkout: imported as it is, installed for editing, and cloned without symbolic links."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from flask_headrace.core.version import VERSION
from tests.packaging.checkout import PYTHON, bare_environment, build, git, make_repository, run_python
from tests.support.reader import send
from tests.support.service import Service, environment

pytestmark = pytest.mark.slow

WHERE = "import flask_headrace; print(flask_headrace.__file__, flask_headrace.Headrace.__module__)"

DESCRIBE = """
from flask_headrace import create_app
answer = create_app().test_client().get("/openapi.json")
print(answer.status_code, answer.json["info"]["version"])
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def clone_without_links(checkout: Path) -> Path:
    folder = checkout.parent / "without-links"
    git("clone", "-q", "-c", "core.symlinks=false", str(checkout), str(folder), folder=checkout)
    return folder


def test_a_bare_checkout_is_imported_without_being_installed(checkout: Path) -> None:
    done = run_python(WHERE, checkout)
    assert done.stdout.split() == [str(checkout / "flask_headrace/__init__.py"), "flask_headrace.extension"], (
        done.stderr
    )


def test_a_bare_checkout_describes_its_endpoints_without_the_metadata_of_an_installation(checkout: Path) -> None:
    done = run_python(DESCRIBE, checkout)
    assert done.stdout.split() == ["200", VERSION], done.stderr


@pytest.mark.parametrize("name", ["blueprints", "blueprints.state", "providers", "providers.base"])
def test_a_package_by_its_top_level_name_is_refused_with_the_name_to_use(checkout: Path, name: str) -> None:
    assert (checkout / name.partition(".")[0]).is_symlink()
    done = run_python(f"import {name}", checkout)
    assert done.returncode == 1
    assert f"ImportError: '{name.partition('.')[0]}' is a second name of this package" in done.stderr
    assert f"import flask_headrace.{name.partition('.')[0]} instead" in done.stderr


@pytest.mark.parametrize("name", ["blueprints", "core.events", "providers", "server", "setup", "streaming.stores"])
def test_a_package_is_refused_by_a_second_name_where_the_folder_of_all_is_the_current_one(
    checkout: Path, name: str
) -> None:
    done = run_python(f"import {name}", checkout / "flask_headrace")
    assert done.returncode == 1
    assert f"import flask_headrace.{name.partition('.')[0]} instead" in done.stderr


@pytest.mark.parametrize("name", ["streaming.events", "streaming", "core.events", "setup.stores"])
def test_a_package_without_a_top_level_name_is_not_found(checkout: Path, name: str) -> None:
    done = run_python(f"import {name}", checkout)
    assert f"ModuleNotFoundError: No module named '{name.partition('.')[0]}'" in done.stderr


def test_an_editable_installation_is_imported_from_anywhere(checkout: Path, tmp_path: Path) -> None:
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    python = str(tmp_path / "venv/bin/python")
    (packages,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    pip = [sys.executable, "-m", "pip", "--python", python]
    install = [*pip, "install", "-q", "--no-deps", "--no-build-isolation", "-e", str(checkout)]
    done = subprocess.run(install, env=environment(), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [python, "-c", WHERE],
        cwd=tmp_path / "elsewhere",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[:1] == [str(checkout / "flask_headrace/__init__.py")], done.stderr


class TestCloneWithoutLinks:
    def test_has_files_in_the_place_of_links_and_is_imported(self, clone_without_links: Path) -> None:
        for name in ("blueprints", "providers", "templates"):
            assert (clone_without_links / name).is_file()
        done = run_python(WHERE, clone_without_links)
        assert done.stdout.split()[:1] == [str(clone_without_links / "flask_headrace/__init__.py")], done.stderr

    def test_serves_the_page_and_its_files(self, clone_without_links: Path) -> None:
        service = Service(**bare_environment())
        service.folder = clone_without_links
        service.command = [PYTHON, *service.command[1:]]
        with service:
            assert b"<title>" in send(service.url + "/", method="GET").body
            assert send(service.url + "/headrace-static/chat/main.js", method="GET").status == 200
            assert service.wait_until(service.workers)

    def test_builds_the_same_wheel(self, checkout: Path, clone_without_links: Path, tmp_path: Path) -> None:
        sizes = [
            build(folder, "wheel", tmp_path / folder.name).stat().st_size for folder in (checkout, clone_without_links)
        ]
        assert sizes[0] == sizes[1]
