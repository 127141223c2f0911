"""Flask-WTF's `CSRFProtect` and Flask-SeaSurf: the extension's endpoints need no token, an application's own do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION, Reading
from tests.support.upstream import Gate, Upstream, openai_wire

CODE = """
from flask_seasurf import SeaSurf
from flask_wtf.csrf import CSRFProtect, generate_csrf

SHARED_CSRF, SHARED_HEADRACE = CSRFProtect(), Headrace(url_prefix="/assistant")


def create(name, *extensions):
    application = Flask(name)
    application.config.update(SECRET_KEY="secret", HEADRACE_EMBEDDED=False, SESSION_COOKIE_NAME="visit")
    for extension in extensions:
        extension.init_app(application)
    headrace = next(extension for extension in extensions if isinstance(extension, Headrace))
    surf = next((extension for extension in extensions if isinstance(extension, SeaSurf)), None)

    @application.post("/own")
    def own():
        return headrace.stream(request.json["messages"], model=request.json["model"], resumable=True)

    @application.post("/form")
    def form():
        return "sent"

    @application.get("/token")
    def token():
        return surf._get_token() if surf else generate_csrf()

    @application.get("/rules")
    def rules():
        changing = {"POST", "PUT", "PATCH", "DELETE"}
        return jsonify([
            [method, rule.rule, rule.endpoint]
            for rule in application.url_map.iter_rules() for method in sorted(rule.methods & changing)
        ])

    MOUNTED["/" + name] = application


create("before", CSRFProtect(), Headrace(url_prefix="/assistant"))
create("after", Headrace(url_prefix="/assistant"), CSRFProtect())
create("shared", SHARED_CSRF, SHARED_HEADRACE)
create("shared_again", SHARED_HEADRACE, SHARED_CSRF)

by_hand = CSRFProtect()
create("by_hand", by_hand, Headrace(url_prefix="/assistant"))
MOUNTED["/by_hand"].config["WTF_CSRF_CHECK_DEFAULT"] = False
MOUNTED["/by_hand"].before_request(lambda: by_hand.protect(apply_exemptions=True))

create("surf_before", SeaSurf(), Headrace(url_prefix="/assistant"))
create("surf_after", Headrace(url_prefix="/assistant"), SeaSurf())
"""
FLASK_WTF = ("before", "after", "shared", "shared_again", "by_hand")
NAMES = (*FLASK_WTF, "surf_before", "surf_after")


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("csrf"), CODE, upstream) as running:
        yield running


def question(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": f"openai/{model}", "messages": QUESTION, **fields}


def from_page(host: MountedHost) -> dict[str, str]:
    return {"Origin": host.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}


@pytest.mark.parametrize("name", NAMES)
def test_programs_and_the_page_need_no_token(host: MountedHost, upstream: Upstream, name: str) -> None:
    upstream.answer("free", openai_wire.answer("one ", Gate(name), "two"))
    with Reading(f"{host.url}/{name}/assistant/api/chat", question("free"), headers=from_page(host)) as reading:
        reading.until(b"one ")  # it is streamed
        upstream.open_gate(name)
        reading.until(b"[DONE]")
    whole = host.send(name, "/assistant/v1/chat/completions", question("free"))  # as a program
    assert whole.status == 200, whole.body
    refused = host.send(name, "/assistant/api/chat", {"messages": "none"})
    assert (refused.status, refused.error["code"]) == (400, "invalid_request")


CROSS_SITE = (
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "same-site"},
)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_another_site_reaches_no_endpoint_that_is_exempt(host: MountedHost, name: str) -> None:
    rules = [rule for rule in host.send(name, "/rules", method="GET").json if rule[2].startswith("headrace_")]
    assert len(rules) >= 12
    for method, path, _ in rules:
        for headers in CROSS_SITE:
            answer = host.send(name, path.replace("<", "").replace(">", ""), {}, method=method, headers=headers)
            assert answer.status == 403, (method, path, headers, answer.body)
            assert b"A page of " in answer.body


@pytest.mark.parametrize("name", NAMES)
def test_views_of_the_application_keep_its_rule(host: MountedHost, upstream: Upstream, name: str) -> None:
    model = f"own {name}"
    upstream.answer(model, openai_wire.answer("one ", "two"))
    refused = [host.send(name, path, question(model), headers=from_page(host)) for path in ("/own", "/form")]
    status = 400 if name in FLASK_WTF else 403
    assert [(each.status, each.headers["content-type"]) for each in refused] == [
        (status, "text/html; charset=utf-8"),
        (status, "text/html; charset=utf-8"),
    ]
    assert upstream.requests(model) == []
    assert host.send(name, "/own", question(model), headers=with_token(host, name)).text == "one two"


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_of_such_a_view_is_stopped_without_a_token(host: MountedHost, upstream: Upstream, name: str) -> None:
    upstream.answer(f"stop {name}", openai_wire.answer("one ", Gate("never"), "two"))
    with Reading(f"{host.url}/{name}/own", question(f"stop {name}"), headers=with_token(host, name)) as reading:
        path = f"/assistant/api/streams/{reading.response().headers['Headrace-Stream-Id']}"
        reading.until(b"one ")
        assert host.send(name, path, method="DELETE", headers=from_page(host)).status == 204
        reading.until(b"event: cancelled")


def with_token(host: MountedHost, name: str) -> dict[str, str]:
    """Return the headers of a script of the application's own page, which has read the token from the page."""
    with Reading(f"{host.url}/{name}/token", method="GET") as reading:
        response = reading.response()
        cookies = "; ".join(cookie.partition(";")[0] for cookie in response.headers.get_all("Set-Cookie") or [])
        page_token = response.read().decode()
    return {**from_page(host), "X-CSRFToken": page_token, "Cookie": cookies}
