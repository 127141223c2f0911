"""Fixtures of the tests of tools that run here."""

from __future__ import annotations

import pytest

from flask_headrace.tools import shown_value


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the last value of a generator as its result alone, however busy the machine is."""
    monkeypatch.setattr(shown_value, "SHOW_AFTER", 20)
