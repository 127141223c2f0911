"""werkzeug's ProxyFix behind a TLS proxy, WhiteNoise, Flask-DebugToolbar, and a `before_request` that reads bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
from pathlib import Path

from flask_debugtoolbar import DebugToolbarExtension
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

Path("files").mkdir()
Path("files/robots.txt").write_text("User-agent: *")


def proxied(application):
    application.wsgi_app = ProxyFix(application.wsgi_app, x_for=1, x_proto=1, x_host=1, x_port=1, x_prefix=1)
    return application


def with_own_view(application):
    @application.post("/own")
    def own():
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    @application.get("/url")
    def url():
        return request.url

    return application


# The others are open to everybody, so they accept the names of this machine alone.
with_own_view(proxied(mount("proxied", url_prefix="/assistant", authorize=lambda: "alice")))
with_own_view(mount("bare", authorize=lambda: "alice"))
with_own_view(proxied(mount("open")))
with_own_view(mount("late_proxied", authorize=lambda: "alice", hold_request=False, wrap=lambda app: proxied(app)))

files = with_own_view(mount("files"))
files.wsgi_app = WhiteNoise(files.wsgi_app, root="files", prefix="files/")

before = Flask("files_before")
before.config.update(HEADRACE_EMBEDDED=False)
before.wsgi_app = WhiteNoise(before.wsgi_app, root="files", prefix="files/")
before.headrace = Headrace(before)
MOUNTED["/files_before"] = with_own_view(before)

for name, read in {"kept": lambda: request.get_data(), "taken": lambda: request.form}.items():
    mount(name).before_request(lambda read=read: (read(), None)[1])

debugged = with_own_view(mount("debugged"))
debugged.debug = True
debugged.config.update(SECRET_KEY="secret")
DebugToolbarExtension(debugged)


@debugged.get("/html")
def html():
    return "<!doctype html><html><body>own</body></html>"
"""


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("proxies"), CODE, upstream) as running:
        yield running


def question(model: str, **fields: object) -> dict[str, object]:
    return {"model": f"openai/{model}", "messages": QUESTION, **fields}


def streams(host: MountedHost, upstream: Upstream, name: str, path: str, headers: dict[str, str] | None = None) -> None:
    """Check a stream token by token, a whole answer, a refusal, and a reader who leaves."""
    model = f"{name}{path}"
    headers = {"Content-Type": "application/json", **(headers or {})}
    upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
    with host.sending(name, path, question(model), headers=headers) as reading:
        assert reading.response().status == 200
        reading.until(b"one ")
        upstream.open_gate(model)
        reading.until(b"[DONE]")
    assert host.send(name, path, question(model, stream=False), headers=headers).json["text"] == "one two"
    upstream.answer("busy", openai_wire.error(429))
    assert host.send(name, path, question("busy"), headers=headers).status == 429
    upstream.answer(model + " left", openai_wire.answer("one ", Hang()))
    with host.sending(name, path, question(model + " left"), headers=headers) as reading:
        reading.until(b"one ")
    upstream.closed(model + " left")


PROXY = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example"}
"""What a proxy adds that ends TLS and sends the request on under a name of its own."""


class TestProxyFix:
    @pytest.mark.parametrize("name", ["proxied", "late_proxied"])
    @pytest.mark.parametrize("path", ["/api/chat", "/own"])
    def test_leaves_streams_as_they_are(self, host: MountedHost, upstream: Upstream, name: str, path: str) -> None:
        prefix = "/assistant" if (name, path) == ("proxied", "/api/chat") else ""
        streams(host, upstream, name, prefix + path, {**PROXY, "Origin": "https://chat.example"})

    @pytest.mark.parametrize(
        ("forwarded", "origin"),
        [
            ({}, "https://chat.example"),
            ({"X-Forwarded-Host": "chat.example:443"}, "https://chat.example"),
            ({"X-Forwarded-Host": "chat.example:8443"}, "https://chat.example:8443"),
            ({"X-Forwarded-Port": "8443"}, "https://chat.example:8443"),
            ({"X-Forwarded-Port": "443"}, "https://chat.example"),
            ({"X-Forwarded-Host": "CHAT.example"}, "https://chat.example"),
            ({"X-Forwarded-Proto": "http", "X-Forwarded-Host": "chat.example:80"}, "http://chat.example"),
        ],
    )
    def test_lets_its_own_pages_in(
        self, host: MountedHost, upstream: Upstream, forwarded: dict[str, str], origin: str
    ) -> None:
        """An old browser sends `Origin` alone."""
        upstream.answer("own page", openai_wire.answer("one"))
        headers = {**PROXY, **forwarded, "Origin": origin}
        answer = host.send("proxied", "/assistant/api/chat", question("own page"), headers=headers)
        assert answer.status == 200, answer.body

    @pytest.mark.parametrize("origin", ["https://evil.example", "https://chat.example.evil", "https://chat.example:1"])
    def test_keeps_other_pages_out(self, host: MountedHost, origin: str) -> None:
        answer = host.send("proxied", "/assistant/api/chat", question("x"), headers={**PROXY, "Origin": origin})
        assert (answer.status, answer.error["code"]) == (403, "forbidden")

    def test_is_not_needed_for_browsers_that_say_whether_a_page_is_of_the_same_site(
        self, host: MountedHost, upstream: Upstream
    ) -> None:
        upstream.answer("bare", openai_wire.answer("one"))
        headers = {**PROXY, "Origin": "https://chat.example"}
        assert host.send("bare", "/api/chat", question("bare"), headers=headers).status == 403
        headers["Sec-Fetch-Site"] = "same-origin"
        assert host.send("bare", "/api/chat", question("bare"), headers=headers).text == "one"

    def test_shows_an_open_application_the_public_name(self, host: MountedHost) -> None:
        refused = host.send("open", "/api/chat", question("x"), headers=PROXY)
        assert (refused.status, refused.error["code"]) == (403, "forbidden")
        assert "'chat.example' is not trusted" in refused.error["message"]

    def test_moves_the_page_below_the_proxys_prefix(self, host: MountedHost) -> None:
        page = host.send("proxied", "/assistant/", method="GET", headers={**PROXY, "X-Forwarded-Prefix": "/chat"})
        assert b'data-api="/chat/assistant/api"' in page.body
        assert b'src="/chat/assistant/headrace-static/chat/main.js"' in page.body


class TestABodyThatTheApplicationReadsBefore:
    """`curl -d` sends JSON as a form, so that `request.form` takes the whole body."""

    FORM: ClassVar = {"Content-Type": "application/x-www-form-urlencoded"}

    def test_is_there_if_it_was_kept(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("kept", openai_wire.answer("one"))
        assert host.send("kept", "/api/chat", question("kept"), headers=self.FORM).text == "one"

    def test_is_missed_with_a_sentence_if_not(self, host: MountedHost) -> None:
        refused = host.send("taken", "/api/chat", question("taken"), headers=self.FORM)
        assert (refused.status, refused.error["code"]) == (400, "invalid_request")
        assert "was read before it came here: a before_request function" in refused.error["message"]
        assert "request.get_data()" in refused.error["message"]


class TestWhiteNoise:
    @pytest.mark.parametrize("name", ["files", "files_before"])
    def test_serves_its_files_and_leaves_streams_as_they_are(
        self, host: MountedHost, upstream: Upstream, name: str
    ) -> None:
        assert host.send(name, "/files/robots.txt", method="GET").body == b"User-agent: *"
        for path in ("/api/chat", "/own"):
            streams(host, upstream, name, path)
        assert host.send(name, "/headrace-static/chat/main.js", method="GET").status == 200


class TestFlaskDebugToolbar:
    def test_is_in_html_and_leaves_streams_as_they_are(self, host: MountedHost, upstream: Upstream) -> None:
        assert b"flDebug" in host.send("debugged", "/html", method="GET").body
        for path in ("/api/chat", "/own"):
            streams(host, upstream, "debugged", path)

    def test_leaves_the_page_its_policy(self, host: MountedHost) -> None:
        page = host.send("debugged", "/", method="GET")
        assert page.status == 200
        assert b"headrace-static/chat/main.js" in page.body
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert int(page.headers["content-length"]) == len(page.body)
