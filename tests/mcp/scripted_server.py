"""A server of the protocol that a test scripts, and that need not keep to it. It runs in threads of this process."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Respond = Callable[[BaseHTTPRequestHandler, Any], None]


def described(name: str, **fields: Any) -> dict[str, Any]:
    """Return a tool as a server lists it."""
    return {"name": name, "inputSchema": {"type": "object"}, **fields}


def text(content: str) -> dict[str, Any]:
    """Return the result of a call that is a text."""
    return {"content": [{"type": "text", "text": content}]}


class ScriptedServer:
    """The server, as a context manager.

    Args:
        tools: The list of its tools, or what `list_tools` would be.
        call: Returns the result of a call with the parameters of the request, or responds itself.
        list_tools: Responds to a request for the list itself.

    Attributes:
        requests: The messages that it got.
        hung_up: Set when a client has closed the connection of a call that got no response.
    """

    def __init__(
        self,
        *tools: dict[str, Any],
        call: Callable[[Any], dict[str, Any]] | Respond = lambda _: text("called"),
        list_tools: Respond | None = None,
        responds: bool = False,
    ) -> None:
        self.tools, self.call, self.list_tools, self._responds = list(tools), call, list_tools, responds
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()

    def __enter__(self) -> ScriptedServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/mcp"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                scripted.requests.append(message)
                scripted.headers.append({name.lower(): value for name, value in self.headers.items()})
                scripted._respond(self, message)

            def do_GET(self) -> None:
                send(self, 405, b"")

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def _respond(self, handler: BaseHTTPRequestHandler, message: dict[str, Any]) -> None:
        match message["method"]:
            case "initialize":
                result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
                reply(handler, message, {**result, "serverInfo": {"name": "scripted", "version": "1"}})
            case "tools/list" if self.list_tools is not None:
                self.list_tools(handler, message)
            case "tools/list":
                reply(handler, message, {"tools": self.tools})
            case "tools/call" if self._responds:
                self.call(handler, message)  # type: ignore[call-arg]
            case "tools/call":
                reply(handler, message, self.call(message["params"]))  # type: ignore[call-arg,arg-type]
            case method if method.startswith("notifications/"):
                send(handler, 202, b"")
            case _:
                send(handler, 404, b"")

    def hang(self, handler: BaseHTTPRequestHandler, _: Any) -> None:
        """Respond nothing, until the client has closed the connection."""
        handler.connection.settimeout(30)
        try:
            if not handler.connection.recv(1, socket.MSG_PEEK):
                self.hung_up.set()
        except OSError:
            self.hung_up.set()
        handler.close_connection = True


def reply(handler: BaseHTTPRequestHandler, message: dict[str, Any], result: Any) -> None:
    """Respond with a result."""
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    send(handler, 200, body, "application/json")


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, content_type: str = "text/plain", **headers: str
) -> None:
    """Send a response."""
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def send_endlessly(handler: BaseHTTPRequestHandler, piece: bytes, content_type: str) -> int:
    """Send pieces until the client closes the connection, and return the bytes."""
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.end_headers()
    sent = 0
    handler.close_connection = True
    try:
        while sent < 1 << 30:
            handler.wfile.write(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent
