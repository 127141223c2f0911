"""The page as an application that a real browser would install, also with a name and colours that a host sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.host import Host

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

HOST = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__, static_folder="own-static", static_url_path="/static")
app.config["HEADRACE_EMBEDDED"] = False
Headrace(app, url_prefix="/assistant", page={
    "greeting": "Was mahlt?", "examples": ["Warum?", "<b>Wie?"], "features": ["export"], "logo": "/static/icon.svg",
    "title": "Mühle", "icon": "/static/icon.svg", "stylesheet": "/static/own.css", "language": "de",
})


@app.get("/healthz")
def health():
    return "ok"
"""
ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder: Path = tmp_path_factory.mktemp("mill")
    static = folder / "own-static"
    static.mkdir()
    (static / "own.css").write_text(":root { --mill: 1 }\nh1 { color: rgb(1, 2, 3) }\n")
    (static / "icon.svg").write_text(ICON)
    with Host(folder, HOST) as running:
        yield running


def manifest_of(page: Any) -> tuple[dict[str, Any], list[Any], set[str]]:
    """Return the manifest as the browser has it, the errors in it, and what keeps the page from being installed."""
    session = page.context.new_cdp_session(page)
    found = session.send("Page.getAppManifest")
    obstacles = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    return json.loads(found["data"]), found["errors"], {error["errorId"] for error in obstacles}


def test_the_service_can_be_installed(page: Any) -> None:
    manifest, errors, obstacles = manifest_of(page)
    assert errors == []
    assert obstacles <= {"in-incognito"}  # as each context of a test is
    assert manifest["name"] == "Headrace"


def test_a_host_has_a_page_of_its_own_looks_that_can_be_installed(browser: Any, mill: Host) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(mill.url + "/assistant/")
    manifest, errors, obstacles = manifest_of(page)
    assert (errors, manifest["scope"], manifest["lang"]) == ([], "/assistant/", "de")
    assert obstacles <= {"in-incognito"}
    assert page.title() == "Mühle"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    expect(page.locator("#empty h2")).to_have_text("Was mahlt?")
    assert page.locator("#suggestions button").all_text_contents() == ["Warum?", "<b>Wie?"]
    assert page.locator("img.logo").evaluate("image => image.naturalWidth > 0")
    for feature in ("structured", "models"):
        expect(page.locator(f"[data-feature={feature}]")).to_be_hidden()
    assert [text for text in complaints if "Content Security Policy" in text] == []
    page.close()
