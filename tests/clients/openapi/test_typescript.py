"""openapi-typescript: the generated types compile without a warning, and a client with them asks questions."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require
from tests.support.service import ROOT

HERE = Path(__file__).parent
PACKAGES = ROOT / "tests/node_modules"
SETTINGS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "exactOptionalPropertyTypes": True,
    "module": "nodenext",
    "target": "es2023",
    "lib": ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    "types": [],
    "outDir": "out",
}


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a user's program, with the generated types."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text(json.dumps({"type": "module"}))
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": SETTINGS, "files": ["ask.ts"]}))
    (folder / "node_modules").symlink_to(PACKAGES)
    shutil.copy(HERE / "ask.ts", folder)
    node = require("node", "apt-get install nodejs")
    arguments = (f"{url}/openapi.json", "-o", "headrace.d.ts")
    said = run(node, PACKAGES / "openapi-typescript/bin/cli.js", *arguments, folder=folder)
    assert "warn" not in said.lower()
    return folder


def test_generated_types_pass_the_strict_compiler_and_ask_questions(folder: Path, url: str) -> None:
    node = require("node", "apt-get install nodejs")
    run(node, PACKAGES / "typescript7/bin/tsc", "-p", ".", folder=folder)
    heard = run(node, "out/ask.js", url, "openai/generated", folder=folder).splitlines()
    text = "Grüße 🌊"
    assert heard == [f"{text} 2", f"{text} 2", f"{text} 11", text, text, "1", "undefined invalid_request"]
