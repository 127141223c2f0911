"""What tests/conftest.py does for every test."""

from __future__ import annotations

import os
import time

import gevent
import pytest
from hypothesis import settings

from tests.conftest import FIXED_EXAMPLES


@pytest.fixture
def blocked() -> None:
    """Block the process for a second while its loop, which a timer has woken, is in the middle of a turn."""
    gevent.sleep(0.001)
    time.sleep(1.0)


def test_a_timer_runs_for_its_whole_duration_after_a_fixture_that_blocked_for_longer(blocked: None) -> None:
    waiting = gevent.spawn(gevent.sleep, 0.1)
    gevent.joinall([waiting], timeout=0.9)
    assert waiting.successful()


def test_property_tests_draw_the_same_examples_in_ci_alone() -> None:
    assert settings(max_examples=1).derandomize is bool(os.environ.get(FIXED_EXAMPLES))
