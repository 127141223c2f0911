"""The application context in which each call of a tool runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from flask import Flask, current_app, g, has_app_context

from flask_headrace.core.application_events import ToolResult
from flask_headrace.tools.running import ToolLimits
from tests.tools.calls import LIMITS, local_call, result_of, run


class TestTheApplicationContext:
    def test_is_one_of_its_own_for_each_call_and_is_torn_down_with_it(self) -> None:
        app = Flask("host")
        closed: list[Any] = []
        app.teardown_appcontext(lambda _: closed.append(g.get("n")))

        def take(n: int) -> str:
            assert "n" not in g
            g.n = n
            gevent.sleep(0)
            assert g.n == n
            return current_app.name

        def show(n: int) -> Iterator[str]:
            g.n = n
            yield "x"
            assert g.n == n
            yield current_app.name

        results = run(
            *(local_call(take, n, n=n) for n in range(5)),
            local_call(show, 5, n=5),
            limits=LIMITS,
            enter=app.app_context,
        )
        assert [event.result for event in results if isinstance(event, ToolResult)] == ["host"] * 6
        assert sorted(closed) == [0, 1, 2, 3, 4, 5]
        assert not has_app_context()

    def test_is_there_for_async_tools(self) -> None:
        app = Flask("host")

        async def name() -> str:
            await asyncio.sleep(0)
            return current_app.name

        assert result_of(name, enter=app.app_context).result == "host"

    @pytest.mark.parametrize("how", ["raise", "hang"])
    def test_is_torn_down_also_if_the_tool_fails_or_hangs(self, how: str) -> None:
        app = Flask("host")
        closed = []
        app.teardown_appcontext(lambda error: closed.append(type(error)))

        def fail() -> None:
            if how == "raise":
                raise ZeroDivisionError
            gevent.sleep(60)

        result = result_of(fail, limits=ToolLimits(0.05, 1000), enter=app.app_context)
        assert result.error is not None
        gevent.sleep(0)
        assert closed == [ZeroDivisionError if how == "raise" else gevent.GreenletExit]

    def test_is_there_while_the_result_is_made_json(self) -> None:
        app = Flask("host")

        class Row:
            def model_dump(self, mode: str) -> str:
                return current_app.name

        def load() -> Row:
            return Row()

        assert result_of(load, enter=app.app_context).result == "host"
