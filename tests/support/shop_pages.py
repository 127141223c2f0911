"""Pages of `examples/existing_app`, from the wheel: fixtures and steps for tests in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.shop import Shop
from tests.support.upstream import Upstream

WHERE_ONE_WORKER_SHOWS_IT = pytest.mark.parametrize("shop", [1], indirect=True, ids=["one worker"])


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def shop(
    request: pytest.FixtureRequest, programs: Path, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("existing")
    settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "OPENAI_API_KEY": "sk-test", "HEADRACE_MODEL": "openai/shop"}
    if request.param > 1:
        settings["HEADRACE_STORE"] = f"sqlite:///{folder}/streams.db"
    with Shop(folder / "shop", programs, workers=request.param, **settings) as running:
        yield running


Opened = Callable[..., Any]


@pytest.fixture
def visit(browser: Any, shop: Shop) -> Iterator[Opened]:
    """Open a page of the shop, as a customer who logs in there or as a visitor; no page may write an error."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_page(name: str | None = None, path: str = "/support/") -> Any:
        context = browser.new_context(base_url=shop.url, viewport={"width": 1280, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(path)
        if name is not None:
            page.get_by_label("E-mail address").fill(f"{name}@example.com")
            page.get_by_label("Password").fill(name)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(f"**{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    # The browser itself writes a line for each status of 400 and more.
    assert [text for text in complaints if "Failed to load resource" not in text] == []


def ask(page: Any, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask").click()


def answers(page: Any) -> Any:
    return page.locator("#turns .assistant")


def stream_of(page: Any) -> str:
    """Return the path of the stream that the page has asked for last."""
    script = "() => JSON.parse(sessionStorage.getItem(document.querySelector('#ask').action)).id"
    return f"/assistant/api/streams/{page.evaluate(script)}"


def status_of(page: Any, path: str, method: str = "GET", **options: Any) -> int:
    """Return the status that the page gets when it sends a request of its own."""
    script = "([path, options]) => fetch(path, options).then(({ status }) => status)"
    return int(page.evaluate(script, [path, {"method": method, "redirect": "manual", **options}]))
