"""The file of one kind of metric: its contents, and its behaviour on a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from flask_headrace.server import shared_metrics
from flask_headrace.server.shared_metrics import INITIAL_FILE_BYTES, SharedMetricValues


def in_file(path: Path) -> dict[str, float]:
    return {key: value for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counts" / "counter_1.db"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    monkeypatch.setattr(shared_metrics, "CHECK_INTERVAL", 0.0)


def test_all_blocks_of_the_file_are_there_before_they_are_written_to(path: Path) -> None:
    SharedMetricValues(str(path))
    assert path.stat().st_blocks * 512 >= path.stat().st_size == INITIAL_FILE_BYTES


def test_more_values_than_fit_make_the_file_grow(path: Path) -> None:
    values = SharedMetricValues(str(path))
    for number in range(2000):
        values.write_value(f"key {number} äöü", number, 0.0)
    assert in_file(path) == {f"key {number} äöü": number for number in range(2000)}
    assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_an_earlier_process_of_the_same_number_is_gone_on_from(path: Path) -> None:
    SharedMetricValues(str(path)).write_value("key", 3.0, 1.0)
    assert SharedMetricValues(str(path)).read_value("key") == (3.0, 1.0)


def test_what_had_no_room_is_kept_in_memory_told_and_written_later(
    path: Path, full_disk: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = SharedMetricValues(str(path))
    for value in (1.0, 2.0):
        values.write_value("key", value, 0.0)
    assert values.read_value("key") == (2.0, 0.0)
    assert not path.exists()
    assert "No space left" in (shared_metrics.unshared_reason() or "")
    assert len(caplog.records) == 1
    monkeypatch.undo()
    monkeypatch.setattr(shared_metrics, "CHECK_INTERVAL", 0.0)
    assert shared_metrics.unshared_reason() is None
    assert in_file(path) == {"key": 2.0}
    values.close()


def test_what_is_shared_already_goes_on_where_there_is_no_room_for_more(
    path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    values = SharedMetricValues(str(path))
    values.write_value("old", 1.0, 0.0)
    request.getfixturevalue("full_disk")
    values.write_value("n" * INITIAL_FILE_BYTES, 1.0, 0.0)
    values.write_value("old", 2.0, 0.0)
    assert in_file(path) == {"old": 2.0}
    assert shared_metrics.unshared_reason() is not None
    values.close()
    values.close()
    assert shared_metrics.unshared_reason() is None


def test_a_folder_that_others_have_laid_there_is_not_written_to(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    values = SharedMetricValues(str(path))
    values.write_value("key", 1.0, 0.0)
    assert list(path.parent.iterdir()) == []
    assert "must belong to this user" in (shared_metrics.unshared_reason() or "")
    values.close()
