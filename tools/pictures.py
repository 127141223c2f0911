"""Take the screenshots of the chat page in docs/ again: answers of the embedded model, and scripted calls of tools.

    .venv/bin/python -m tools.pictures

Needs Chromium and the embedded model.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.conftest import FLAGS
from tests.page.screen import ask, last
from tests.page.tool_desk import Desk
from tests.support.service import ROOT, Service

DOCS = ROOT / "docs"
MODEL_TIMEOUT_MS = 60_000
"""Milliseconds to wait for an answer of the embedded model."""


def take(docs: Path = DOCS) -> None:
    """Write page.png, structured.png and tools.png into `docs`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        with Service(HEADRACE_EMBEDDED="1") as service:
            chat(open_page(browser, service.url, 1280, 720), docs / "page.png")
            structured(open_page(browser, service.url, 900, 680), docs / "structured.png")
        take_tools(browser, docs)
        browser.close()


def take_tools(browser: Browser, docs: Path) -> None:
    """Write tools.png into `docs`."""
    with tempfile.TemporaryDirectory() as folder, Desk(Path(folder)) as desk:
        tools(open_page(browser, desk.url, 900, 780), desk, docs / "tools.png")


def open_page(browser: Browser, url: str, width: int, height: int) -> Page:
    """Open the page at this size in pixels and wait until it has its list of models."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(url)
    page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=MODEL_TIMEOUT_MS)
    return page


def chat(page: Page, file: Path) -> None:
    """Save a screenshot of two answers to `file`."""
    for question in (
        "What does a water wheel do? Answer in one sentence.",
        "Write a Python function that adds two numbers. Only the code.",
    ):
        ask(page, question)
        last(page, "done").wait_for(timeout=MODEL_TIMEOUT_MS)
    page.screenshot(path=file)


def structured(page: Page, file: Path) -> None:
    """Save a screenshot of a recipe that is half filled in to `file`."""
    page.get_by_role("button", name="Structured").click()
    page.get_by_role("button", name="Recipe", exact=True).click()
    page.get_by_role("button", name="Close").click()
    ask(page, "How do I bake bread?")
    page.locator(".form li").nth(1).wait_for(timeout=MODEL_TIMEOUT_MS)
    page.screenshot(path=file)


def tools(page: Page, desk: Desk, file: Path) -> None:
    """Save a screenshot of an answer that waits for an approval to `file`."""
    desk.script(
        ["Let me look.", ["ToolCall", "c1", "order_status", {"order_id": 7}]],
        [
            "Your order was sent, but it is late. I can give you half of your money back.",
            ["ToolCall", "c2", "refund", {"order_id": 7, "amount": 19.5}],
        ],
    )
    ask(page, "Where is my order 7? I have waited for weeks.")
    last(page, "undecided").wait_for()
    page.get_by_text("Result").click()
    page.get_by_role("group", name="Approval needed: refund").focus()
    page.screenshot(path=file)


if __name__ == "__main__":
    take()
