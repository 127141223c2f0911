"""Which tools of a server a question is offered, under which names, and which calls wait for an approval."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_headrace import Headrace, tool
from flask_headrace.core.errors import ConfigurationError
from flask_headrace.mcp import MCPServer
from tests.mcp.calling import question
from tests.mcp.conftest import Application, results
from tests.mcp.processes import ToolServer


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolServer]:
    with ToolServer(tmp_path_factory.mktemp("server")) as running:
        yield running


class TestNames:
    def test_nothing_is_offered_that_is_not_allowed(self, application, one: ToolServer) -> None:
        app = application(one.url, ["stock", "files/*"])
        assert app.offered() == ["stock", "files_read_text"]
        assert "There is no tool 'secret'" in results(app.call(("secret", {})))[0]
        assert one.seen(tool="secret") == []

    def test_a_name_that_models_cannot_call_is_changed(self, application, one: ToolServer) -> None:
        found = results(application(one.url, ["files/read.text"]).call(("files_read_text", {"path": "a"})))
        assert found[0] == {"result": "text of a"}
        assert one.seen(tool="files/read.text", path="a")

    def test_a_prefix(self, application, one: ToolServer) -> None:
        app = application(one.url, ["stock"], prefix="shop_")
        assert app.offered() == ["shop_stock"]
        assert results(app.call(("shop_stock", {"item": "axe"})))[0]["count"] == 7

    def test_a_name_without_a_tool_is_said_once(self, application, one: ToolServer, caplog) -> None:
        app = application(one.url, ["stock", "stocks"])
        assert app.offered() == app.offered() == ["stock"]
        assert len([line for line in caplog.messages if "allow names ['stocks'], and its tools are" in line]) == 1

    def test_a_tool_of_a_server_never_takes_the_place_of_another(self, one: ToolServer, caplog) -> None:
        @tool
        def stock() -> str:
            """Our own."""
            return "ours"

        app = Application(MCPServer(one.url, allow=["stock", "whoami"]), MCPServer(one.url, allow=["whoami"]), stock)
        assert sorted(app.offered()) == ["stock", "whoami"]
        assert results(app.call(("stock", {})))[0] == "ours"
        assert any("the tool stock of <MCPServer http://127.0.0.1" in line for line in caplog.messages)

    def test_a_request_picks_by_name(self, application, one: ToolServer) -> None:
        app = application(one.url, ["stock", "whoami"])
        answer = app.ask(messages=question(), tools=["stock"])
        assert answer.status == 200
        assert [each.name for each in app.provider.requests[-1].tools] == ["stock"]

    def test_a_view_passes_a_server(self, one: ToolServer) -> None:
        app = Application()
        server = MCPServer(one.url, allow=["stock"])

        @app.app.post("/ask")
        def ask() -> Any:
            return app.headrace.stream(question(("stock", {"item": "axe"})), tools=[server])

        response = app.client.post("/ask")
        assert '"result":{"item":"axe","count":7}' in response.text


class TestApproval:
    @pytest.mark.parametrize(
        "rule",
        [
            True,
            ["stock"],
            ["st*", "other"],
            lambda name, arguments: name == "stock" and arguments["item"] == "axe",
        ],
    )
    def test_a_call_waits_for_its_approval(self, application, one: ToolServer, rule: Any, tmp_path: Path) -> None:
        item = "axe"
        app = application(one.url, needs_approval=rule)
        before = len(one.seen(tool="stock"))
        answer = app.call(("stock", {"item": item}))
        assert len(one.seen(tool="stock")) == before
        [approval] = [frame["approval"] for frame in answer.named("tool") if "approval" in frame]
        call = {
            "id": "call_0",
            "name": "stock",
            "arguments": {"item": item},
            "approval": {"id": approval["id"] if isinstance(approval, dict) else approval, "approved": True},
        }
        [asked] = question(("stock", {"item": item}))
        answer = app.ask(messages=[asked, {"role": "assistant", "content": "", "tool_calls": [call]}])
        assert [frame["result"] for frame in answer.named("tool")] == [{"item": "axe", "count": 7}]
        assert len(one.seen(tool="stock")) == before + 1

    @pytest.mark.parametrize("rule", [False, ["whoami"], lambda name, arguments: False])
    def test_a_call_that_needs_none(self, application, one: ToolServer, rule: Any) -> None:
        found = results(application(one.url, needs_approval=rule).call(("stock", {"item": "axe"})))
        assert found[0]["count"] == 7

    def test_an_application_without_a_key_does_not_start(self) -> None:
        from flask import Flask  # noqa: PLC0415

        with pytest.raises(ConfigurationError, match=r"<MCPServer http://h/> needs approvals.*set app.secret_key"):
            Headrace(Flask(__name__), tools=[MCPServer("http://h/", allow=["a"], needs_approval=True)])
