"""The support chat of `examples/existing_app`, from the wheel: two customers in a real browser, one and two workers."""

from __future__ import annotations

import pytest

from tests.support.reader import send
from tests.support.shop import Shop
from tests.support.shop_pages import WHERE_ONE_WORKER_SHOWS_IT, Opened, answers, ask, status_of, stream_of
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

WIDTHS = (390, 1280)


@WHERE_ONE_WORKER_SHOWS_IT
def test_a_visitor_is_sent_to_the_login_and_comes_back_from_there(visit: Opened, shop: Shop) -> None:
    page = visit()
    expect(page.get_by_role("heading")).to_have_text("Log in")
    assert send(shop.url + "/assistant/api/streams/0123456789abcdef", method="GET").status == 401
    assert send(shop.url + "/assistant/api/chat", {"messages": []}).status == 404
    expect(visit("ann").get_by_role("heading")).to_have_text("Support")


def test_an_answer_is_shown_token_by_token_and_knows_the_customers_orders(
    visit: Opened, shop: Shop, upstream: Upstream
) -> None:
    upstream.answer(
        "shop",
        openai_wire.answer(
            "Your **hand ", Gate(f"first {shop.port}"), "mill** is ", Gate(f"second {shop.port}"), "packed."
        ),
    )
    page = visit("ann")
    ask(page, "When do you dress millstones?")
    expect(answers(page)).to_have_text("Your hand ")
    upstream.open_gate(f"first {shop.port}")
    expect(answers(page)).to_have_text("Your hand mill is ")
    upstream.open_gate(f"second {shop.port}")
    expect(answers(page)).to_have_text("Your hand mill is packed.")
    expect(answers(page).locator("strong")).to_have_text("hand mill")
    system, question = upstream.requests("shop")[-1].body["messages"]
    assert question["content"] == "When do you dress millstones?"
    for told, is_there in {
        "every two years": True,
        "Hand mill": True,
        "buckwheat": False,
        "three months": False,
    }.items():
        assert (told in system["content"]) is is_there


def test_a_reload_in_mid_answer_goes_on_and_a_later_one_shows_what_was_kept(
    visit: Opened, shop: Shop, upstream: Upstream
) -> None:
    number = len(upstream.requests("shop"))
    upstream.answer("shop", openai_wire.answer("In a ", Gate(f"reloaded {shop.port}"), "cool place."))
    page = visit("ann")
    ask(page, "How do I store flour?")
    expect(answers(page)).to_have_text("In a ")
    for _ in range(2):
        page.reload()
        expect(answers(page)).to_have_text("In a ")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    upstream.open_gate(f"reloaded {shop.port}")
    expect(answers(page)).to_have_text("In a cool place.")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    assert len(upstream.requests("shop")) == number + 1

    upstream.answer("shop", openai_wire.answer("For three months."))
    ask(page, "For how long?")
    expect(answers(page)).to_have_text(["In a cool place.", "For three months."])
    page.reload()
    expect(answers(page)).to_have_text(["In a cool place.", "For three months."])
    expect(page.locator("#turns .user")).to_have_text(["How do I store flour?", "For how long?"])
    told = [turn["content"] for turn in upstream.requests("shop")[-1].body["messages"][1:]]
    assert told == ["How do I store flour?", "In a cool place.", "For how long?"]
    page.goto("/support/")
    page.get_by_text("Your conversations").click()
    page.get_by_role("link", name="How do I store flour?").first.click()
    expect(answers(page)).to_have_text(["In a cool place.", "For three months."])


def test_a_reload_before_the_first_token_asks_the_model_once(visit: Opened, shop: Shop, upstream: Upstream) -> None:
    number = len(upstream.requests("shop"))
    upstream.answer("shop", openai_wire.answer(Gate(f"early {shop.port}"), "Two ", "years."))
    page = visit("ann")
    ask(page, "How often are stones dressed?")
    upstream.wait_for(lambda: len(upstream.requests("shop")) > number or None)
    page.reload()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    upstream.open_gate(f"early {shop.port}")
    expect(answers(page)).to_have_text("Two years.")
    assert len(upstream.requests("shop")) == number + 1
    page.reload()
    expect(answers(page)).to_have_text("Two years.")
    expect(page.locator("#turns .user")).to_have_text("How often are stones dressed?")


def test_stop_stops_the_model_and_what_was_said_is_kept(visit: Opened, upstream: Upstream) -> None:
    number = len(upstream.requests("shop"))
    upstream.answer("shop", openai_wire.answer("Stones are ", Gate("never"), "dressed."))
    page = visit("ann")
    ask(page, "What about stones?")
    expect(answers(page)).to_have_text("Stones are ")
    page.reload()
    expect(answers(page)).to_have_text("Stones are ")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#turns > p")).to_have_text("Stopped.")
    assert upstream.ended("shop", number).ended is Ended.ABORTED
    page.reload()
    expect(answers(page)).to_have_text("Stones are")
    expect(page.locator("#turns > p")).to_have_text("Stopped.")


def test_stop_while_the_model_is_silent(visit: Opened, upstream: Upstream) -> None:
    number = len(upstream.requests("shop"))
    upstream.answer("shop", openai_wire.answer(Gate("silent"), "Never."))
    page = visit("ben")
    ask(page, "Are you there?")
    upstream.wait_for(lambda: len(upstream.requests("shop")) > number or None)
    expect(answers(page)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#turns > p")).to_have_text("Stopped.")
    expect(answers(page)).to_be_hidden()
    assert upstream.ended("shop", number).ended is Ended.ABORTED


def test_another_customer_neither_sees_nor_follows_nor_stops_a_conversation(
    visit: Opened, shop: Shop, upstream: Upstream
) -> None:
    upstream.answer("shop", openai_wire.answer("Order 2 is ", Gate(f"tried {shop.port}"), "being packed."))
    ann, ben = visit("ann"), visit("ben")
    ask(ann, "Where is my secret order?")
    expect(answers(ann)).to_have_text("Order 2 is ")
    stream = stream_of(ann)
    assert status_of(ann, stream, "HEAD") == 200
    for _ in range(4):  # whichever worker has the stream, and the other
        assert status_of(ben, stream) == 404
        assert status_of(ben, stream, "DELETE") == 404
    ben.goto(ann.url)
    expect(ben.get_by_role("heading")).to_have_text("Support")
    upstream.open_gate(f"tried {shop.port}")
    expect(answers(ann)).to_have_text("Order 2 is being packed.")
    ben.reload()
    assert "secret" not in ben.content()
    expect(answers(ben)).to_have_count(0)

    upstream.answer("shop", openai_wire.answer("Hello Ben."))
    ask(ben, "Hello.")
    expect(answers(ben)).to_have_text("Hello Ben.")
    assert len(upstream.requests("shop")[-1].body["messages"]) == 2
    ann.reload()
    expect(answers(ann)).to_have_text("Order 2 is being packed.")


@WHERE_ONE_WORKER_SHOWS_IT
def test_a_question_needs_the_token_of_the_page(visit: Opened, upstream: Upstream) -> None:
    number = len(upstream.requests("shop"))
    page = visit("ann")
    url = page.locator("#ask").get_attribute("action")
    question = {"headers": {"Content-Type": "application/json"}, "body": '{"question": "Hello?"}'}
    assert status_of(page, url, "POST", **question) == 400
    assert len(upstream.requests("shop")) == number
    upstream.answer("shop", openai_wire.answer("Hello."))
    question["headers"]["X-CSRFToken"] = page.locator("#ask [name=csrf_token]").input_value()
    assert status_of(page, url, "POST", **question) == 200


@WHERE_ONE_WORKER_SHOWS_IT
def test_a_customer_who_has_logged_out_in_another_tab_is_told(visit: Opened) -> None:
    page = visit("ann")
    other = page.context.new_page()
    other.goto("/help/")
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_role("link", name="Log in")).to_be_visible()
    ask(page, "Hello?")
    expect(page.locator("#turns > p")).to_contain_text("sign in again")
    assert status_of(page, "/assistant/api/streams/0123456789abcdef") == 401


@WHERE_ONE_WORKER_SHOWS_IT
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(visit: Opened, upstream: Upstream, width: int) -> None:
    upstream.answer(
        "shop", openai_wire.answer("A" * 300, "\n\n```\n", "x " * 200, "\n```\n\n| a | b |\n|-|-|\n| 1 | 2 |")
    )
    page = visit("ben")
    page.set_viewport_size({"width": width, "height": 800})
    ask(page, "W" * 200)
    expect(answers(page).locator("td")).to_have_count(2)
    assert page.evaluate("() => document.scrollingElement.scrollWidth") == width
    assert page.evaluate("() => document.querySelector('.scroller').scrollWidth") <= width
