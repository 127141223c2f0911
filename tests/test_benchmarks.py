"""The benchmarks run and write their report. No test asserts a speed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import documents, marks
from benchmarks.__main__ import GOALS, measure, write
from benchmarks.figures import ALL, Figure, Goal
from benchmarks.peers import ALL as PEERS
from benchmarks.relays import PROJECT
from benchmarks.scale import Scale, Streams

pytestmark = pytest.mark.slow

TINY = Scale("tiny", 1, burst=Streams(2, 40), paced=Streams(2, 5), firsts=2, leaving=1, held=3, memory=(3,))


def test_a_tiny_run_measures_the_project_and_a_peer_and_writes_the_report(tmp_path: Path) -> None:
    run = measure(TINY, [peer for peer in PEERS if peer.name == "bytes"], [GOALS], "a test")
    assert run.rows.keys() == {PROJECT, "bytes"}, run.left_out
    for name, row in run.rows.items():
        assert row["incomplete"] == 0, f"{name}: {row}"
        assert row["held"] == TINY.held
        assert 0 <= row["closed_stalled"] < float("inf"), "the upstream never saw the reader leave"
        assert 0 < row["paced_p50"] <= row["paced_p99"]
    write(run, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "tiny run" in page
    assert "(benchmarks.svg)" in page
    assert ET.parse(tmp_path / "benchmarks.svg").getroot().tag.endswith("svg")


def test_a_mark_is_found_wherever_its_bytes_are_cut() -> None:
    stream = b'data: {"delta":"' + marks.text(19, 123) + b'"}\n\n' + marks.text(40, 456) + marks.text(4, 789)
    for cut in range(len(stream)):
        found = marks.Marks()
        assert found.feed(stream[:cut]) + found.feed(stream[cut:]) == [b"%017d" % 123, b"%017d" % 456, b"ok"]


def test_a_delta_has_the_size_that_was_asked_for() -> None:
    for size in (4, 19, 100, 4096):
        assert len(marks.text(size, 1)) == size


def test_a_growing_document_has_the_size_that_was_asked_for_and_is_read_in_every_way() -> None:
    text = documents.document(3000)
    assert len(text) == 3000
    assert json.loads(text)["items"]
    seen: list[str] = []
    assert documents.patches(text, with_document=True) > 0
    assert documents.parse_again(seen.append, text, samples=3) > 0
    assert [len(cut) for cut in seen[1:]] == [500, 1500, 2500]


class TestGoals:
    def test_a_goal_beside_a_peer_multiplies_its_figure(self) -> None:
        figure = Figure("speed", "speed", is_more_better=True)
        rows = {PROJECT: {"speed": 10.0}, "express": {"speed": 2.0}}
        assert figure.reached(Goal(5, "express"), rows)
        assert not figure.reached(Goal(6, "express"), rows)

    def test_a_goal_of_its_own_is_a_bound(self) -> None:
        figure = Figure("cost", "cost")
        assert figure.reached(Goal(35), {PROJECT: {"cost": 35.0}})
        assert not figure.reached(Goal(35), {PROJECT: {"cost": float("inf")}})

    def test_a_figure_that_was_not_measured_is_neither_reached_nor_missed(self) -> None:
        assert Figure("cost", "cost").reached(Goal(1, "express"), {PROJECT: {"cost": 1.0}}) is None

    def test_every_peer_of_a_goal_is_one_that_can_be_measured(self) -> None:
        beside = {goal.beside for figure in ALL for goal in figure.goals if goal.beside}
        assert beside <= {peer.name for peer in PEERS}
