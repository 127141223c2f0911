"""The chat page of an application with `authorize`: a visitor who is not let in gets the application's own answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.reader import Answer, send
from tests.support.service import Service

HOST = """
from flask import Flask, Response, abort, redirect, request
from flask_headrace import Forbidden, Headrace, LimitError, Unauthorized

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False


def raise_(error):
    raise error


class Expelled(Forbidden):
    pass


WAYS = {
    "abort": lambda: abort(401, "Log in <first>."),
    "forbidden": lambda: abort(403),
    "teapot": lambda: abort(418, "Short and stout."),
    "busy": lambda: abort(429, "Not so fast.", retry_after=7),
    "response": lambda: abort(Response("<h1>Go away</h1>", 403, {"X-Mill": "stands still"})),
    "login": lambda: abort(redirect("/login?next=/assistant/")),
    "ours": lambda: raise_(Unauthorized("No <session>.")),
    "limit": lambda: raise_(LimitError("Come later.", retry_after=6.2)),
    "odd status": lambda: raise_(odd()),
    "own handler": lambda: raise_(Expelled("You are out.")),
    "bug": lambda: {}["no such key"],
}


def odd():
    error = LimitError("Full.")
    error.status = 529
    return error


def owner_of_this_request():
    how = request.headers.get("X-How")
    return WAYS[how]() if how else "alice"


Headrace(app, url_prefix="/assistant", authorize=owner_of_this_request)


@app.errorhandler(401)
def show_login(error):
    return f"<form>{error.get_description()}</form>", 401, {"X-Page": "login"}


@app.errorhandler(Expelled)
def show_expelled(error):
    return f"<p>{error.message}</p>", 403, {"X-Page": "expelled"}


@app.get("/healthz")
def health():
    return "ok"
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST) as running:
        yield running


def visit(host: Service, how: str = "", method: str = "GET", **headers: str) -> Answer:
    sent = {"Accept": "text/html", **({"X-How": how} if how else {}), **headers}
    return send(f"{host.url}/assistant/", method=method, headers=sent)


class TestARefusedVisitor:
    def test_gets_the_applications_own_page_for_the_status(self, host: Host) -> None:
        answer = visit(host, "abort")
        assert (answer.status, answer.headers["x-page"]) == (401, "login")
        assert answer.body.decode() == "<form><p>Log in &lt;first&gt;.</p></form>"

    @pytest.mark.parametrize(
        ("how", "status", "shown"),
        [
            ("forbidden", 403, "permission to access"),
            ("teapot", 418, "Short and stout."),
            ("busy", 429, "Not so fast."),
            ("response", 403, "<h1>Go away</h1>"),
            ("limit", 503, "Come later."),
            ("odd status", 529, "Full."),
        ],
    )
    def test_gets_the_abort_as_a_browser_shows_it(self, host: Host, how: str, status: int, shown: str) -> None:
        answer = visit(host, how)
        assert (answer.status, shown in answer.body.decode()) == (status, True)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "asks for a key" not in answer.body.decode()

    def test_gets_the_headers_of_the_abort(self, host: Host) -> None:
        assert visit(host, "busy").headers["retry-after"] == "7"
        assert visit(host, "response").headers["x-mill"] == "stands still"
        assert visit(host, "limit").headers["retry-after"] == "7"

    def test_is_led_to_the_login(self, host: Host) -> None:
        answer = visit(host, "login")
        assert (answer.status, answer.headers["location"]) == (302, "/login?next=/assistant/")

    def test_by_an_error_of_this_package_gets_the_applications_page_too(self, host: Host) -> None:
        answer = visit(host, "ours")
        assert (answer.status, answer.headers["x-page"]) == (401, "login")
        assert answer.body.decode() == "<form><p>No &lt;session&gt;.</p></form>"

    def test_by_an_error_that_the_application_handles_itself_gets_its_answer(self, host: Host) -> None:
        answer = visit(host, "own handler")
        assert (answer.status, answer.headers["x-page"], answer.body) == (403, "expelled", b"<p>You are out.</p>")

    def test_by_a_bug_gets_the_applications_500(self, host: Host) -> None:
        answer = visit(host, "bug")
        assert (answer.status, b"Internal Server Error" in answer.body) == (500, True)
        assert "no such key" in host.log()

    def test_is_refused_whatever_his_browser_has_of_the_page(self, host: Host) -> None:
        tag = visit(host).headers["etag"]
        for headers in ({"If-None-Match": tag}, {"If-None-Match": "*"}, {"Cache-Control": "no-cache"}):
            assert visit(host, "abort", **headers).status == 401
            assert visit(host, "login", **headers).status == 302
        head = visit(host, "abort", "HEAD")
        assert (head.status, head.headers["x-page"], head.body) == (401, "login", b"")

    @pytest.mark.parametrize("how", ["abort", "login", "ours"])
    def test_may_have_the_pages_files(self, host: Host, how: str) -> None:
        answer = send(f"{host.url}/assistant/headrace-static/chat/main.js", method="GET", headers={"X-How": how})
        assert answer.status == 200


class TestAVisitorWhoIsLetIn:
    def test_sees_the_page(self, host: Host) -> None:
        answer = visit(host)
        assert (answer.status, b'data-api="/assistant/api"' in answer.body) == (200, True)
        assert b"asks for a key" not in answer.body

    def test_loads_it_once_as_long_as_it_stays_the_same(self, host: Host) -> None:
        head, page = visit(host, method="HEAD"), visit(host)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["etag"] == page.headers["etag"]
        again = visit(host, **{"If-None-Match": page.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["cache-control"] == "no-cache"
        assert visit(host, **{"If-None-Match": '"another"'}).status == 200


def test_with_keys_everybody_sees_the_page_which_then_asks_for_one(service_with_keys: Service) -> None:
    answer = send(service_with_keys.url + "/", method="GET")
    assert (answer.status, b"asks for a key" in answer.body) == (200, True)
    assert send(service_with_keys.url + "/", method="HEAD").status == 200
    tag = answer.headers["etag"]
    assert send(service_with_keys.url + "/", method="GET", headers={"If-None-Match": tag}).status == 304


@pytest.fixture
def service_with_keys() -> Iterator[Service]:
    with Service(HEADRACE_API_KEYS="secret") as running:
        yield running
