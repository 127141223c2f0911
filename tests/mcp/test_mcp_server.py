"""Tools of a real server, which the package `mcp` serves in a process of its own, called by a model."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mcp.calling import question
from tests.mcp.conftest import progress, results, wait_until
from tests.mcp.processes import ToolServer

MODES = ("events", "json", "handshake")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolServer]:
    with ToolServer(tmp_path_factory.mktemp("server"), request.param) as running:
        yield running


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolServer]:
    with ToolServer(tmp_path_factory.mktemp("server")) as running:
        yield running


class TestResults:
    def test_each_kind_of_content(self, application, server: ToolServer) -> None:
        app = application(server.url)
        answer = app.call(
            ("stock", {"item": "axe"}), ("describe", {"item": "mill"}), ("picture", {}), ("whoami", {}), ("nothing", {})
        )
        found = results(answer)
        assert found[0] == {"item": "axe", "count": 7}
        assert found[1] == "A mill, red. „Ü“ 🦄"
        assert found[2] == [
            {"type": "text", "text": "see:"},
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "resource_link", "name": "more", "uri": "file:///more.txt"},
            {
                "type": "resource",
                "resource": {"uri": "file:///a.txt", "mimeType": "text/plain", "text": "inside"},
            },
        ]
        assert isinstance(found[3]["result"], int)
        assert found[4] is None
        assert answer.text == "done"
        told = [message.content for message in app.provider.requests[-1].messages if message.role == "tool"]
        assert told[1] == "A mill, red. „Ü“ 🦄"

    def test_an_error_of_the_tool_is_told_to_the_model(self, application, server: ToolServer) -> None:
        app = application(server.url)
        assert "there are no unicorns" in results(app.call(("stock", {"item": "unicorn"})))[0]
        assert app.provider.requests[-1].messages[-1].is_error

    def test_arguments_that_do_not_fit_are_told_to_the_model(self, application, server: ToolServer) -> None:
        found = results(application(server.url).call(("stock", {"item": 5}), ("stock", {}), ("stock", {"item": "a"})))
        assert "valid string" in found[0]
        assert "Field required" in found[1]
        assert found[2] == {"item": "a", "count": 7}

    def test_arguments_of_any_names(self, application, server: ToolServer) -> None:
        arguments = {"context": 1, "self": "2", "arguments": {"name": [None]}, "": 3}
        found = results(application(server.url).call(("echo", {"values": arguments})))
        assert found[0] == arguments

    def test_a_large_result_is_refused(self, application, server: ToolServer) -> None:
        found = results(
            application(server.url).call(
                ("big", {"size": 300_000}), ("big", {"size": 9_000_000}), ("big", {"size": 200_000})
            )
        )
        assert "300013 bytes, more than 262144" in found[0]
        assert found[1] == "error: The result of the tool is too large: ask for less."
        assert len(found[2]["result"]) == 200_000

    def test_the_setting_bounds_a_result(self, application, one: ToolServer) -> None:
        app = application(one.url, settings={"HEADRACE_TOOL_RESULT": 1_000})
        found = results(app.call(("big", {"size": 2_000}), ("big", {"size": 100_000}), ("big", {"size": 900})))
        assert "more than 1000, the maximum" in found[0]
        assert "too large" in found[1]
        assert len(found[2]["result"]) == 900
        wide = application(one.url, settings={"HEADRACE_TOOL_RESULT": 20_000_000})
        assert len(results(wide.call(("big", {"size": 9_000_000})))[0]["result"]) == 9_000_000

    @pytest.mark.parametrize("mode", ["events", "handshake"])
    def test_progress_is_shown(self, application, tmp_path: Path, mode: str) -> None:
        with ToolServer(tmp_path, mode) as server:
            answer = application(server.url).call(("count", {"to": 3}))
        assert results(answer)[0] == {"result": 3}
        assert progress(answer) == [
            {"progress": number, "total": 3.0, "message": f"at {number:g}"} for number in (1.0, 2.0, 3.0)
        ]

    def test_endless_progress_is_bounded(self, application, one: ToolServer) -> None:
        shown = progress(application(one.url).call(("flood", {"count": 3_000})))
        assert 1 <= len(shown) <= 1_000
        assert all(len(note["message"]) == 2_000 for note in shown)


class TestRequests:
    def test_headers_are_sent_with_each_request(self, application, tmp_path: Path) -> None:
        keys = iter(range(1_000))
        with ToolServer(tmp_path, "handshake") as server:
            application(server.url, headers={"Authorization": "Bearer 1"}).call(("whoami", {}))
            assert {line["authorization"] for line in server.seen() if "method" in line} == {"Bearer 1"}
            application(server.url, headers=lambda: {"Authorization": f"Key {next(keys)}"}).call(("whoami", {}))
            sent = [line["authorization"] for line in server.seen(method="tools/call")]
            assert sent[0] == "Bearer 1"
            assert re.fullmatch(r"Key [1-9]\d*", sent[1])

    def test_headers_that_cannot_be_had(self, application, one: ToolServer, caplog) -> None:
        app = application(one.url, headers=lambda: 1 // 0)  # type: ignore[arg-type,return-value]
        assert app.offered() == []
        assert "are left out: the connection has failed: integer division" in caplog.text

    def test_one_session_for_all_calls(self, application, tmp_path: Path) -> None:
        with ToolServer(tmp_path, "handshake") as server:
            app = application(server.url)
            for _ in range(3):
                app.call(("whoami", {}), ("stock", {"item": "a"}))
            assert len(server.seen(method="initialize")) == 1
            assert len(server.seen(method="tools/list")) == 1
            assert len({line["session"] for line in server.seen(method="tools/call")}) == 1

    @pytest.mark.parametrize("mode", ["events", "handshake"])  # the server does not look for a reader of JSON
    def test_a_stopped_call_is_cancelled_at_the_server(self, application, tmp_path: Path, mode: str) -> None:
        with ToolServer(tmp_path, mode) as server:
            app = application(server.url)
            response = app.client.post("/api/chat", json={"messages": question(("wait", {"seconds": 60}))})
            body = response.iter_encoded()
            while not server.seen(tool="wait", began=True):
                next(body)
            response.close()
            wait_until(lambda: server.seen(tool="wait", cancelled=True))

    def test_a_call_that_takes_too_long(self, application, tmp_path: Path) -> None:
        with ToolServer(tmp_path) as server:
            app = application(server.url, timeout=0.5)
            found = results(app.call(("wait", {"seconds": 60}), ("whoami", {})))
            assert found[0] == "error: The tool did not end within 0.5 s."
            assert found[1]["result"]
            wait_until(lambda: server.seen(tool="wait", cancelled=True))

    def test_calls_run_side_by_side(self, application, one: ToolServer) -> None:
        app = application(one.url)
        app.offered()
        began = time.monotonic()
        found = results(app.call(*[("wait", {"seconds": 1})] * 10))
        assert time.monotonic() - began < 8
        assert [found[number] for number in range(10)] == [{"result": "waited"}] * 10


class TestChanges:
    def test_the_list_is_renewed_when_the_server_says_so(self, application, tmp_path: Path, server: ToolServer) -> None:
        with ToolServer(tmp_path, server._mode) as own:
            app = application(own.url, ["grow", "new_*"])
            assert app.offered() == ["grow"]
            app.call(("grow", {"name": "new_one"}), ("grow", {"name": "other"}))
            wait_until(lambda: app.offered() == ["grow", "new_one"])
            assert results(app.call(("new_one", {})))[0] == {"result": "added"}

    @pytest.mark.parametrize("mode", MODES)
    def test_a_server_that_starts_anew_is_asked_again(self, application, tmp_path: Path, mode: str, caplog) -> None:
        caplog.set_level(logging.WARNING, "flask_headrace")
        server = ToolServer(tmp_path, mode)
        with server:
            app = application(server.url)
            first = results(app.call(("whoami", {})))[0]["result"]
        assert results(app.call(("whoami", {})))[0] == "error: The server of the tool cannot be reached."
        assert "the call of 'whoami' has failed: the connection has failed" in caplog.text
        with server:
            second = results(app.call(("whoami", {})))[0]["result"]
            assert second != first
            third = results(app.call(("whoami", {}), ("whoami", {})))
            assert third == {0: {"result": second}, 1: {"result": second}}

    def test_a_server_that_is_away_at_first(self, application, tmp_path: Path, caplog, monkeypatch) -> None:
        monkeypatch.setattr("flask_headrace.mcp_client.tool_list.RETRY_AFTER", 0.2)
        server = ToolServer(tmp_path)
        app = application(server.url)
        assert app.offered() == app.offered() == []
        assert app.call().text == ""
        time.sleep(0.3)
        assert app.offered() == []
        assert len([line for line in caplog.messages if "are left out: the connection has failed" in line]) == 1
        with server:
            wait_until(lambda: "whoami" in app.offered())
            assert any(line.endswith("is there again") for line in caplog.messages)
