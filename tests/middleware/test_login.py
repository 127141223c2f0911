"""Flask-Login: `authorize` by the current user, `login_required` views, and the cookies that it refreshes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, send
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
from flask import abort, session
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user

OWNERS = []


class User(UserMixin):
    def __init__(self, id):
        self.id = id


def mount_with_login(name, authorize, **options):
    application = mount(name, url_prefix="/assistant", authorize=authorize, **options)
    application.config.update(SECRET_KEY="secret", REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    manager = LoginManager(application)
    manager.user_loader(lambda id: User(int(id)))
    stream_ended.connect(lambda app, stream: OWNERS.append([stream.model, stream.owner]), application, False)

    @application.post("/login/<int:id>")
    def login(id):
        login_user(User(id), remember=True)
        return "welcome"

    @application.post("/own")
    @login_required
    def own():
        session["questions"] = session.get("questions", 0) + 1
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    @application.post("/own_as_number")
    @login_required
    def own_as_number():
        return application.headrace.stream(request.json["messages"], model=request.json["model"], owner=current_user.id)

    @application.post("/source_as_number")
    def source_as_number():
        return application.headrace.stream_from(["a"], owner=current_user.id)

    @application.get("/questions")
    def questions():
        return jsonify(session.get("questions"))

    return manager


def owner():
    return current_user.get_id() or abort(401)


mount_with_login("login", owner)
mount_with_login("late", owner, hold_request=False)
mount_with_login("redirecting", owner).login_view = "questions"
mount_with_login("careless", lambda: current_user.get_id())
mount_with_login("numbers", lambda: current_user.id)


@app.get("/owners")
def owners():
    return jsonify(OWNERS)
"""

HELD_AND_LATE = pytest.mark.parametrize("name", ["login", "late"])


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("login"), CODE, upstream) as running:
        yield running


def cookies_of(response: HTTPResponse) -> dict[str, str]:
    cookies = response.headers.get_all("Set-Cookie") or []
    return dict(cookie.partition(";")[0].split("=", 1) for cookie in cookies)


def as_user(host: MountedHost, name: str, id: int = 1) -> dict[str, str]:  # noqa: A002
    """Return the headers of a user who has logged in."""
    with host.sending(name, f"/login/{id}") as reading:
        cookies = cookies_of(reading.response())
    assert set(cookies) == {"session", "remember_token"}
    return {"Cookie": "; ".join("=".join(each) for each in cookies.items()), "Content-Type": "application/json"}


def question(model: str, **fields: object) -> bytes:
    return json.dumps({"model": f"openai/{model}", "messages": QUESTION, **fields}).encode()


@pytest.mark.parametrize("name", ["login", "late", "redirecting"])
def test_a_visitor_gets_what_authorize_and_the_login_say(host: MountedHost, upstream: Upstream, name: str) -> None:
    refused = host.send(name, "/assistant/api/chat", question("visitor"))
    assert (refused.status, refused.error["code"]) == (401, "unauthorized")
    own = host.send(name, "/own", question("visitor"))
    assert own.status == (302 if name == "redirecting" else 401)
    assert own.headers["content-type"] == "text/html; charset=utf-8"
    assert upstream.requests("visitor") == []


@HELD_AND_LATE
@pytest.mark.parametrize("path", ["/assistant/api/chat", "/own"])
def test_a_user_gets_a_stream_with_fresh_cookies(host: MountedHost, upstream: Upstream, name: str, path: str) -> None:
    model = f"user {name} {path[1:4]}"
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
    headers = as_user(host, name)
    with host.sending(name, path, question(model), headers=headers) as reading:
        cookies = cookies_of(reading.response())
        reading.until(b"one ")
        upstream.open_gate(model)
        reading.until(b"[DONE]")
    assert cookies["remember_token"]
    if path == "/own":
        assert host.send(name, "/questions", method="GET", headers=headers).json is None  # the old cookie
        fresh = {"Cookie": f"session={cookies['session']}"}
        assert host.send(name, "/questions", method="GET", headers=fresh).json == 1
    else:
        host.wait_until(lambda: [f"openai/{model}", "1"] in send(host.url + "/owners", method="GET").json)


@HELD_AND_LATE
def test_a_remembered_user_needs_no_session(host: MountedHost, upstream: Upstream, name: str) -> None:
    upstream.answer("remembered", openai_wire.answer("one"))
    remembered = {"Cookie": as_user(host, name)["Cookie"].partition("; ")[0], "Content-Type": "application/json"}
    assert remembered["Cookie"].startswith("remember_token=")
    with host.sending(name, "/own", question("remembered"), headers=remembered) as reading:
        assert set(cookies_of(reading.response())) == {"session", "remember_token"}
        reading.until(b"[DONE]")


@HELD_AND_LATE
@pytest.mark.parametrize("fields", [{"stream": False}, {}])
def test_refusals_and_whole_answers_have_the_cookies_too(
    host: MountedHost, upstream: Upstream, name: str, fields: dict[str, bool]
) -> None:
    upstream.answer("whole", openai_wire.answer("all of it"))
    upstream.answer("busy", openai_wire.error(429))
    for model, status in (("whole", 200), ("busy", 429), ("nobody/x", 404)):
        body = question(model, **fields).replace(b"openai/nobody", b"nobody")
        with host.sending(name, "/own", body, headers=as_user(host, name)) as reading:
            response = reading.response()
            assert response.status == status
            assert set(cookies_of(response)) == {"session", "remember_token"}


def test_a_user_who_leaves_stops_the_model(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("left", openai_wire.answer("one ", Hang()))
    with host.sending("login", "/own", question("left"), headers=as_user(host, "login")) as reading:
        reading.until(b"one ")
    upstream.closed("left")
    assert host.wait_for_end("left") == ["cancelled", "reader_left"]


def test_a_resumable_stream_is_its_users_own(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("mine", openai_wire.answer("one ", Gate("mine"), "two"))
    alice, bob = as_user(host, "login", 1), as_user(host, "login", 2)
    with host.sending("login", "/own", question("mine", resumable=True), headers=alice) as reading:
        path = f"/assistant/api/streams/{reading.response().headers['Headrace-Stream-Id']}"
        reading.until(b"one ")
    assert host.send("login", path, method="DELETE", headers=bob).status == 404
    assert host.send("login", path, method="GET", headers={}).status == 401
    upstream.open_gate("mine")
    answer = host.send("login", path, method="GET", headers=alice)
    assert b'"one "' in answer.body
    assert b"[DONE]" in answer.body


def test_an_authorize_that_returns_no_owner_lets_nobody_in(host: MountedHost, upstream: Upstream) -> None:
    upstream.answer("careless", openai_wire.answer("for members"))
    assert host.send("careless", "/assistant/api/chat", question("careless")).status == 500
    assert "authorize returned None, of type NoneType: " in host.log()
    assert upstream.requests("careless") == []
    headers = as_user(host, "careless")
    assert host.send("careless", "/assistant/api/chat", question("careless"), headers=headers).text == "for members"


@pytest.mark.parametrize("path", ["/assistant/api/chat", "/own_as_number", "/source_as_number"])
def test_an_owner_that_is_no_text_is_refused(host: MountedHost, path: str) -> None:
    before = len(host.log())
    assert host.send("numbers", path, question("numbers"), headers=as_user(host, "numbers", 7)).status == 500
    what = "authorize returned" if path.startswith("/assistant") else "owner is"
    assert f"TypeError: {what} 7, of type int: an owner is the id of a user as a str, such as" in host.log()[before:]
