"""The upstream itself: a server in a thread of its own, which answers by the test's scripts and records requests.

    with Upstream() as upstream:
        upstream.answer("gpt-5-mini", openai_wire.answer("Hello", Gate("second"), " world"))
        ...                                     # the code under test sends a request to upstream.url + "/v1"
        upstream.wait_for(lambda: upstream.requests("gpt-5-mini")[0].at_gate == "second")
        upstream.open_gate("second")
        assert upstream.ended("gpt-5-mini").ended is Ended.FINISHED

It runs in the process of the test, not in that of the code under test. This module has the lifetime and the thread;
`connection.py` reads and answers requests, `accepting.py` accepts connections.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tests.support.upstream import anthropic_wire, certificate, http1, openai_wire, responses_wire
from tests.support.upstream.accepting import Accept, Acceptor
from tests.support.upstream.records import Connections, Entry, Ledger, Peer, Request, Tally, tally
from tests.support.upstream.steps import Script

T = TypeVar("T")

WIRES = (openai_wire, responses_wire, anthropic_wire)
"""The wire formats, each a module with the same names as `openai_wire`."""

ENDPOINTS = {f"POST {wire.ENDPOINT}" for wire in WIRES} | {"POST /v1/messages/count_tokens"}
"""The endpoints that answer from scripts. All others answer 404, so that a wrong path is noticed."""


class Upstream:
    """A provider of language models on a loopback port, which plays scripts and records requests.

    `tls` serves HTTPS with a new certificate, whose authority is in the file `ca_file`. `send_buffer` is the size of
    the kernel's send buffer in bytes (None for the kernel's choice, up to some MiB); with a small one, a peer that
    stops reading is noticed after few bytes. `models` are the names that `GET /v1/models` lists; None for those that
    have an answer.
    """

    def __init__(self, *, tls: bool = False, send_buffer: int | None = None) -> None:
        self.ca_file: Path | None = None
        self.models: Sequence[str] | None = None
        self._tls, self._send_buffer = tls, send_buffer
        self._ledger = Ledger()
        self._answers: dict[str, tuple[list[Script], int]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._errors: list[BaseException] = []
        self._thread: threading.Thread | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Upstream:
        context = None
        if self._tls:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            self.ca_file, context = certificate.make(folder)
        listener = self._stack.enter_context(socket.socket())
        if self._send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        self._acceptor = Acceptor(listener, self, self._ledger, context)
        ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="upstream", daemon=True)
        self._thread.start()
        ready.result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()
        if self._errors and kind is None:
            raise self._errors[0]

    def close(self) -> None:
        """Close the port and every connection; the records can still be read."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
            self._thread = None
        self._stack.close()

    # Answers

    def answer(self, name: str, script: Script | Sequence[Script]) -> None:
        """Answer requests for the model `name` with a script; with several, the n-th request from now on with the n-th.

        The last script repeats. For requests without a model, `name` is the route, such as `GET /v1/models`.
        """
        scripts = [script] if isinstance(script, Script) else list(script)
        self._answers[name] = (scripts, self._ledger.arrived[name])

    def open_gate(self, name: str) -> None:
        """Open a gate: answers that wait at it continue, and later ones do not wait."""
        self._in_loop(lambda: self._gate(name).set())

    def accept(self, how: Accept | Sequence[Accept]) -> None:
        """Set the treatment of new connections; of several, the n-th is for the n-th connection. The last repeats."""
        ways = [how] if isinstance(how, Accept) else list(how)
        self._in_loop(lambda: self._acceptor.change(ways))

    # Records

    def requests(self, name: str | None = None) -> list[Request]:
        """Return the records of the requests for a model or a route, or of all."""
        return self._ledger.requests_for(name)

    def start_afresh(self) -> None:
        """Drop all records of requests and close all gates, so that names can be used again."""
        self._in_loop(self._forget_all)

    def forget(self) -> None:
        """Drop the records of requests whose connection is closed, so that a long run does not fill the memory."""
        self._in_loop(self._ledger.forget)

    def tally(self, name: str | None = None) -> Tally:
        """Count the requests for a model, or all, by the end of their answers."""
        return tally(self.requests(name))

    @property
    def connections(self) -> Connections:
        """The numbers of connections."""
        return self._ledger.connections()

    @property
    def peers(self) -> list[Peer]:
        """The records of all connections, in the order in which they were accepted."""
        return [entry.record for entry in list(self._ledger.peers)]

    def wait_for(self, condition: Callable[[], T | None], timeout: float = 30) -> T:
        """Wait until `condition()` is true, and return its value.

        The condition is called after every change of a record, and at least every 20 ms. An IndexError counts as not
        yet true, so the condition may index a request that has not arrived.

        Raises:
            AssertionError: the condition was not true within `timeout` seconds; the message contains `dump()`.
        """
        limit = time.monotonic() + timeout
        while True:
            changes, called_at = self._ledger.changes, time.monotonic()
            with contextlib.suppress(IndexError):
                if result := condition():
                    return result
            now = time.monotonic()
            if now >= limit:
                raise AssertionError(f"not true within {timeout} s; the upstream saw:\n{self.dump()}")
            time.sleep(
                max(0.001, 9 * (now - called_at))
            )  # otherwise a slow condition would keep the upstream from running
            self._ledger.wait_beyond(changes, min(limit - now, 0.02))

    def ended(self, name: str, number: int = 0, timeout: float = 30) -> Request:
        """Wait until the answer to the n-th request (from 0) for a model has ended; return the request's record."""
        return self.wait_for(lambda: self._if("ended", name, number), timeout)

    def closed(self, name: str, number: int = 0, timeout: float = 30) -> Request:
        """Wait until the connection of the n-th request (from 0) for a model is closed; return the request's record."""
        return self.wait_for(lambda: self._if("closed", name, number), timeout)

    def dump(self) -> str:
        """Return a description of the records: counts, the last 20 requests, and errors."""
        requests = self.requests()
        lines = [f"  {self.connections}", f"  {self.tally()}", *(f"  {request!r}" for request in requests[-20:])]
        return "\n".join([*lines, *(f"  error: {error!r}" for error in self._errors)])

    # Called by connections

    async def gate(self, name: str) -> None:
        """Wait until the gate is open."""
        await self._gate(name).wait()

    def begin(self, message: http1.Message, connection: int) -> tuple[Entry[Request], Script]:
        """Record a request, and return its record and its script."""
        body = message.body
        model = body.get("model") if isinstance(body, dict) else None
        name = model if isinstance(model, str) else message.route
        attempt = self._ledger.arrived[name]
        request = Request(
            name,
            attempt,
            message.method,
            message.path,
            message.headers,
            body,
            connection,
            time.monotonic(),
        )
        return self._ledger.add_request(request), self._script(message, name, attempt).for_body(body)

    def report(self, task: asyncio.Task[Any]) -> None:
        """Record the exception of a task, if the task ended with one; it is raised at the end of the `with` block."""
        if not task.cancelled() and (error := task.exception()):
            self._errors.append(error)

    # Internal

    def _script(self, message: http1.Message, name: str, attempt: int) -> Script:
        is_known = message.method != "POST" or message.route in ENDPOINTS
        if name in self._answers and is_known:
            scripts, served_before = self._answers[name]
            return scripts[min(attempt - served_before, len(scripts) - 1)]
        wire = anthropic_wire if "anthropic-version" in message.headers else openai_wire
        if message.route == "GET /v1/models":
            listed: Script = wire.model_list(list(self._answers) if self.models is None else self.models)
            return listed
        unknown: Script = wire.error(404, f"nothing here answers {message.route} for {name!r}")
        return unknown

    def _if(self, state: str, name: str, number: int) -> Request | None:
        record = self.requests(name)[number]
        return record if getattr(record, state) else None

    def _forget_all(self) -> None:
        self._gates = {}
        self._ledger.requests = []

    def _gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())

    def _in_loop(self, call: Callable[[], None]) -> None:
        async def called() -> None:
            call()

        asyncio.run_coroutine_threadsafe(called(), self._loop).result(10)

    async def _serve(self, ready: concurrent.futures.Future[None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(self._on_error)
        self._acceptor.start()
        ready.set_result(None)
        await self._stopping.wait()
        await self._acceptor.stop()

    def _on_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._errors.append(context.get("exception") or RuntimeError(context["message"]))
