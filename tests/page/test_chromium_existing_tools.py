"""The tools of the support chat of `examples/existing_app`, from the wheel: looked up, agreed to, declined."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.support.shop import Shop
from tests.support.shop_pages import WHERE_ONE_WORKER_SHOWS_IT, Opened, ask, status_of
from tests.support.upstream import Gate, ToolCall, Upstream, openai_wire
from tests.support.upstream.steps import Script

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect


class Orders:
    """The orders in the shop's database, and how often one was changed."""

    def __init__(self, shop: Shop) -> None:
        self._path = shop.folder / "instance/shop.db"
        self._run(
            "create table if not exists changes (id integer)",
            "create trigger if not exists changed after update on 'order' begin insert into changes values (1); end",
            "update 'order' set status = 'being packed' where id = 2",
            "delete from changes",
        )

    def _run(self, *statements: str) -> list[Any]:
        with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
            return [database.execute(statement).fetchall() for statement in statements][-1]

    def state(self) -> tuple[str, int]:
        """Return the status of order 2, and how often orders were changed."""
        ((status,),) = self._run("select status from 'order' where id = 2")
        ((changes,),) = self._run("select count(*) from changes")
        return status, changes

    def conversation(self, chat: str) -> list[dict[str, Any]]:
        """Return the messages of a conversation."""
        rows = self._run(f"select message from turn where chat = '{chat}' order by id")  # a UUID
        return [json.loads(message) for (message,) in rows]


PACKED, CANCELLED = ("being packed", 0), ("cancelled", 1)


@pytest.fixture
def orders(shop: Shop) -> Orders:
    return Orders(shop)


def calling(*calls: tuple[str, str, int], text: str = "") -> Script:
    """Return an answer that calls tools: the id of each call, its name, and the number of its order."""
    pieces = [ToolCall(call_id, name, ('{"order_id":', f" {order}}}")) for call_id, name, order in calls]
    return openai_wire.answer(*([text] if text else []), *pieces, finish="tool_calls")


def ask_to_cancel(page: Any, upstream: Upstream, orders: Orders, *then: Script) -> None:
    """Ask for a cancellation, and wait for the buttons; then the model answers with further scripts."""
    upstream.answer("shop", [calling(("c1", "cancel_order", 2), text="I can."), *then])
    ask(page, "Please cancel order 2.")
    expect(button(page, "Yes")).to_be_visible()
    wait_for_turns(page, upstream, orders, ["user", "assistant"])


def wait_for_turns(page: Any, upstream: Upstream, orders: Orders, expected: list[str]) -> None:
    """Wait until the conversation in the database has messages of these roles: it gets them after the answer's end."""
    upstream.wait_for(lambda: roles(orders.conversation(chat_of(page))) == expected or None)


def button(page: Any, text: str, order: int = 2) -> Any:
    return page.get_by_role("button", name=f"{text}: Cancel order {order}")


def texts(page: Any) -> Any:
    """Return the runs of text of all answers that are not empty."""
    return page.locator("#turns .assistant .prose:not(:empty)")


def results(page: Any) -> Any:
    return page.locator("#turns .tool details")


def chat_of(page: Any) -> str:
    return str(page.locator("#ask").get_attribute("action")).rsplit("/", 1)[1]


def roles(messages: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in messages]


def test_an_order_is_looked_up_and_the_conversation_goes_on(visit: Opened, upstream: Upstream, orders: Orders) -> None:
    page = visit("ann")
    said = openai_wire.answer("It is being packed.")
    upstream.answer("shop", [calling(("c1", "order_status", 2), text="Let me look."), said])
    ask(page, "Where is my order 2?")
    for _ in range(2):
        expect(texts(page)).to_have_text(["Let me look.", "It is being packed."])
        expect(results(page).locator("summary")).to_have_text("Look up order 2")
        expect(results(page).locator("pre")).to_be_hidden()
        results(page).locator("summary").click()
        expect(results(page).locator("pre")).to_contain_text('"status":"being packed"')
        expect(page.locator("#turns .assistant")).to_have_count(1)
        page.reload()
    upstream.answer("shop", openai_wire.answer("Tomorrow."))
    ask(page, "When does it leave?")
    expect(texts(page)).to_have_text(["Let me look.", "It is being packed.", "Tomorrow."])
    told = upstream.requests("shop")[-1].body["messages"][1:]
    assert roles(told) == ["user", "assistant", "tool", "assistant", "user"]
    assert '"Hand mill"' in told[2]["content"]
    wait_for_turns(page, upstream, orders, [*roles(told), "assistant"])


def test_an_order_is_cancelled_once_after_the_customer_has_agreed(
    visit: Opened, upstream: Upstream, orders: Orders
) -> None:
    page = visit("ann")
    ask_to_cancel(page, upstream, orders, openai_wire.answer("It is cancelled."))
    assert orders.state() == PACKED
    button(page, "Yes").click()
    for _ in range(2):
        expect(texts(page)).to_have_text(["I can.", "It is cancelled."])
        expect(results(page).locator("pre")).to_have_text('{"status":"cancelled"}')
        expect(button(page, "Yes")).to_have_count(0)
        assert orders.state() == CANCELLED
        page.reload()
    upstream.answer("shop", openai_wire.answer("You are welcome."))
    ask(page, "Thanks.")
    expect(texts(page)).to_have_text(["I can.", "It is cancelled.", "You are welcome."])
    told = upstream.requests("shop")[-1].body["messages"][1:]
    assert roles(told) == ["user", "assistant", "tool", "assistant", "user"]
    wait_for_turns(page, upstream, orders, [*roles(told), "assistant"])
    assert orders.state() == CANCELLED


def test_an_order_stays_if_the_customer_declines(visit: Opened, upstream: Upstream, orders: Orders) -> None:
    page = visit("ann")
    ask_to_cancel(page, upstream, orders, openai_wire.answer("It stays."))
    button(page, "No").click()
    for _ in range(2):
        expect(texts(page)).to_have_text(["I can.", "It stays."])
        expect(results(page).locator("pre")).to_have_text("The user has not approved the call.")
        page.reload()
    assert orders.state() == PACKED
    wait_for_turns(page, upstream, orders, ["user", "assistant", "tool", "assistant"])


def test_a_decision_waits_for_the_customer_over_reloads(
    visit: Opened, shop: Shop, upstream: Upstream, orders: Orders
) -> None:
    page = visit("ann")
    ask_to_cancel(page, upstream, orders, openai_wire.answer("It is ", Gate(f"decided {shop.port}"), "cancelled."))
    number = len(upstream.requests("shop"))
    path = f"/support/{chat_of(page)}"
    for _ in range(2):
        page.reload()
        expect(button(page, "Yes")).to_be_visible()
    page.goto("/help/")
    page.goto(path)
    expect(texts(page)).to_have_text(["I can."])
    assert (orders.state(), len(upstream.requests("shop"))) == (PACKED, number)
    button(page, "Yes").click()
    for _ in range(2):  # also in the middle of the answer to the decision
        expect(texts(page)).to_have_text(["I can.", "It is "])
        expect(button(page, "Yes")).to_be_hidden()
        assert orders.state() == CANCELLED
        page.reload()
    upstream.open_gate(f"decided {shop.port}")
    expect(texts(page)).to_have_text(["I can.", "It is cancelled."])
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    assert (orders.state(), len(upstream.requests("shop"))) == (CANCELLED, number + 1)
    page.reload()
    expect(texts(page)).to_have_text(["I can.", "It is cancelled."])


def test_another_customer_cannot_decide(visit: Opened, upstream: Upstream, orders: Orders) -> None:
    ann, ben = visit("ann"), visit("ben")
    ask_to_cancel(ann, upstream, orders, openai_wire.answer("It is cancelled."))
    number = len(upstream.requests("shop"))
    path = f"/support/{chat_of(ann)}"
    ben.goto(path)
    expect(ben.locator("#turns .tool")).to_have_count(0)
    headers = {
        "Content-Type": "application/json",
        "X-CSRFToken": ben.locator("#ask [name=csrf_token]").input_value(),
    }
    decision = {"headers": headers, "body": '{"decisions": {"c1": true}}'}
    for _ in range(4):  # whichever worker answers
        assert status_of(ben, path, "POST", **decision) == 409
    assert (orders.state(), len(upstream.requests("shop"))) == (PACKED, number)
    # Ben's own conversation of the same id has nothing of Ann's, and her turn is none that he could add.
    upstream.answer("shop", calling(("c1", "cancel_order", 2)))
    ask(ben, "Cancel order 2.")
    expect(button(ben, "Yes")).to_be_visible()
    upstream.wait_for(lambda: len(orders.conversation(chat_of(ben))) == 4 or None)  # Ann's, and Ben's
    upstream.answer("shop", openai_wire.answer("It is done."))
    button(ben, "Yes").click()
    expect(results(ben).locator("pre")).to_have_text("This customer has no order 2.")
    expect(texts(ben)).to_have_text("It is done.")
    assert orders.state() == PACKED
    button(ann, "Yes").click()
    expect(texts(ann)).to_have_text(["I can.", "It is done."])
    assert orders.state() == CANCELLED


@WHERE_ONE_WORKER_SHOWS_IT
def test_several_calls_go_on_together_after_the_last_decision(
    visit: Opened, upstream: Upstream, orders: Orders
) -> None:
    page = visit("ann")
    calls = calling(("c1", "order_status", 1), ("c2", "cancel_order", 1), ("c3", "cancel_order", 2))
    upstream.answer("shop", [calls, openai_wire.answer("One of them.")])
    ask(page, "Cancel all I have.")
    wait_for_turns(page, upstream, orders, ["user", "assistant", "tool"])
    button(page, "Yes", 2).click()
    expect(button(page, "Yes", 2)).to_have_count(0)
    assert orders.state() == PACKED
    button(page, "No", 1).click()
    expect(texts(page)).to_have_text("One of them.")
    expect(results(page)).to_have_count(3)
    assert orders.state() == CANCELLED
    told = upstream.requests("shop")[-1].body["messages"][1:]
    assert sorted(turn["tool_call_id"] for turn in told if turn["role"] == "tool") == ["c1", "c2", "c3"]


@WHERE_ONE_WORKER_SHOWS_IT
def test_a_question_in_place_of_a_decision_takes_the_buttons_away(
    visit: Opened, upstream: Upstream, orders: Orders
) -> None:
    page = visit("ann")
    ask_to_cancel(page, upstream, orders, openai_wire.answer("12 euros."))
    ask(page, "Wait, what was it?")
    for _ in range(2):
        expect(texts(page)).to_have_text(["I can.", "12 euros."])
        expect(button(page, "Yes")).to_be_hidden()
        page.reload()
    assert orders.state() == PACKED


@WHERE_ONE_WORKER_SHOWS_IT
def test_a_decision_of_a_second_tab_that_comes_too_late_is_refused(
    visit: Opened, upstream: Upstream, orders: Orders
) -> None:
    page = visit("ann")
    ask_to_cancel(page, upstream, orders, openai_wire.answer("It stays."))
    other = page.context.new_page()
    other.goto(f"/support/{chat_of(page)}")
    button(page, "No").click()
    expect(texts(page)).to_have_text(["I can.", "It stays."])
    button(other, "Yes").click()
    expect(other.locator("#turns > p")).to_contain_text("409")
    other.reload()
    expect(texts(other)).to_have_text(["I can.", "It stays."])
    assert orders.state() == PACKED


@WHERE_ONE_WORKER_SHOWS_IT
@pytest.mark.parametrize("width", [390, 1280])
def test_the_buttons_are_reached_with_the_keyboard(
    visit: Opened, upstream: Upstream, orders: Orders, width: int
) -> None:
    page = visit("ann")
    page.set_viewport_size({"width": width, "height": 800})
    ask_to_cancel(page, upstream, orders, openai_wire.answer("It is cancelled."))
    assert page.evaluate("() => document.scrollingElement.scrollWidth") == width
    page.get_by_label("Your question").focus()
    page.keyboard.press("Shift+Tab")
    expect(button(page, "No")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(button(page, "Yes")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(texts(page)).to_have_text(["I can.", "It is cancelled."])
    assert orders.state() == CANCELLED
