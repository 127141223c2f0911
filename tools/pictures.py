"""The pictures of the chat page in docs/, taken anew: the page as it is, and what the embedded model says that day.

    .venv/bin/python -m tools.pictures

Knows what the pictures show. Needs Chromium and the embedded model.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.page.conftest import FLAGS
from tests.page.screen import ask, last
from tests.support.service import ROOT, Service

DOCS = ROOT / "docs"
PATIENCE = 60_000
"""Milliseconds that the embedded model may take for an answer."""


def take(docs: Path = DOCS) -> None:
    """Write page.png and structured.png into `docs`."""
    with Service(HEADRACE_EMBEDDED="1") as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        chat(opened(browser, service.url, 1280, 720), docs / "page.png")
        structured(opened(browser, service.url, 900, 680), docs / "structured.png")
        browser.close()


def opened(browser: Browser, url: str, width: int, height: int) -> Page:
    """Open the page at this size and wait until it knows its models."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(url)
    page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=PATIENCE)
    return page


def chat(page: Page, file: Path) -> None:
    """Take a picture of two answers."""
    for question in (
        "What does a water wheel do? Answer in one sentence.",
        "Write a Python function that adds two numbers. Only the code.",
    ):
        ask(page, question)
        last(page, "done").wait_for(timeout=PATIENCE)
    page.screenshot(path=file)


def structured(page: Page, file: Path) -> None:
    """Take a picture of a recipe that is half filled in."""
    page.get_by_role("button", name="Structured").click()
    page.get_by_role("button", name="Recipe", exact=True).click()
    page.get_by_role("button", name="Close").click()
    ask(page, "How do I bake bread?")
    page.locator(".form li").nth(1).wait_for(timeout=PATIENCE)
    page.screenshot(path=file)


if __name__ == "__main__":
    take()
