"""Fetch the JavaScript libraries of the chat page: mathematics and highlighted code. Uses the standard library alone.

    python tools/page_libraries.py [--or-go-without]

They are not in the repository. `page_libraries.json` beside this file names each package, its version, its checksum and
the files of it that the page loads. The npm client fetches the packages from its registry, and the files go to
`flask_headrace/static/libraries/`, each package in a folder of its own with its licence. The page works without them:
mathematics is then shown as its source, and code in one colour.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tools/page_libraries.json"
FOLDER = ROOT / "flask_headrace/static/libraries"
TIMEOUT = 180
"""Seconds that the npm client may take for one package."""

WITHOUT = "mathematics is shown as its source, and code in one colour"


class LibraryError(Exception):
    """The libraries cannot be had; the message is a sentence that says why and what to do."""


@dataclass(frozen=True)
class Library:
    """One package: its name at the npm registry, and what the page needs of it.

    Attributes:
        folder: The folder in FOLDER that its files go to.
        integrity: The checksum of the package's archive, as npm writes it: `sha512-` and base64.
        sha256: The checksum of the files, as `checksum` computes it.
        files: The files' names in the archive. In `folder` they have no folders.

    """

    folder: str
    package: str
    version: str
    integrity: str
    sha256: str
    files: tuple[str, ...]


def read_lock(lock: Path = LOCK) -> list[Library]:
    """Return the libraries that the lock names."""
    entries = json.loads(lock.read_text())["libraries"]
    return [
        Library(
            folder, entry["package"], entry["version"], entry["integrity"], entry["sha256"], tuple(all_files(entry))
        )
        for folder, entry in entries.items()
    ]


def all_files(entry: dict[str, list[str]]) -> Iterator[str]:
    """Yield the names of the files of a lock's entry: those it lists, and one for each of its languages."""
    yield from entry["files"]
    for language in entry.get("languages", []):
        yield f"es/languages/{language}.min.js"


def checksum(library: Library, folder: Path) -> str:
    """Return the sha256 of a library's files in the folder of all: of their names and contents, in the lock's order."""
    digest = hashlib.sha256()
    for name in library.files:
        content = (folder / library.folder / Path(name).name).read_bytes()
        digest.update(f"{Path(name).name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def are_installed(folder: Path = FOLDER, lock: Path = LOCK) -> bool:
    """Whether the folder has all files of the lock, as they were published."""
    try:
        return all(checksum(library, folder) == library.sha256 for library in read_lock(lock))
    except OSError:
        return False


def install(folder: Path = FOLDER, lock: Path = LOCK) -> None:
    """Fetch the libraries into the folder, unless it has them.

    Raises:
        LibraryError: they cannot be fetched, or are not those that the lock describes. The folder is as it was.
        OSError: the folder cannot be written.

    """
    if are_installed(folder, lock):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".libraries-", dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        for library in read_lock(lock):
            unpack(fetch(library, Path(temporary)), library, made / library.folder)
            if (found := checksum(library, made)) != library.sha256:
                raise LibraryError(f"The files of {library.package} have the sha256 {found}: correct {lock.name}.")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            made.rename(folder)
        except OSError:
            if not are_installed(folder, lock):  # another set-up was quicker
                raise


def fetch(library: Library, folder: Path) -> bytes:
    """Return the archive of a package, fetched by the npm client, after its checksum was compared.

    Raises:
        LibraryError: there is no npm client, it failed, or the archive is another one.

    """
    name = f"{library.package}@{library.version}"
    npm = shutil.which("npm")
    if npm is None:
        raise LibraryError(f"{name} is fetched by npm, which is not installed: install Node 20 or later with npm.")
    command = [npm, "pack", "--json", "--prefer-offline", "--pack-destination", str(folder), name]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise LibraryError(f"npm did not fetch {name} in {TIMEOUT} s: check the network and npm's proxy.") from None
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise LibraryError(f"npm could not fetch {name}: check the network and npm's registry. npm said: {said}")
    content = archives[0].read_bytes()
    archives[0].unlink()
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != library.integrity:
        raise LibraryError(
            f"{name} from npm's registry is not the package that was pinned: its checksum is {found}, and should be "
            f"{library.integrity}. Check which registry npm uses."
        )
    return content


def unpack(archive: bytes, library: Library, folder: Path) -> None:
    """Write the files of a library out of its archive into the folder.

    Raises:
        LibraryError: the archive lacks one of them.

    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryFile() as file:
        file.write(archive)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as opened:
            members = {PurePosixPath(*PurePosixPath(each.name).parts[1:]): each for each in opened if each.isfile()}
            for name in library.files:
                member = members.get(PurePosixPath(name))
                content = opened.extractfile(member) if member else None
                if content is None:
                    raise LibraryError(f"{library.package}@{library.version} has no file {name}: correct {LOCK.name}.")
                (folder / Path(name).name).write_bytes(content.read())


def main() -> int:
    """Install the libraries as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch the JavaScript libraries of the chat page.")
    parser.add_argument("--or-go-without", action="store_true", help="succeed also where they cannot be fetched")
    options = parser.parse_args()
    try:
        install()
    except (LibraryError, OSError) as error:
        print(f"The chat page goes without its libraries: {WITHOUT}. {error}", file=sys.stderr)
        return 0 if options.or_go_without else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
