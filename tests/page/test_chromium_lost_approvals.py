"""Decisions about tools that do not count, in a real browser: used before, too late, or lost on their way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page.screen import ask, last, store_turns, stored_turns
from tests.page.tool_desk import REFUNDED, Desk, ask_for_refund, button, status

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
def page(open_page: Any, desk: Desk) -> Any:
    desk.start_afresh()
    return open_page(desk.url)


def test_an_approval_that_was_used_before_says_so_and_the_conversation_goes_on(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["Here it is."], ["I see that it is done."])
    turns = stored_turns(page)
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_contain_text("Here it is.")
    store_turns(page, turns)
    other = page.context.new_page()  # as on a machine that has not heard of the approval
    other.goto(page.url)
    button(other, "Approve refund").click()
    alert = last(other, "failed").get_by_role("alert")
    expect(alert).to_contain_text("was used before")
    expect(other.locator("[data-part=flow]")).to_contain_text("I can.")
    expect(status(other, "refund")).to_have_text("Failed")
    alert.get_by_role("button", name="Retry").click()
    expect(last(other, "done")).to_contain_text("I see that it is done.")
    assert desk.runs() == [REFUNDED]
    assert "was used before" in desk.messages()[-1]["content"]


def test_an_approval_that_comes_too_late_says_so_and_a_further_question_can_be_asked(
    open_page: Any, tmp_path: Path
) -> None:
    with Desk(tmp_path, HEADRACE_APPROVAL_TIMEOUT="1") as desk:
        page = open_page(desk.url)
        ask_for_refund(page, desk, ["Ask me again."])
        page.wait_for_timeout(2100)  # the signature's clock counts whole seconds
        button(page, "Approve refund").click()
        expect(last(page, "failed").get_by_role("alert")).to_contain_text("was asked for more than 1 s ago")
        expect(page.locator("[data-part=flow]")).to_contain_text("I can.")
        ask(page, "And now?")
        expect(last(page, "done")).to_contain_text("Ask me again.")
        assert [message["role"] for message in desk.messages()] == ["user", "assistant", "tool", "user"]
        assert desk.runs() == []


def test_a_decision_that_does_not_arrive_can_be_sent_once_more(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["You have it."])
    page.route("**/api/chat", lambda route: route.abort())
    button(page, "Approve refund").click()
    expect(page.locator(".lost")).to_be_visible()
    page.reload()
    expect(status(page, "refund")).to_have_text("Running")
    page.unroute("**/api/chat")
    expect(last(page, "done")).to_contain_text("You have it.")
    assert desk.runs() == [REFUNDED]
