"""An application whose views stream agents, and that tells what became of them at /happened."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import anyio.to_thread
import flask
import gevent
import gevent.monkey
import httpx
from flask import Flask, current_app, g

from flask_headrace import Headrace

native_sleep = gevent.monkey.get_original("time", "sleep")

logging.basicConfig()  # this extension logs only where logging is configured
app = Flask(__name__)
headrace = Headrace(app)
happened: list[str] = []
meeting: dict[str, asyncio.Event | int] = {"there": 0}


@app.teardown_appcontext
def tear_down(error):
    if "agent" in g:
        happened.append(f"torn down: {g.agent}")


@app.get("/happened")
def told():
    return happened


@app.route("/agents/<name>", methods=["GET", "POST"])
def agent(name):
    return headrace.stream_from(globals()[name]())


@app.post("/sync")
def sync():
    return headrace.stream_from(f"{number} " for number in range(20) if gevent.sleep(0.005) is None)


@app.errorhandler(404)
def not_found(error):
    return {"error": str(error)}, 404


async def meets():
    """Answer when three agents are there at the same time."""
    everybody = meeting.setdefault("everybody", asyncio.Event())
    meeting["there"] += 1
    yield "waits "
    if meeting["there"] >= 3:
        everybody.set()
    await everybody.wait()
    yield "met"


async def lasting():
    try:
        yield "begins"
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        happened.append("cancelled")
        raise
    finally:
        await asyncio.sleep(0.01)
        happened.append("cleaned up")


async def endless():
    """Yield without ever waiting."""
    try:
        while True:
            meeting["yielded"] = meeting.get("yielded", 0) + 1
            yield "x" * 1000
    except GeneratorExit:
        happened.append("closed")
        raise


async def deaf():
    yield "one "
    for _ in range(3):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:  # noqa: PERF203
            happened.append("ignored")
            yield "never sent"


async def blocks():
    yield "blocks "
    native_sleep(0.5)
    happened.append("blocked")
    yield "done"


async def raises():
    yield "one "
    raise ZeroDivisionError("the agent's own mistake")


async def exits():
    yield "one "
    raise SystemExit(3)


async def cancels_itself():
    yield "one "
    raise asyncio.CancelledError


async def gives_bytes():
    yield b"one"


def opened():
    """Return a coroutine that returns an async generator."""

    async def open_():
        await asyncio.sleep(0.01)
        return words("opened ", "later")

    return open_()


def misopened():
    async def open_():
        return ["no", "agent"]

    return open_()


def never_opened():
    async def open_():
        await asyncio.sleep(3600)

    return open_()


def plainly_iterable():
    """Return an async iterable that is no generator, with a `close` of its own."""

    class Words:
        def __aiter__(self):
            return words("one ", "two")

        async def close(self):
            happened.append("closed by its close")

    return Words()


async def words(*texts):
    for text in texts:
        await asyncio.sleep(0.001)
        yield text


async def in_context():
    g.agent = "in_context"
    yield f"{current_app.name} "
    yield await asyncio.to_thread(lambda: f"{current_app.name} ")
    yield await asyncio.create_task(tells_context())


async def tells_context():
    return f"{current_app.name} {flask.has_request_context()}"


async def in_threads():
    """Let blocking functions work in threads, one of them with a loop of its own."""
    began = time.monotonic()
    await asyncio.gather(*[asyncio.to_thread(native_sleep, 0.2) for _ in range(5)])
    yield "together " if time.monotonic() - began < 0.8 else "one after the other "
    yield await asyncio.to_thread(lambda: asyncio.run(tells_context()))
    yield f" {threading.Lock().acquire()} "
    try:
        await asyncio.to_thread(lambda: 1 / 0)
    except ZeroDivisionError:
        yield "raised"


async def in_greenlets():
    """Let functions run loops of their own in threads that gevent makes greenlets of."""

    def run():
        return asyncio.run(tells_context())

    yield f"{await anyio.to_thread.run_sync(run)} "
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(contextvars.copy_context().run, run).result()
    yield f" {asyncio.get_running_loop() is asyncio.current_task().get_loop()}"


async def resolves():
    found = await asyncio.get_running_loop().getaddrinfo("localhost", 80, type=1)
    yield found[0][4][0]


async def asks_by_httpx():
    async with httpx.AsyncClient() as client, client.stream("GET", request_url()) as response:
        async for text in response.aiter_text():
            yield text


async def asks_by_aiohttp():
    async with aiohttp.ClientSession() as client, client.get(request_url()) as response:
        yield await response.text()


async def asks_by_anyio():
    async with await anyio.connect_tcp("localhost", int(os.environ["PORT"])) as stream:
        await stream.send(b"GET /word HTTP/1.0\r\n\r\n")
        received = b""
        async for data in stream:
            received += data
        yield received.partition(b"\r\n\r\n")[2].decode()


def request_url():
    return f"http://localhost:{os.environ['PORT']}/word"


@app.get("/word")
def word():
    return "the word"
