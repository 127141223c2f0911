"""Extensions that set headers on every response: Flask-Talisman and flask-cors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
from flask import session
from flask_cors import CORS
from flask_talisman import Talisman


def with_views(application):
    application.config.update(SECRET_KEY="secret")

    @application.post("/own")
    def own():
        session["asked"] = True
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    return application


TALISMAN = {"talisman": {}, "late_talisman": {"hold_request": False}, "strict": {}}
for name, options in TALISMAN.items():
    application = with_views(mount(name, **options))
    talisman = Talisman(application)
    if name == "strict":
        views = application.view_functions
        views["headrace_page.chat"] = talisman(content_security_policy=None)(views["headrace_page.chat"])
        views["headrace_ops.healthz"] = talisman(force_https=False)(views["headrace_ops.healthz"])

SITES = {"HEADRACE_CORS_ORIGINS": "https://app.example", "HEADRACE_EMBEDDED": False}
for name, config in {"cors": {}, "both": SITES, "both_late": SITES, "both_reversed": SITES}.items():
    application = Flask(name)
    application.config.update(config, HEADRACE_EMBEDDED=False)
    if name == "both_reversed":
        CORS(application, origins=["https://app.example"], supports_credentials=True)
    application.headrace = Headrace(application, hold_request=name != "both_late")
    if name != "both_reversed":
        CORS(application, origins=["https://app.example"], supports_credentials=True)
    MOUNTED["/" + name] = with_views(application)
"""

HTTPS = {"X-Forwarded-Proto": "https", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("headers"), CODE, upstream) as running:
        yield running


def question(model: str, **fields: object) -> dict[str, object]:
    return {"model": f"openai/{model}", "messages": QUESTION, **fields}


class TestFlaskTalisman:
    @pytest.mark.parametrize("path", ["/api/chat", "/own", "/v1/chat/completions"])
    def test_redirects_what_came_without_tls(self, host: MountedHost, upstream: Upstream, path: str) -> None:
        redirect = host.send("talisman", path, question("plain"))
        assert redirect.status == 302
        assert redirect.headers["location"].startswith("https://")
        assert upstream.requests("plain") == []
        assert host.send("talisman", "/readyz", method="GET").status == 302
        assert host.send("strict", "/healthz", method="GET").status == 200

    @pytest.mark.parametrize("name", ["talisman", "late_talisman"])
    def test_adds_its_headers_to_streams_answers_and_refusals(
        self, host: MountedHost, upstream: Upstream, name: str
    ) -> None:
        upstream.answer("fine", openai_wire.answer("one ", Gate(name), "two"))
        upstream.answer("whole", openai_wire.answer("one"))
        upstream.answer("busy", openai_wire.error(429))
        with host.sending(name, "/own", question("fine"), headers=HTTPS) as reading:
            response = reading.response()
            reading.until(b"one ")
            upstream.open_gate(name)
            reading.until(b"[DONE]")
            assert "Secure; HttpOnly; Path=/; SameSite=Lax" in response.headers["Set-Cookie"]
            heads = [dict(response.headers)]
        others = (question("whole", stream=False), question("busy"))
        heads += [host.send(name, "/api/chat", fields, headers=HTTPS).headers for fields in others]
        for head in heads:
            lowered = {key.lower(): value for key, value in head.items()}
            assert lowered["x-frame-options"] == "SAMEORIGIN"
            assert "max-age=" in lowered["strict-transport-security"]
            assert lowered["content-security-policy"] == "default-src 'self'; object-src 'none'"

    def test_stops_the_model_of_a_reader_who_leaves(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("left", openai_wire.answer("one ", Hang()))
        with host.sending("talisman", "/own", question("left"), headers=HTTPS) as reading:
            reading.until(b"one ")
        upstream.closed("left")

    def test_replaces_the_pages_policy_by_its_own_or_leaves_it(self, host: MountedHost) -> None:
        replaced = host.send("talisman", "/", method="GET", headers=HTTPS)
        assert replaced.headers["content-security-policy"] == "default-src 'self'; object-src 'none'"
        left = host.send("strict", "/", method="GET", headers=HTTPS)
        assert left.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert left.headers["x-frame-options"] == "SAMEORIGIN"
        assert b'<script type="module"' in replaced.body


APP = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}


class TestFlaskCors:
    @pytest.mark.parametrize("name", ["both", "both_late", "both_reversed"])
    def test_sets_each_header_once(self, host: MountedHost, upstream: Upstream, name: str) -> None:
        upstream.answer("fine", openai_wire.answer("one ", "two"))
        upstream.answer("busy", openai_wire.error(429))
        for path in ("/api/chat", "/own", "/v1/chat/completions"):
            for body in (question("fine"), question("fine", stream=False), question("busy"), {"messages": "none"}):
                with host.sending(name, path, body, headers=APP) as reading:
                    response = reading.response()
                    allowed = response.headers.get_all("Access-Control-Allow-Origin")
                    assert allowed == ["https://app.example"], (path, body)
                    assert len(response.headers.get_all("Vary") or []) <= 1
                    response.read()

    @pytest.mark.parametrize("name", ["cors", "both", "both_late", "both_reversed"])
    @pytest.mark.parametrize("path", ["/api/chat", "/own"])
    def test_answers_preflights_once(self, host: MountedHost, name: str, path: str) -> None:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        with host.sending(name, path, method="OPTIONS", headers={**APP, **asked}) as reading:
            headers = reading.response().headers
            assert headers.get_all("Access-Control-Allow-Origin") == ["https://app.example"]
            assert headers.get_all("Access-Control-Allow-Headers") == ["content-type"]
            assert "POST" in headers["Access-Control-Allow-Methods"]

    def test_of_the_application_alone_opens_its_own_views_and_none_of_ours(
        self, host: MountedHost, upstream: Upstream
    ) -> None:
        upstream.answer("alone", openai_wire.answer("one"))
        refused = host.send("cors", "/api/chat", question("alone"), headers=APP)
        assert (refused.status, refused.error["code"]) == (403, "forbidden")
        assert "HEADRACE_CORS_ORIGINS" in refused.error["message"]
        assert refused.headers["access-control-allow-origin"] == "https://app.example"  # a script can read why
        assert upstream.requests("alone") == []
        assert host.send("cors", "/own", question("alone"), headers=APP).text == "one"
