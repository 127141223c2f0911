"""The libraries of the chat page: pinned, fetched by the npm client, and what a build does where they cannot be had."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.packaging.checkout import PYTHON, bare_environment, build, make_repository, names_in_wheel
from tests.support.service import ROOT
from tools import page_libraries
from tools.page_libraries import LibraryError

pytestmark = pytest.mark.slow

LOCK = ROOT / "tools/page_libraries.json"

NPM = """#!/bin/sh
echo "$@" >> {folder}/calls
[ -e {folder}/fails ] && {{ echo "npm error code ENOTFOUND" >&2; exit 1; }}
while [ "$1" != --pack-destination ]; do shift; done
cp {folder}/package.tgz "$2/small-1.0.0.tgz"
"""
"""An npm client whose registry has one package."""


class Registry:
    """A registry with the package `small`, a lock that pins it, and the npm client that fetches it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.target, self.lock = folder, folder / "static/libraries", folder / "lock.json"
        self.entry = {"package": "small", "version": "1.0.0", "files": ["dist/small.js", "LICENSE"]}
        (folder / "bin").mkdir()
        npm = folder / "bin/npm"
        npm.write_text(NPM.format(folder=folder))
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
        self.publish({"dist/small.js": b"export default 1;\n", "LICENSE": b"MIT\n", "rest.js": b""})

    def publish(self, files: dict[str, bytes]) -> None:
        """Write the package's archive, and the lock of it."""
        with tarfile.open(self.folder / "package.tgz", "w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        content = (self.folder / "package.tgz").read_bytes()
        digest = hashlib.sha256()
        for name in self.entry["files"]:
            digest.update(f"{Path(name).name} {len(files[name])}\n".encode() + files[name])
        self.pin("sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode(), digest.hexdigest())

    def pin(self, integrity: str, sha256: str) -> None:
        self.lock.write_text(
            json.dumps({"libraries": {"small": {**self.entry, "integrity": integrity, "sha256": sha256}}})
        )

    def install(self) -> None:
        page_libraries.install(self.target, self.lock)

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(tmp_path, monkeypatch)


def test_the_files_that_the_page_needs_are_installed_once(registry: Registry) -> None:
    registry.install()
    assert {path.name for path in (registry.target / "small").iterdir()} == {"small.js", "LICENSE"}
    registry.install()
    assert len(registry.calls) == 1
    assert registry.calls[0].endswith(" small@1.0.0")
    assert list(registry.target.parent.iterdir()) == [registry.target]


def test_a_file_that_was_damaged_or_is_missing_is_fetched_again(registry: Registry) -> None:
    registry.install()
    for spoil in (lambda path: path.write_text("export default 2;\n"), Path.unlink):
        spoil(registry.target / "small/small.js")
        registry.install()
        assert (registry.target / "small/small.js").read_text() == "export default 1;\n"
    assert len(registry.calls) == 3


def test_another_package_under_the_pinned_version_is_refused_and_what_was_there_stays(registry: Registry) -> None:
    registry.install()
    pinned = registry.lock.read_text()
    registry.publish({"dist/small.js": b"export default evil;\n", "LICENSE": b"MIT\n"})
    registry.lock.write_text(pinned)
    (registry.target / "small/LICENSE").write_text("damaged")
    with pytest.raises(LibraryError, match=re.escape("small@1.0.0 from npm's registry is not the package")):
        registry.install()
    assert (registry.target / "small/small.js").read_text() == "export default 1;\n"
    assert list(registry.target.parent.iterdir()) == [registry.target]


def test_an_npm_that_fails_or_is_not_there_is_told_in_a_sentence(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    (registry.folder / "fails").touch()
    with pytest.raises(
        LibraryError, match=r"could not fetch small@1\.0\.0: check .*npm said: npm error code ENOTFOUND"
    ):
        registry.install()
    monkeypatch.setenv("PATH", str(registry.folder))
    with pytest.raises(LibraryError, match="npm, which is not installed: install Node 20 or later with npm"):
        registry.install()


def test_the_lock_pins_versions_and_licences_and_names_no_registry() -> None:
    text = LOCK.read_text()
    assert "://" not in text
    for entry in json.loads(text)["libraries"].values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
        assert entry["license"] in {"MIT", "BSD-3-Clause", "Apache-2.0"}
        assert {"LICENSE", "LICENSE.txt"} & set(entry["files"])
        assert entry["integrity"].startswith("sha512-")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("checkout"))


def build_without_npm(checkout: Path, kind: str, target: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Build a distribution of the checkout where no npm client is found."""
    target.mkdir()
    (target / "programs").mkdir(exist_ok=True)
    code = f"import build_backend; build_backend.build_{kind}({str(target)!r})"
    environment = bare_environment(checkout / "tools", PATH=str(target / "programs"), **settings)
    return subprocess.run(
        [PYTHON, "-c", code], cwd=checkout, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_release_is_not_built_without_the_libraries(checkout: Path, tmp_path: Path, kind: str) -> None:
    done = build_without_npm(checkout, kind, tmp_path / "target")
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("The chat page's libraries cannot be had. temml@")
    assert "set HEADRACE_WITHOUT_LIBRARIES=1" in sentence
    assert not list((tmp_path / "target").glob("*.*"))


def test_a_wheel_is_built_without_the_libraries_where_that_is_wanted(checkout: Path, tmp_path: Path) -> None:
    done = build_without_npm(checkout, "wheel", tmp_path / "target", HEADRACE_WITHOUT_LIBRARIES="1")
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "target").glob("*.whl")
    assert not [name for name in names_in_wheel(wheel) if "/libraries/" in name]


def test_an_installation_for_editing_goes_on_without_them_and_says_so(checkout: Path, tmp_path: Path) -> None:
    done = build_without_npm(checkout, "editable", tmp_path / "target")
    assert done.returncode == 0, done.stderr
    assert "The chat page goes without its libraries: mathematics is shown as its source" in done.stderr
    assert len(list((tmp_path / "target").glob("*.whl"))) == 1


def test_the_wheel_has_the_licences_of_the_libraries(checkout: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(checkout, "wheel", tmp_path)) as wheel:
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        described = message_from_bytes(wheel.read(metadata))
        assert described["License-Expression"] == "MIT AND BSD-3-Clause AND Apache-2.0"
        licences = described.get_all("License-File")
        libraries = ("temml/LICENSE", "highlight/LICENSE", "mhchem/LICENSE.txt")
        assert {f"flask_headrace/static/libraries/{name}" for name in libraries} < set(licences)
        folder = metadata.removesuffix("METADATA") + "licenses/"
        assert b"Redistribution" in wheel.read(folder + "flask_headrace/static/libraries/highlight/LICENSE")


def test_the_set_up_says_what_the_page_goes_without(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("page_libraries.py", "page_libraries.json"):
        (tmp_path / "tools" / name).write_text((ROOT / "tools" / name).read_text())
    for options, code in (((), 1), (("--or-go-without",), 0)):
        command = [sys.executable, "tools/page_libraries.py", *options]
        done = subprocess.run(
            command, cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == code
        assert done.stderr.startswith("The chat page goes without its libraries: mathematics is shown as its source")
