"""Flask-SQLAlchemy in tools, with a pool of one connection: each call gives it back, however it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from flask_headrace.core.application_events import ToolResult
from flask_headrace.tools.running import ToolLimits
from tests.tools.calls import LIMITS, begin, local_call, result_of, run


@pytest.fixture
def db(tmp_path: Path) -> SQLAlchemy:
    app = Flask("shop")
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.2}
    app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'shop.db'}", SQLALCHEMY_ENGINE_OPTIONS=pool)
    made = SQLAlchemy(app)
    made.app = app  # type: ignore[attr-defined]  # for `checked_out`
    return made


def checked_out(db: SQLAlchemy) -> int:
    with db.app.app_context():  # type: ignore[attr-defined]
        return int(db.engine.pool.checkedout())  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["returns", "raises", "hangs", "closes the session", "disposes of the engine"])
def test_the_connection_goes_back_to_the_pool(db: SQLAlchemy, how: str) -> None:
    def look() -> Any:
        found = db.session.execute(text("SELECT 1")).scalar()
        match how:
            case "raises":
                raise ZeroDivisionError
            case "hangs":
                gevent.sleep(60)
            case "closes the session":
                db.session.close()
            case "disposes of the engine":
                db.engine.dispose()
        return found

    enter = db.app.app_context  # type: ignore[attr-defined]
    limits = ToolLimits(0.1, 1000) if how == "hangs" else LIMITS
    for _ in range(3):
        result = result_of(look, limits=limits, enter=enter)
        assert result.result == (None if how in {"raises", "hangs"} else 1)
        gevent.sleep(0.01)
        assert checked_out(db) == 0


def test_a_call_that_is_ended_early_gives_it_back_before_the_answer_ends(db: SQLAlchemy) -> None:
    def look() -> None:
        db.session.execute(text("SELECT 1"))
        gevent.sleep(60)

    def other() -> int:
        return 1

    events = begin(local_call(look), local_call(other, 1), enter=db.app.app_context)  # type: ignore[attr-defined]
    assert next(events) == ToolResult(1, 1)
    assert checked_out(db) == 1
    events.close()  # type: ignore[attr-defined]
    assert checked_out(db) == 0


def test_calls_one_after_another_share_it(db: SQLAlchemy) -> None:
    def look(n: int) -> int:
        return int(db.session.execute(text(f"SELECT {n}")).scalar() or 0)

    results = run(*(local_call(look, n, n=n) for n in range(50)), enter=db.app.app_context)  # type: ignore[attr-defined]
    assert sorted(event.result for event in results if isinstance(event, ToolResult)) == list(range(50))
    assert checked_out(db) == 0
