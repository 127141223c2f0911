"""A real browser on the real page; a test fails if the page broke its policy or wrote an error."""

import pytest

from tests.conftest import require

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


# Not for the whole session: while Playwright runs, it has this thread's asyncio loop, and nobody else may start one.
@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    chromium = require("chromium", "apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, service):
    context = browser.new_context(viewport={"width": 1100, "height": 700}, base_url=service.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto("/")
    # The service imports an SDK when it is asked for the first time.
    page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=20_000)
    yield page
    context.close()
    # The browser itself writes a line for each status of 400 and more.
    assert [text for text in complaints if "Failed to load resource" not in text] == []
