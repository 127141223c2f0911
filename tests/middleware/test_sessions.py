"""Flask-Session: a view's session is saved, and its cookie sent, before the tokens of its stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from tests.conftest import require
from tests.middleware.mounted_host import MountedHost
from tests.streaming.stores.redis.server import RedisServer
from tests.support.reader import QUESTION
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
import itertools
import os

import gevent
import redis
from cachelib import FileSystemCache
from flask import abort, session, stream_with_context
from flask_session import Session


class Wrapped:
    def __init__(self, pieces):
        self.pieces = pieces

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)


def logged(pieces):
    for piece in pieces:
        yield piece


WRAPPERS = {
    "as it is": lambda pieces: pieces,
    "map": lambda pieces: map(str, pieces),
    "chain": lambda pieces: itertools.chain(pieces, [""]),
    "generator": logged,
    "expression": lambda pieces: (piece for piece in pieces),
    "twice": lambda pieces: logged(filter(None, pieces)),
    "class": Wrapped,
}


def mount_with_sessions(name, **options):
    application = mount(name, authorize=lambda: session.get("user") or abort(401), **options)
    if name == "redis":
        server = redis.Redis(unix_socket_path=os.environ["REDIS_SOCKET"])
        application.config.update(SESSION_TYPE="redis", SESSION_REDIS=server)
    else:
        application.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(f"sessions-{name}"))
    Session(application)

    @application.post("/login")
    def login():
        session["user"], session["asked"] = "alice", []
        return "welcome"

    @application.post("/own")
    def own():
        fields = request.get_json()
        session.setdefault("asked", []).append(fields["model"])
        session.modified = True
        return application.headrace.stream(fields.pop("messages"), **fields)

    @application.get("/asked")
    def asked():
        return jsonify(session.get("asked"))

    @application.route("/from_session", methods=["GET", "POST"])
    def from_session():
        def words():
            for model in session["asked"]:
                yield model + " "
                gevent.sleep(0.05)  # the view has its first piece, and ends
            session["asked"] = "lost: the session is saved by now"

        wrap = WRAPPERS[request.args.get("wrapped", "as it is")]
        return application.headrace.stream_from(wrap(stream_with_context(words())))


mount_with_sessions("files")
mount_with_sessions("redis")
mount_with_sessions("late", hold_request=False)
"""

NAMES = ("files", "redis", "late")


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    folder = tmp_path_factory.mktemp("sessions")
    server = RedisServer(require("redis-server", "apt-get install redis-server"), folder)
    with MountedHost(folder, CODE, upstream, REDIS_SOCKET=str(server.socket)) as running:
        yield running
    server.close()
    server.kill()


def session_cookie(response: HTTPResponse) -> str:
    """Return the only cookie of a response."""
    (cookie,) = response.headers.get_all("Set-Cookie") or []
    assert cookie.startswith("session=")
    return cookie.partition(";")[0]


def logged_in(host: MountedHost, name: str) -> dict[str, str]:
    with host.sending(name, "/login") as reading:
        return {"Cookie": session_cookie(reading.response()), "Content-Type": "application/json"}


def question(model: str, **fields: object) -> bytes:
    return json.dumps({"model": f"openai/{model}", "messages": QUESTION, **fields}).encode()


@pytest.mark.parametrize("name", NAMES)
def test_a_session_is_saved_before_the_tokens_flow(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"saved {name}"
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
    headers = logged_in(host, name)
    with host.sending(name, "/own", question(model), headers=headers) as reading:
        assert session_cookie(reading.response()) == headers["Cookie"]
        reading.until(b"one ")
        assert host.send(name, "/asked", method="GET", headers=headers).json == [f"openai/{model}"]
        upstream.open_gate(model)
        reading.until(b"[DONE]")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", [True, False])
def test_refusals_and_whole_answers_save_it_too(host: MountedHost, upstream: Upstream, name: str, stream: bool) -> None:
    upstream.answer("all", openai_wire.answer("all of it"))
    upstream.answer("busy", openai_wire.error(429))
    headers = logged_in(host, name)
    for model, status in (("all", 200), ("busy", 429)):
        with host.sending(name, "/own", question(model, stream=stream), headers=headers) as reading:
            response = reading.response()
            assert response.status == status
            assert session_cookie(response) == headers["Cookie"]
    assert host.send(name, "/asked", method="GET", headers=headers).json == ["openai/all", "openai/busy"]


@pytest.mark.parametrize("name", NAMES)
def test_a_session_says_who_owns_a_stream(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"owned {name}"
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
    headers = logged_in(host, name)
    assert host.send(name, "/api/chat", question(model)).status == 401
    with host.sending(name, "/api/chat", question(model, resumable=True), headers=headers) as reading:
        path = f"/api/streams/{reading.response().headers['Headrace-Stream-Id']}"
        reading.until(b"one ")
    assert host.send(name, path, method="GET").status == 401
    upstream.open_gate(model)
    assert b"[DONE]" in host.send(name, path, method="GET", headers=headers).body


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_who_leaves_stops_the_model(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"left {name}"
    upstream.answer(model, openai_wire.answer("one ", Hang()))
    with host.sending(name, "/own", question(model), headers=logged_in(host, name)) as reading:
        reading.until(b"one ")
    upstream.closed(model)
    assert host.wait_for_end(model) == ["cancelled", "reader_left"]


@pytest.mark.parametrize("name", NAMES)
def test_a_generator_can_read_the_session_but_not_change_it(host: MountedHost, upstream: Upstream, name: str) -> None:
    upstream.answer("read", openai_wire.answer("ok"))
    headers = logged_in(host, name)
    assert host.send(name, "/own", question("read"), headers=headers).is_done
    # A second time: the first has left neither a context nor a stream behind.
    for _ in range(2):
        answer = host.send(name, "/from_session", headers=headers)
        assert (answer.text, answer.is_done) == ("openai/read ", True)
        assert host.send(name, "/asked", method="GET", headers=headers).json == ["openai/read"]
    assert host.send(name, "/from_session", method="HEAD", headers=headers).status == 200
    host.wait_until(lambda: host.send(name, "/healthz", method="GET").json["streams"] == 0)


@pytest.mark.parametrize("wrapper", ["map", "chain", "generator", "expression", "twice", "class"])
def test_so_can_one_with_another_iterator_around_it(host: MountedHost, upstream: Upstream, wrapper: str) -> None:
    upstream.answer("read", openai_wire.answer("ok"))
    headers = logged_in(host, "redis")
    assert host.send("redis", "/own", question("read"), headers=headers).is_done
    answer = host.send("redis", f"/from_session?wrapped={wrapper}", headers=headers)
    assert (answer.text, answer.is_done) == ("openai/read ", True)
