"""Servers that do not keep to the protocol, or want to do harm: the answer goes on, within its bounds."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flask_headrace.mcp_client import connection, remote_tools, tool_list
from tests.mcp.conftest import progress, results, wait_until
from tests.mcp.scripted_server import ScriptedServer, described, reply, send, send_endlessly, text


@contextmanager
def called(application, call: Any, **options: Any) -> Iterator[tuple[ScriptedServer, dict[int, Any]]]:
    """Call the tool `a` of a server that responds by `call`."""
    with ScriptedServer(described("a"), call=call, responds=True) as server:
        yield server, results(application(server.url, **options).call(("a", {})))


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


class TestCalls:
    @pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
    def test_a_result_of_a_gigabyte(self, application, content_type: str) -> None:
        sent: list[int] = []

        def call(handler: Any, _: Any) -> None:
            sent.append(send_endlessly(handler, b" " * 65_536, content_type))

        with called(application, call) as (_, found):
            assert found == {0: "error: The result of the tool is too large: ask for less."}
        assert sent[0] < 20_000_000

    def test_many_small_events_are_no_large_result(self, application) -> None:
        def call(handler: Any, message: Any) -> None:
            params = b'{"level": "info", "data": "%b"}' % (b"x" * 1_000)
            note = b'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": %b}' % params
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("done")}).encode()
            events = (note + b"\r\n\r\n") * 2_000 + b"data: " + body + b"\r\n\r\n"
            send(handler, 200, events, "text/event-stream")

        with called(application, call) as (_, found):
            assert found == {0: "done"}

    def test_events_without_end(self, application) -> None:
        note = (
            b'data: {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}\n\n'
        )

        def call(handler: Any, _: Any) -> None:
            send_endlessly(handler, note, "text/event-stream")

        with called(application, call) as (_, found):
            assert found == {0: "error: The result of the tool is too large: ask for less."}

    def test_a_compressed_result(self, application) -> None:
        def call(handler: Any, message: Any) -> None:
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("x" * 50_000_000)}).encode()
            send(handler, 200, gzip.compress(body), "application/json", Content_Encoding="gzip")

        with called(application, call) as (server, found):
            assert found == {0: "error: The server of the tool cannot be reached."}
            assert {headers["accept-encoding"] for headers in server.headers} == {"identity"}

    def test_a_redirect_elsewhere_is_not_followed(self, application) -> None:
        with ScriptedServer(described("a")) as other:

            def call(handler: Any, _: Any) -> None:
                send(handler, 307, b"", Location=other.url)

            with called(application, call, headers={"Authorization": "secret"}) as (_, found):
                assert found[0].startswith("error: ")
            assert other.requests == []

    def test_a_server_that_redirects_all_requests(self, application, caplog) -> None:
        with ScriptedServer(described("a")) as other:
            server = ScriptedServer()
            server._respond = lambda handler, _: send(handler, 308, b"", Location=other.url)  # type: ignore[method-assign]
            with server:
                assert application(server.url, headers={"Authorization": "secret"}).offered() == []
            assert other.requests == []
        assert "Redirect to" in caplog.text

    def test_a_call_that_never_ends(self, application) -> None:
        server = ScriptedServer(described("a"), responds=True)
        server.call = server.hang
        with server:
            found = results(application(server.url, timeout=0.5).call(("a", {})))
            assert found == {0: "error: The tool did not end within 0.5 s."}
            wait_until(lambda: [each for each in server.requests if each["method"] == "notifications/cancelled"])

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
    def test_an_http_error(self, application, caplog, status: int) -> None:
        with called(application, lambda handler, _: send(handler, status, b"<h1>no</h1>", "text/html")) as (_, found):
            assert found[0].startswith("error: ")
            assert "<h1>" not in found[0]
        assert f"the call of 'a' has failed: it has answered with status {status}" in caplog.text

    def test_a_list_that_needs_a_key(self, application, caplog) -> None:
        with ScriptedServer(list_tools=lambda handler, _: send(handler, 401, b"")) as server:
            assert application(server.url).offered() == []
        assert "are left out: it has answered with status 401" in caplog.text

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"jsonrpc": "2.0", "id": 1}',
            b"[" * 100_000,
            b'{"jsonrpc": "2.0", "id": 99999, "result": {"content": []}}',
        ],
    )
    def test_a_body_that_is_no_response(self, application, body: bytes) -> None:
        def call(handler: Any, _: Any) -> None:
            send(handler, 200, body, "application/json")

        with called(application, call, timeout=3) as (server, found):
            assert found[0].startswith("error: ")
            server.call = lambda handler, message: reply(handler, message, text("fine"))
            assert results(application(server.url).call(("a", {}))) == {0: "fine"}

    @pytest.mark.parametrize(
        "result",
        [
            5,
            None,
            [],
            {},
            {"content": 5},
            {"content": [{"type": "unknown"}]},
            {"content": [{"type": "text"}]},
            {"content": [], "isError": "yes!"},
        ],
    )
    def test_a_result_that_is_none(self, application, result: Any) -> None:
        with called(application, lambda handler, message: reply(handler, message, result)) as (_, found):
            assert found[0].startswith("error: ")

    def test_an_error_without_words(self, application) -> None:
        failed = {"content": [], "isError": True}
        with called(application, lambda handler, message: reply(handler, message, failed)) as (_, found):
            assert found == {0: "error: The tool failed, and does not say why."}

    def test_an_error_of_a_megabyte(self, application) -> None:
        failed = {**text("e" * 1_000_000), "isError": True}
        with called(application, lambda handler, message: reply(handler, message, failed)) as (_, found):
            assert 4_000 < len(found[0]) < 5_000

    def test_an_error_of_the_protocol(self, application) -> None:
        def call(handler: Any, message: Any) -> None:
            error = {"code": -32602, "message": "no such tool " + "x" * 100_000}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
            send(handler, 200, body, "application/json")

        with called(application, call) as (_, found):
            assert found[0].startswith("error: no such tool x")
            assert len(found[0]) < 5_000

    def test_a_schema_of_results_by_which_a_check_would_never_end(self, application) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
        result = {**text("a"), "structuredContent": {"a": "a" * 60 + "!"}}
        with ScriptedServer(described("a", outputSchema=schema), call=lambda _: result) as server:
            assert results(application(server.url).call(("a", {}))) == {0: {"a": "a" * 60 + "!"}}

    def test_a_connection_that_breaks_ends_no_other_call(self, application) -> None:
        others = threading.Event()

        def call(handler: Any, message: Any) -> None:
            if message["params"]["arguments"]["breaks"]:
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", "100")
                handler.end_headers()
                handler.wfile.write(b"{")
                handler.close_connection = True
                others.set()
            else:
                others.wait(10)
                time.sleep(0.2)
                reply(handler, message, text("whole"))

        with ScriptedServer(described("a"), call=call, responds=True) as server:
            found = results(application(server.url).call(("a", {"breaks": False}), ("a", {"breaks": True})))
            assert found == {0: "whole", 1: "error: The server of the tool cannot be reached."}
            assert len([each for each in server.requests if each["method"] == "initialize"]) == 1

    def test_a_call_is_not_made_twice_after_a_broken_connection(self, application) -> None:
        def call(handler: Any, _: Any) -> None:
            handler.close_connection = True

        with called(application, call) as (server, found):
            assert found == {0: "error: The server of the tool cannot be reached."}
            assert len([each for each in server.requests if each["method"] == "tools/call"]) == 1

    def test_numbers_and_texts_pass_as_they_are(self, application) -> None:
        value = {"big": 2**70, "small": 1e-9, "text": "\u2028\u0000🦄</script>", "list": [None, True, {}]}
        with ScriptedServer(described("a"), call=lambda _: {"content": [], "structuredContent": value}) as server:
            assert results(application(server.url).call(("a", {}))) == {0: value}

    @pytest.mark.parametrize("name", ["self", "context", "arguments", "name", "", "a b"])
    def test_arguments_of_any_names(self, application, name: str) -> None:
        with ScriptedServer(described("a"), call=lambda params: text(json.dumps(params["arguments"]))) as server:
            found = results(application(server.url).call(("a", {name: 1})))
            assert json.loads(found[0]) == {name: 1}

    def test_progress_that_is_no_number(self, application) -> None:
        def call(handler: Any, message: Any) -> None:
            notes = b"".join(
                b"data: "
                + json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}).encode()
                + b"\n\n"
                for params in (
                    {"progressToken": message["params"]["_meta"]["progressToken"], "progress": "x"},
                    {"progressToken": "other", "progress": 1},
                    {"progressToken": message["params"]["_meta"]["progressToken"], "progress": float("nan")},
                    {},
                )
            )
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("done")}).encode()
            send(handler, 200, notes + b"data: " + body + b"\n\n", "text/event-stream")

        with ScriptedServer(described("a"), call=call, responds=True) as server:
            answer = application(server.url).call(("a", {}))
            assert results(answer) == {0: "done"}
            assert progress(answer) in ([], [{"progress": None}])

    def test_a_server_asks_for_what_nobody_gives(self, application) -> None:
        """A request of the server, such as one for the answer of a model, is refused."""

        def call(handler: Any, message: Any) -> None:
            asks = {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {"messages": []}}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": text("done")})
            events = f"data: {json.dumps(asks)}\n\ndata: {body}\n\n".encode()
            send(handler, 200, events, "text/event-stream")

        with called(application, call) as (_, found):
            assert found == {0: "done"}
