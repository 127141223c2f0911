"""An `abort` of an application's `authorize` becomes an error in the form of each protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.reader import QUESTION, Answer, send

HOST = """
from flask import Flask, Response, abort, redirect, request
from flask_headrace import Headrace
from werkzeug.datastructures import WWWAuthenticate

app = Flask(__name__)
app.config["HEADRACE_EMBEDDED"] = False

ABORTS = {
    "plain": lambda: abort(401),
    "described": lambda: abort(403, "Alice may not ask here."),
    "challenge": lambda: abort(401, "Log in.", www_authenticate=WWWAuthenticate("basic", {"realm": "mill"})),
    "busy": lambda: abort(429, "Not so fast.", retry_after=7),
    "response": lambda: abort(Response("Go away.", 418, {"X-Mill": "stands still"}, mimetype="text/plain")),
    "page": lambda: abort(Response("<h1>No</h1>", 403)),
    "login": lambda: abort(redirect("/login?next=/assistant/")),
    "answer": lambda: abort(Response("as it is", 200)),
}


def owner_of_this_request():
    if how := request.headers.get("X-How"):
        ABORTS[how]()
    return "alice"


Headrace(app, url_prefix="/assistant", authorize=owner_of_this_request)


@app.errorhandler(401)
def lead_to_login(error):
    return redirect("/login")


@app.before_request
def look():
    if request.headers.get("X-Before"):
        abort(403, "Not at this hour.")


@app.get("/healthz")
def health():
    return "ok"
"""

ASKED: dict[str, tuple[str, str, Any]] = {
    "native": ("POST", "/api/chat", {"messages": QUESTION}),
    "models": ("GET", "/api/models", None),
    "stream": ("GET", "/api/streams/0123456789abcdef", None),
    "openai": ("POST", "/v1/chat/completions", {"messages": QUESTION}),
    "openai models": ("GET", "/v1/models", None),
    "responses": ("POST", "/v1/responses", {"input": "hi"}),
    "anthropic": ("POST", "/v1/messages", {"messages": QUESTION, "max_tokens": 1}),
    "ai sdk": ("POST", "/ai/chat", {"id": "a", "messages": []}),
    "ai text": ("POST", "/ai/text", {"prompt": "hi"}),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST) as running:
        yield running


def aborted(host: Host, protocol: str, how: str) -> Answer:
    method, path, body = ASKED[protocol]
    return send(host.url + "/assistant" + path, body, method=method, headers={"X-How": how})


def error_of(protocol: str, answer: Answer) -> tuple[str, str]:
    """Return the type of an error in its protocol, and its message."""
    if protocol.startswith("ai "):
        assert answer.headers["content-type"].startswith("text/plain")
        return "", answer.body.decode()
    error = answer.error
    if protocol == "anthropic":
        assert answer.json["type"] == "error"
        return error["type"], error["message"]
    return error["type"] if protocol in {"openai", "openai models", "responses"} else error["code"], error["message"]


KINDS = {
    "native": ("unauthorized", "forbidden", "rate_limited"),
    "openai": ("authentication_error", "permission_error", "rate_limit_error"),
    "ai sdk": ("", "", ""),
}
KINDS |= {"models": KINDS["native"], "stream": KINDS["native"], "openai models": KINDS["openai"]}
KINDS |= {"responses": KINDS["openai"], "anthropic": KINDS["openai"], "ai text": KINDS["ai sdk"]}


@pytest.mark.parametrize("protocol", ASKED)
class TestAnAbort:
    def test_keeps_its_status_and_is_a_refusal_of_the_protocol(self, host: Host, protocol: str) -> None:
        answer = aborted(host, protocol, "plain")
        assert answer.status == 401
        assert error_of(protocol, answer)[0] == KINDS[protocol][0]
        assert "authorized" in error_of(protocol, answer)[1]

    def test_keeps_its_description(self, host: Host, protocol: str) -> None:
        answer = aborted(host, protocol, "described")
        assert (answer.status, error_of(protocol, answer)) == (
            403,
            (KINDS[protocol][1], "Alice may not ask here."),
        )

    def test_keeps_its_headers(self, host: Host, protocol: str) -> None:
        challenged, busy = aborted(host, protocol, "challenge"), aborted(host, protocol, "busy")
        assert challenged.headers["www-authenticate"] == "Basic realm=mill"
        assert (busy.status, busy.headers["retry-after"]) == (429, "7")
        assert error_of(protocol, busy) == (KINDS[protocol][2], "Not so fast.")
        assert ("x-should-retry" in challenged.headers, "x-should-retry" in busy.headers) == (True, False)

    def test_with_a_response_keeps_what_can_be_said_of_it(self, host: Host, protocol: str) -> None:
        answer, page = aborted(host, protocol, "response"), aborted(host, protocol, "page")
        assert (answer.status, answer.headers["x-mill"], error_of(protocol, answer)[1]) == (
            418,
            "stands still",
            "Go away.",
        )
        assert (page.status, error_of(protocol, page)[1]) == (403, "Forbidden")

    def test_that_leads_to_a_login_is_a_401(self, host: Host, protocol: str) -> None:
        answer = aborted(host, protocol, "login")
        assert (answer.status, "location" in answer.headers) == (401, False)
        assert "/login?next=/assistant/" in error_of(protocol, answer)[1]

    def test_before_the_request_is_one_too(self, host: Host, protocol: str) -> None:
        method, path, body = ASKED[protocol]
        answer = send(host.url + "/assistant" + path, body, method=method, headers={"X-Before": "1"})
        assert (answer.status, error_of(protocol, answer)) == (403, (KINDS[protocol][1], "Not at this hour."))


def test_an_abort_that_is_an_answer_stays_one(host: Host) -> None:
    answer = aborted(host, "native", "answer")
    assert (answer.status, answer.body) == (200, b"as it is")
