"""Servers that do not keep to the protocol, or want to do harm, by their lists of tools."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest

from flask_headrace.mcp_client import connection, remote_tools, tool_list
from tests.mcp.conftest import called
from tests.mcp.scripted_server import ScriptedServer, described, reply, send, send_endlessly, text


class TestLists:
    def test_ten_thousand_tools(self, application, caplog) -> None:
        with ScriptedServer(*[described(f"tool_{number}") for number in range(10_000)]) as server:
            app = application(server.url, ["tool_9*", "tool_5"])
            names = app.offered()
            assert (len(names), names[0]) == (remote_tools.MAX_TOOLS, "tool_5")
            [line] = [line for line in caplog.messages if "are left out" in line]
            assert "there are more than 128" in line
            assert line.endswith("and 979 more")
            assert len(line) < 1_000
            assert application(server.url, ["tool_7777"]).offered() == ["tool_7777"]

    @pytest.mark.parametrize("schema", ["text", 5, None, [1]])
    def test_a_schema_that_is_no_object(self, application, caplog, schema: Any) -> None:
        with ScriptedServer(described("a"), described("b", inputSchema=schema)) as server:
            assert application(server.url).offered() == []
        assert "are left out: its answer is none of the protocol: tools.1.inputSchema" in caplog.text

    @pytest.mark.parametrize(
        ("schema", "why"),
        [
            ({"type": "array"}, "its arguments are no JSON object, but of the type 'array'"),
            ({"type": ["object"]}, "but of the type"),
            ({"type": "object", "properties": [1]}, "the properties of its arguments are no JSON object"),
            ({"type": "object", "description": "x" * 100_000}, "bytes, more than 65536"),
        ],
    )
    def test_a_schema_that_no_model_takes(self, application, caplog, schema: Any, why: str) -> None:
        with ScriptedServer(described("a"), described("b", inputSchema=schema)) as server:
            assert application(server.url).offered() in (["a"], [])
        assert why in caplog.text or "tools.1.inputSchema" in caplog.text

    def test_a_schema_without_fields(self, application) -> None:
        with ScriptedServer(described("a", inputSchema={})) as server:
            app = application(server.url)
            if app.offered():
                assert app.provider.requests[-1].tools[0].parameters == {"type": "object", "properties": {}}

    def test_a_description_of_a_megabyte(self, application) -> None:
        with ScriptedServer(described("a", description="d" * 1_000_000)) as server:
            app = application(server.url)
            assert app.offered() == ["a"]
            assert len(app.provider.requests[-1].tools[0].description) == 8_192

    def test_names_of_all_kinds(self, application, caplog) -> None:
        names = ["a.b", "a/b", "a_b", "", "ü", "x" * 200, "x" * 199 + "y", "new\nline", "a.b"]
        with ScriptedServer(*[described(name) for name in names]) as server:
            offered = application(server.url).offered()
        assert offered[:2] == ["a_b", "_"]
        assert len(offered) == len(set(offered)) == 5
        assert all(len(name) <= 64 for name in offered)
        [line] = [line for line in caplog.messages if "are left out" in line]
        assert "'a.b' ('a_b' has the same name for models), 'a/b' ('a_b' has the same name" in line

    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_list_without_an_end(self, application, monkeypatch, is_new: bool) -> None:
        monkeypatch.setattr(connection, "MAX_PAGES", 5)
        numbers = itertools.count()

        def page(handler: Any, message: Any) -> None:
            reply(handler, message, {"tools": [described("a")], "nextCursor": f"page{next(numbers) if is_new else 1}"})

        with ScriptedServer(list_tools=page) as server:
            assert application(server.url).offered() == ["a"]
            assert len([each for each in server.requests if each["method"] == "tools/list"]) == (5 if is_new else 2)

    def test_a_list_of_several_pages(self, application) -> None:
        def page(handler: Any, message: Any) -> None:
            cursor = (message.get("params") or {}).get("cursor")
            following = {None: "2", "2": "3"}.get(cursor)
            tools = [described(f"tool_{cursor or 1}")]
            reply(handler, message, {"tools": tools, **({"nextCursor": following} if following else {})})

        with ScriptedServer(list_tools=page) as server:
            assert application(server.url).offered() == ["tool_1", "tool_2", "tool_3"]

    @pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
    def test_a_list_of_a_gigabyte(self, application, caplog, content_type: str) -> None:
        sent: list[int] = []

        def list_tools(handler: Any, _: Any) -> None:
            sent.append(send_endlessly(handler, b"data: " + b" " * 65_536, content_type))

        with ScriptedServer(list_tools=list_tools) as server:
            assert application(server.url).offered() == []
        assert "are left out: it has sent more than 8388608 bytes" in caplog.text
        assert sent[0] < 30_000_000

    def test_a_server_that_never_answers(self, application, caplog, monkeypatch) -> None:
        monkeypatch.setattr(tool_list, "FIRST_WAIT", 0.5)
        server = ScriptedServer()
        server._respond = server.hang  # type: ignore[method-assign]
        with server:
            app = application(server.url)
            began = time.monotonic()
            assert [app.offered() for _ in range(3)] == [[], [], []]
            assert time.monotonic() - began < 5
            [line] = caplog.messages
            assert line.endswith("are left out: it has not listed its tools within 0.5 s")

    def test_a_server_that_says_without_end_that_its_list_has_changed(self, application, monkeypatch) -> None:
        def call(handler: Any, message: Any) -> None:
            changed = b'data: {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}\n\n' * 500
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("done")}).encode()
            send(handler, 200, changed + b"data: " + body + b"\n\n", "text/event-stream")

        with called(application, call) as (server, found):
            assert found == {0: "done"}
            assert len([each for each in server.requests if each["method"] == "tools/list"]) <= 2
