"""A web site that lets its own name point to this machine, in a real browser: to it, the two are one site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import require
from tests.page.conftest import FLAGS
from tests.support.reader import send
from tests.support.service import Service
from tests.support.upstream import Upstream, openai_wire

pytestmark = pytest.mark.slow

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

READ = "path => fetch(path).then(async answer => [answer.status, await answer.text()])"


@pytest.fixture(scope="module")
def misled() -> Iterator[Any]:
    """Give a page of a browser for which evil.example is this machine."""
    chromium = require("chromium", "apt-get install chromium")
    flags = [*FLAGS, "--host-resolver-rules=MAP *.example 127.0.0.1"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="module")
def paths(service: Service, upstream: Upstream) -> list[str]:
    """Give what there is to be read, with a stream that is known."""
    upstream.answer("known", openai_wire.answer("a secret"))
    question = {"messages": [{"role": "user", "content": "?"}], "model": "openai/known", "resumable": True}
    known = send(service.url + "/api/chat", question).headers["headrace-stream-id"]
    files = ["/", "/headrace-static/chat/main.js", "/openapi.json", "/metrics", "/api/models", "/v1/models"]
    return [*files, f"/api/streams/{known}"]


def test_reads_nothing_under_its_own_name(misled: Any, service: Service, paths: list[str]) -> None:
    shown = misled.goto(f"http://evil.example:{service.port}/")
    assert shown.status == 403
    assert "HEADRACE_TRUSTED_HOSTS" in misled.content()
    for path in paths:
        status, text = misled.evaluate(READ, path)
        assert (path, status) == (path, 403)
        assert "secret" not in text
        assert "headrace_" not in text
    assert misled.evaluate(READ, "/healthz")[0] == 200


def test_reads_what_others_may_under_this_machines(misled: Any, service: Service, paths: list[str]) -> None:
    misled.goto(f"{service.url}/healthz")
    read = {path: misled.evaluate(READ, path) for path in paths}
    assert {status for status, _ in read.values()} == {200}
    assert "a secret" in "".join(text for _, text in read.values())


def test_is_let_in_under_a_name_that_is_set(misled: Any, upstream: Upstream) -> None:
    with Service(OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_TRUSTED_HOSTS="mill.example") as own:
        assert misled.goto(f"http://mill.example:{own.port}/").status == 200
        assert misled.evaluate(READ, "/api/models")[0] == 200
