"""A page of an application's own, in a real browser: it imports this package's modules under a policy of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import Reasoning, Upstream, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

ROOT = Path(__file__).resolve().parents[2]

HOST = """
from flask import Flask, abort, request
from flask_headrace import Headrace

app = Flask(__name__, static_folder="own-static", static_url_path="/static")
app.config["HEADRACE_EMBEDDED"] = False


def owner_of_this_request():
    return request.cookies.get("user") or abort(401)


Headrace(app, url_prefix="/assistant", page=False, authorize=owner_of_this_request)
PAGE = '''<!doctype html><meta charset="utf-8"><title>Mill</title><link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/assistant/headrace-static/css/prose.css">
<div id="answer" class="prose"></div><script type="module" src="/static/ask.js"></script>'''


@app.get("/")
def index():
    return PAGE


@app.after_request
def protect(response):
    policy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'"
    response.headers["Content-Security-Policy"] = policy
    return response


@app.get("/healthz")
def health():
    return "ok"
"""


def documented_module() -> str:
    (module,) = re.findall(r"^```js\n(.*?)^```", (ROOT / "docs/flask.md").read_text(), re.MULTILINE | re.DOTALL)
    return str(module)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    (folder / "own-static").mkdir()
    (folder / "own-static/icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "own-static/ask.js").write_text(documented_module())
    resumable = documented_module().replace("JSON.stringify({", "JSON.stringify({ resumable: true,")
    (folder / "own-static/resumable.js").write_text(resumable)
    (folder / "own-static/__init__.py").touch()
    with Host(folder, HOST, OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_MODEL="openai/own-page") as running:
        yield running


@pytest.fixture
def visitor(browser: Any, host: Host) -> Iterator[Any]:
    context = browser.new_context(base_url=host.url)
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert complaints == []


def let_in(page: Any, host: Host) -> None:
    page.context.add_cookies([{"name": "user", "value": "ann", "url": host.url}])


@pytest.mark.parametrize("module", ["ask.js", "resumable.js"])
def test_the_documented_module_shows_an_answer(visitor: Any, host: Host, upstream: Upstream, module: str) -> None:
    upstream.answer("own-page", openai_wire.answer(Reasoning("Hm."), "A **mi", "ll** <b>grinds</b>.\n\n- corn"))
    let_in(visitor, host)
    visitor.route("**/static/ask.js", lambda route: route.continue_(url=f"{host.url}/static/{module}"))
    visitor.goto("/")
    expect(visitor.locator("#answer li")).to_have_text("corn")
    expect(visitor.locator("#answer p").first).to_have_text("A mill <b>grinds</b>.")
    expect(visitor.locator("#answer strong")).to_have_text("mill")


def test_its_modules_need_no_login_and_there_is_no_chat_page(host: Host) -> None:
    base = f"{host.url}/assistant/"
    for name in ("network/stream.js", "markdown/markdown.js", "css/prose.css"):
        file = send(f"{base}headrace-static/{name}", method="GET")
        assert (file.status, file.headers["x-content-type-options"]) == (200, "nosniff")
        tag = file.headers["etag"]
        assert send(f"{base}headrace-static/{name}", method="GET", headers={"If-None-Match": tag}).status == 304
    assert send(base, method="GET").status == 404
    assert send(f"{base}headrace-static/../../hosting.py", method="GET").status == 404
    assert send(f"{base}api/models", method="GET").status == 401


def test_every_file_that_the_page_of_flask_names_is_served(host: Host) -> None:
    table = re.findall(r"^\| (`[\w./-]+\.(?:js|css)`.*?) \|", (ROOT / "docs/flask.md").read_text(), re.MULTILINE)
    names = [name for row in table for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) >= 8
    for name in names:
        assert send(f"{host.url}/assistant/headrace-static/{name}", method="GET").status == 200, name
