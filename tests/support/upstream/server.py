"""The upstream itself: a server in a thread of its own, told by the test what to answer and asked what it saw.

    with Upstream() as upstream:
        upstream.answer("gpt-5-mini", openai_wire.answer("Hello", Gate("second"), " world"))
        ...                                     # the code under test asks upstream.url + "/v1"
        upstream.wait_for(lambda: upstream.requests("gpt-5-mini")[0].at_gate == "second")
        upstream.open_gate("second")
        assert upstream.ended("gpt-5-mini").ended is Ended.FINISHED

It shares a process with the test, not with the code under test. The lifetime and the thread are here; what arrives on a
connection is `connection.py`'s, how connections are accepted `accepting.py`'s.
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

from tests.support.upstream import anthropic_wire, certificate, http1, openai_wire
from tests.support.upstream.accepting import Accept, Acceptor
from tests.support.upstream.records import Connections, Entry, Ledger, Peer, Request, Tally, tally
from tests.support.upstream.steps import Script

T = TypeVar("T")

ENDPOINTS = {
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "POST /v1/messages",
    "POST /v1/messages/count_tokens",
}


class Upstream:
    """A provider of language models on a loopback port, which does what scripts say and records what it sees.

    `tls` serves HTTPS with a certificate made on the fly, whose authority is in the file `ca_file`. `send_buffer` is
    the kernel's send buffer in bytes (None: what the kernel likes, up to some MiB); a small one lets a reader that
    takes nothing be seen after few bytes. `models` are the names that `GET /v1/models` lists; None for those that have
    an answer.
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
        """Close the port and every connection; what was seen can still be asked for."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
            self._thread = None
        self._stack.close()

    # What to do

    def answer(self, name: str, script: Script | Sequence[Script]) -> None:
        """Answer requests for the model `name` with a script; with several, the n-th request from now with the n-th.

        The last one repeats. A request without a model goes by its route, such as `"GET /v1/models"`.
        """
        scripts = [script] if isinstance(script, Script) else list(script)
        self._answers[name] = (scripts, self._ledger.arrived[name])

    def open_gate(self, name: str) -> None:
        """Let every answer pass that waits, or will wait, at this gate."""
        self._in_loop(lambda: self._gate(name).set())

    def accept(self, how: Accept | Sequence[Accept]) -> None:
        """Treat new connections so; with several, the n-th connection from now as the n-th says. The last repeats."""
        ways = [how] if isinstance(how, Accept) else list(how)
        self._in_loop(lambda: self._acceptor.change(ways))

    # What was seen

    def requests(self, name: str | None = None) -> list[Request]:
        """List what is known now of the requests for a model (or by route), or of all."""
        return self._ledger.of(name)

    def start_afresh(self) -> None:
        """Forget every request and close every gate, so that names can be used again."""
        self._in_loop(self._forget_all)

    def forget(self) -> None:
        """Drop the records of requests whose connection is closed, so that a long run does not pile them up."""
        self._in_loop(self._ledger.forget)

    def tally(self, name: str | None = None) -> Tally:
        """Count the requests for a model, or all, by their end."""
        return tally(self.requests(name))

    @property
    def connections(self) -> Connections:
        """Count the connections."""
        return self._ledger.connections()

    @property
    def peers(self) -> list[Peer]:
        """List what is known now of each connection, in the order in which they were accepted."""
        return [entry.record for entry in list(self._ledger.peers)]

    def wait_for(self, condition: Callable[[], T | None], timeout: float = 30) -> T:
        """Wait until `condition()` is true, and give what it returned.

        It is asked again after every change here and at least every 20 ms. An IndexError counts as not yet true, so
        that it may speak of a request that has not arrived.

        Raises:
            AssertionError: it was not true within `timeout` seconds; with everything that was seen.

        """
        limit = time.monotonic() + timeout
        while True:
            changes, asked = self._ledger.changes, time.monotonic()
            with contextlib.suppress(IndexError):
                if result := condition():
                    return result
            now = time.monotonic()
            if now >= limit:
                raise AssertionError(f"not true within {timeout} s; the upstream saw:\n{self.dump()}")
            time.sleep(max(0.001, 9 * (now - asked)))  # else a costly condition keeps the upstream from its work
            self._ledger.wait_beyond(changes, min(limit - now, 0.02))

    def ended(self, name: str, number: int = 0, timeout: float = 30) -> Request:
        """Wait until the answer to the n-th request listed for a model (from 0) has ended, and give its record."""
        return self.wait_for(lambda: self._if("ended", name, number), timeout)

    def closed(self, name: str, number: int = 0, timeout: float = 30) -> Request:
        """Wait until the connection of the n-th request listed for a model is closed, and give the request's record."""
        return self.wait_for(lambda: self._if("closed", name, number), timeout)

    def dump(self) -> str:
        """Describe what was seen, the last 20 requests at most."""
        requests = self.requests()
        lines = [f"  {self.connections}", f"  {self.tally()}", *(f"  {request!r}" for request in requests[-20:])]
        return "\n".join([*lines, *(f"  error: {error!r}" for error in self._errors)])

    # What connections ask

    async def gate(self, name: str) -> None:
        """Wait until the gate is open."""
        await self._gate(name).wait()

    def begin(self, message: http1.Message, connection: int) -> tuple[Entry[Request], Script]:
        """Enter a request into the ledger and choose its script."""
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
        """Keep the exception of a task, if it ended with one, to be raised when the upstream is left."""
        if not task.cancelled() and (error := task.exception()):
            self._errors.append(error)

    # Within

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
