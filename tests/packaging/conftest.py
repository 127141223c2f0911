"""The wheel, built once for all files of this folder."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.service import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it into a folder of its own, as pip does."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target
