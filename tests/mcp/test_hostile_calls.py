"""Servers that do not keep to the protocol, or want to do harm, by how they answer a call."""

from __future__ import annotations

import gzip
import json
import threading
import time
from typing import Any

import pytest

from flask_headrace.mcp_client import bounded_client
from tests.mcp.conftest import called, progress, results, wait_until
from tests.mcp.scripted_server import ScriptedServer, described, reply, send, send_endlessly, text


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

    def test_events_without_end(self, application, monkeypatch) -> None:
        monkeypatch.setattr(bounded_client, "MAX_EVENTS", 1_000)
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

    def test_a_server_that_does_not_take_a_notification(self, application, monkeypatch) -> None:
        monkeypatch.setattr(bounded_client, "NOTIFICATION_TIMEOUT", 0.3)
        server = ScriptedServer(described("a"), responds=True)
        respond = server._respond

        def respond_to_requests(handler: Any, message: Any) -> None:
            if message["method"].startswith("notifications/") or message.get("params", {}).get("arguments") == {}:
                server.hang(handler, message)
            else:
                respond(handler, message)

        server._respond = respond_to_requests  # type: ignore[method-assign]
        server.call = lambda handler, message: reply(handler, message, text("fine"))
        with server:
            app = application(server.url, timeout=5)
            assert results(app.call(("a", {"b": 1}), ("a", {}))) == {
                0: "fine",
                1: "error: The tool did not end within 5 s.",
            }
            assert results(app.call(("a", {"b": 1}))) == {0: "fine"}

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
