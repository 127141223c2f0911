"""Flask-SQLAlchemy: how long a stream holds the view's connection to the database, with a pool of one connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, send
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
import logging
from pathlib import Path

import gevent
from flask import stream_with_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

logging.basicConfig()
DATABASES = {}


def mount_with_database(name, **options):
    application = mount(name, **options)
    pool = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.2}
    application.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{Path(f'{name}.db').resolve()}")
    application.config.update(SQLALCHEMY_ENGINE_OPTIONS=pool)
    db = DATABASES[name] = SQLAlchemy(application)

    class Mill(db.Model):
        id = db.mapped_column(db.Integer, primary_key=True)
        name = db.mapped_column(db.String)

    with application.app_context():
        db.create_all()
        db.session.add_all([Mill(name="Sale"), Mill(name="Barrage")])
        db.session.commit()

    def names():
        return db.session.scalars(select(Mill.name)).all()

    @application.get("/names")
    def all_names():
        return jsonify(names())

    @application.post("/own")
    def own():
        names()
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    @application.post("/released")
    def released():
        names()
        db.session.close()
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    def rows(hangs=False):
        for row in db.session.scalars(select(Mill.name).order_by(Mill.id)):
            yield row + " "
            if hangs:
                gevent.sleep(60)

    def rows_in_application_context(hangs):
        with application.app_context():
            yield from rows(hangs)

    @application.post("/with_app_context")
    def with_app_context():
        names()
        db.session.close()  # the generator needs a connection while the view waits for its first piece
        return application.headrace.stream_from(rows_in_application_context("hangs" in request.args))

    @application.post("/with_request_context")
    def with_request_context():
        names()
        return application.headrace.stream_from(stream_with_context(rows("hangs" in request.args)))

    @application.post("/without_context")
    def without_context():
        names()
        return application.headrace.stream_from(rows())


mount_with_database("held")
mount_with_database("late", hold_request=False)


@app.get("/connections/<name>")
def connections(name):
    with MOUNTED["/" + name].app_context():
        return jsonify(DATABASES[name].engine.pool.checkedout())
"""

STREAMS = 20


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("database"), CODE, upstream, HEADRACE_HEARTBEAT="1") as running:
        yield running


@pytest.fixture(autouse=True)
def every_connection_is_given_back(host: MountedHost) -> Iterator[None]:
    yield
    for name in ("held", "late"):
        host.wait_until(lambda name=name: checked_out(host, name) == 0)


def checked_out(host: MountedHost, name: str) -> int:
    return send(f"{host.url}/connections/{name}", method="GET").json


def question(model: str, **fields: object) -> dict[str, object]:
    return {"model": f"openai/{model}", "messages": QUESTION, **fields}


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("name", ["held", "late"])
def test_streams_that_have_begun_hold_no_connection(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"begun {name}"
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
    with contextlib.ExitStack() as open_streams:
        readings = []
        for _ in range(STREAMS):
            readings.append(open_streams.enter_context(host.sending(name, "/own", question(model), headers=JSON)))
            readings[-1].until(b"one ")
        assert host.send(name, "/healthz", method="GET").json["streams"] == STREAMS
        assert checked_out(host, name) == 0
        assert host.send(name, "/names", method="GET").json == ["Sale", "Barrage"]
        upstream.open_gate(model)
        for reading in readings:
            reading.until(b"[DONE]")


def test_a_view_that_waits_for_the_first_token_holds_its_connection(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("waiting", openai_wire.answer(Gate("waiting"), "one"))
    with host.sending("held", "/own", question("waiting"), headers=JSON) as reading:
        upstream.wait_for(lambda: upstream.requests("waiting"))
        assert checked_out(host, "held") == 1
        assert host.send("held", "/names", method="GET").status == 500  # the pool's time limit
        host.wait_until(lambda: checked_out(host, "held") == 0)  # the first heartbeat has ended the request
        assert host.send("held", "/names", method="GET").status == 200
        upstream.open_gate("waiting")
        reading.until(b"[DONE]")


@pytest.mark.parametrize(("name", "path"), [("held", "/released"), ("late", "/own")])
def test_a_view_that_closes_its_session_or_does_not_wait_holds_none(
    host: MountedHost, upstream: Upstream, name: str, path: str
) -> None:
    model = f"silent {name}"
    upstream.answer(model, openai_wire.answer(Gate(model), "one"))
    with host.sending(name, path, question(model), headers=JSON) as reading:
        upstream.wait_for(lambda: upstream.requests(model))
        assert checked_out(host, name) == 0
        assert host.send(name, "/names", method="GET").json == ["Sale", "Barrage"]
        upstream.open_gate(model)
        reading.until(b"[DONE]")


def test_a_whole_answer_holds_it_to_its_end(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("whole", openai_wire.answer("one ", Gate("whole"), "two"))
    with host.sending("held", "/own", question("whole", stream=False), headers=JSON) as reading:
        upstream.wait_for(lambda: [each for each in upstream.requests("whole") if each.at_gate])
        assert checked_out(host, "held") == 1
        upstream.open_gate("whole")
        assert reading.response().status == 200
        assert checked_out(host, "held") == 0


@pytest.mark.parametrize("name", ["held", "late"])
def test_refusals_and_readers_who_leave_give_it_back(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"left {name}"
    upstream.answer("busy", openai_wire.error(429))
    upstream.answer(model, openai_wire.answer(Hang()))
    for _ in range(3):
        assert host.send(name, "/own", question("busy"), headers=JSON).status == 429
    with host.sending(name, "/own", question(model), headers=JSON):
        upstream.wait_for(lambda: upstream.requests(model))
    upstream.closed(model)
    host.wait_until(lambda: checked_out(host, name) == 0)
    assert host.send(name, "/names", method="GET").status == 200


@pytest.mark.parametrize("name", ["held", "late"])
@pytest.mark.parametrize("path", ["/with_app_context", "/with_request_context"])
def test_a_generator_in_a_context_uses_the_database(host: MountedHost, name: str, path: str) -> None:
    for _ in range(3):
        answer = host.send(name, path)
        assert (answer.text, answer.is_done) == ("Sale Barrage ", True), host.log()
        host.wait_until(lambda: checked_out(host, name) == 0)


@pytest.mark.parametrize("name", ["held", "late"])
@pytest.mark.parametrize("path", ["/with_app_context", "/with_request_context"])
def test_a_generator_gives_its_connection_back_when_the_reader_leaves(host: MountedHost, name: str, path: str) -> None:
    with host.sending(name, path + "?hangs=1") as reading:
        reading.until(b"Sale")
        assert checked_out(host, name) == 1
    host.wait_until(lambda: checked_out(host, name) == 0)
    host.wait_until(lambda: host.send(name, "/healthz", method="GET").json["streams"] == 0)
    assert host.send(name, "/names", method="GET").json == ["Sale", "Barrage"]


def test_a_generator_without_one_fails_with_flasks_sentence_in_the_log(host: MountedHost) -> None:
    assert host.send("held", "/without_context").error["code"] == "internal"
    assert "Working outside of application context" in host.log()
