"""A real browser on the real page; a test fails if the page broke its policy or wrote an error."""

import pytest

from tests.conftest import require
from tests.page.gateway import Gateway
from tests.page.rendering import begin, violations
from tests.page.screen import MODEL
from tests.support.shop_pages import shop, visit  # noqa: F401  # fixtures
from tests.support.wheel import programs, wheel  # noqa: F401  # fixtures

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_itemcollected(item):
    if "browser" in item.fixturenames:
        item.add_marker(pytest.mark.slow)


# Not for the whole session: while Playwright runs, it has this thread's asyncio loop, and nobody else may start one.
@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    chromium = require("chromium", "apt-get install chromium")
    # The first answer of a service waits for its SDK: on a busy machine for longer than Playwright's own five seconds.
    sync_api.expect.set_options(timeout=30_000)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open pages at an address, each in a context of its own; none may break its policy or write an error."""
    contexts, complaints = [], []

    def listen(page):
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    def open_at(url, prepare=None):
        context = browser.new_context(viewport={"width": 1100, "height": 700}, base_url=url)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.on("page", listen)
        page = context.new_page()
        if prepare:
            prepare(page)
        page.goto("/")
        # The service imports an SDK when it is asked for the first time.
        page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=60_000)
        return page

    yield open_at
    for context in contexts:
        context.close()
    # The browser itself writes a line for each status of 400 and more, and for each connection that fails.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


@pytest.fixture
def page(open_page, service):
    return open_page(service.url)


@pytest.fixture
def asked(upstream):
    """Count the requests that the model gets in this test."""
    before = len(upstream.requests(MODEL))
    return lambda: len(upstream.requests(MODEL)) - before


@pytest.fixture
def gateway(service):
    with Gateway(service.port) as gateway:
        yield gateway


@pytest.fixture
def answer(page):
    """A page with an empty answer, of which the test renders what it wants; nothing may break the page's policy."""
    begin(page)
    yield page
    assert violations(page) == []
