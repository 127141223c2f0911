"""The wheel, built once for all files of this folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.wheel import programs, wheel  # noqa: F401  # fixtures


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """Unpack the wheel into a folder of its own, as pip does."""
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target
