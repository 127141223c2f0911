"""Tools that need the reader's approval, in a real browser: asked for, given, denied, and left open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.screen import ask, last
from tests.page.tool_desk import REFUND, REFUNDED, Desk, ask_for_refund, button, status

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

MAIL = ["ToolCall", "m1", "mail", {"to": "ann@example.org"}]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
def page(open_page: Any, desk: Desk) -> Any:
    desk.start_afresh()
    return open_page(desk.url)


def heard(page: Any) -> str:
    return "\n".join(page.locator("#spoken p").all_text_contents())


def test_an_approval_runs_the_tool_once_and_the_answer_goes_on_in_the_same_turn(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["You have it."])
    expect(status(page, "refund")).to_have_text("Approval needed")
    assert "Approval needed: refund." in heard(page)
    assert desk.runs() == []
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_contain_text("You have it.")
    assert "Tool finished: refund." in heard(page)
    for _ in ("at once", "after a reload"):
        expect(page.locator(".turn")).to_have_count(1)
        expect(page.locator("[data-part=flow]")).to_contain_text("I can.")
        expect(status(page, "refund")).to_have_text("Done")
        expect(button(page, "Approve refund")).to_have_count(0)
        page.reload()
    assert desk.runs() == [REFUNDED]
    messages = desk.messages()
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[2]["content"] == '{"refunded":19.5}'


def test_a_denial_with_its_reason_is_told_to_the_model(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["As you wish."])
    page.get_by_label("Why refund may not run").fill("Too <b>late</b>")
    button(page, "Deny refund").click()
    expect(last(page, "done")).to_contain_text("As you wish.")
    expect(status(page, "refund")).to_have_text("Denied")
    expect(page.locator(".fault")).to_contain_text("Too <b>late</b>")
    assert "Denied: refund." in heard(page)
    assert "Too <b>late</b>" in desk.messages()[-1]["content"]
    assert desk.runs() == []


def test_the_keyboard_is_enough_and_nothing_is_approved_by_a_key_that_was_meant_for_something_else(
    page: Any, desk: Desk
) -> None:
    ask_for_refund(page, desk, ["Denied, then."])
    group = page.get_by_role("group", name="Approval needed: refund")
    expect(group).to_be_focused()
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
    expect(status(page, "refund")).to_have_text("Approval needed")
    page.keyboard.press("Tab")
    expect(page.get_by_role("group", name="Arguments of refund")).to_be_focused()
    for name in ("Approve refund", "Deny refund"):
        page.keyboard.press("Tab")
        expect(button(page, name)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("no")
    page.keyboard.press("Enter")
    expect(last(page, "done")).to_contain_text("Denied, then.")
    expect(page.get_by_label("Your question")).to_be_focused()
    assert "no" in desk.messages()[-1]["content"]
    assert desk.runs() == []


def test_a_reader_who_writes_keeps_the_focus(page: Any, desk: Desk) -> None:
    desk.script([["Pause", 0.5], "I can.", REFUND])
    ask(page, "My money back?")
    page.keyboard.type("And wh")
    expect(last(page, "undecided")).to_be_visible()
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type("en?")
    expect(page.get_by_label("Your question")).to_have_value("And when?")


def test_the_answer_goes_on_only_when_all_calls_are_decided_also_after_a_reload(page: Any, desk: Desk) -> None:
    desk.script(["Two things.", REFUND, MAIL, ["ToolCall", "s1", "order_status", {"order_id": 41}]], ["All done."])
    ask(page)
    expect(last(page, "undecided")).to_be_visible()
    expect(status(page, "order_status")).to_have_text("Done")
    button(page, "Approve refund").click()
    for _ in ("at once", "after a reload"):
        expect(status(page, "refund")).to_have_text("Approved")
        expect(status(page, "mail")).to_have_text("Approval needed")
        expect(page.get_by_role("group", name="Approval needed: mail")).to_be_focused()
        page.reload()
    assert desk.runs() == ["order_status {'order_id': 41}"]
    button(page, "Deny mail").click()
    expect(last(page, "done")).to_contain_text("All done.")
    assert desk.runs() == ["order_status {'order_id': 41}", REFUNDED]
    assert [message.get("tool_call_id") for message in desk.messages()[2:]] == ["s1", "r1", "m1"]


@pytest.mark.parametrize("is_reloaded", [False, True])
def test_a_decision_counts_also_while_the_other_tools_of_the_step_still_run(
    page: Any, desk: Desk, is_reloaded: bool
) -> None:
    desk.script([REFUND, ["ToolCall", "t1", "track", {"parcel": "AX"}]], ["Both."])
    ask(page)
    expect(status(page, "track")).to_have_text("Running")
    button(page, "Approve refund").click()
    expect(status(page, "refund")).to_have_text("Approved")
    if is_reloaded:
        page.reload()
        expect(status(page, "track")).to_have_text("Running")
    assert desk.runs() == ["track {'parcel': 'AX'}"]
    for gate in ("carrier", "stops"):
        desk.open_gate(gate)
    expect(last(page, "done")).to_contain_text("Both.")
    assert desk.runs() == ["track {'parcel': 'AX'}", REFUNDED]


def test_an_approval_that_is_asked_for_is_still_there_after_a_reload_and_in_a_page_that_was_closed(
    page: Any, desk: Desk
) -> None:
    ask_for_refund(page, desk, ["Here it is."])
    page.reload()
    expect(page.get_by_role("group", name="Approval needed: refund")).to_be_focused()
    page.goto("about:blank")
    page.go_back()
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_contain_text("Here it is.")
    assert desk.runs() == [REFUNDED]


def test_an_approved_tool_can_ask_for_more(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["And a mail?", MAIL], ["Both."])
    button(page, "Approve refund").click()
    button(page, "Approve mail").click()
    expect(last(page, "done")).to_contain_text("Both.")
    assert desk.runs() == [REFUNDED, "mail {'to': 'ann@example.org'}"]
    roles = [(message["role"], message.get("tool_call_id")) for message in desk.messages()]
    assert roles == [("user", None), ("assistant", None), ("tool", "r1"), ("assistant", None), ("tool", "m1")]


def test_a_reader_who_goes_on_without_an_answer_leaves_the_tool_alone(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["Never mind."])
    ask(page, "What is the weather?")
    expect(last(page, "done")).to_contain_text("Never mind.")
    for _ in ("at once", "after a reload"):
        expect(status(page, "refund")).to_have_text("Not approved")
        expect(button(page, "Approve refund")).to_have_count(0)
        page.reload()
    assert desk.runs() == []
    assert [message["role"] for message in desk.messages()] == ["user", "assistant", "tool", "user"]
    assert "not approved" in desk.messages()[2]["content"]


def test_a_stop_after_the_approval_ends_the_answer_and_keeps_what_came(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["It is", ["Silence", 30]])
    button(page, "Approve refund").click()
    expect(page.locator("[data-part=flow]")).to_contain_text("It is")
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_be_visible()
    expect(status(page, "refund")).to_have_text("Done")
    assert desk.runs() == [REFUNDED]


def test_a_reload_after_the_approval_goes_on_with_the_answer(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["It is ", ["Pause", 2], "done."])
    button(page, "Approve refund").click()
    expect(page.locator("[data-part=flow]")).to_contain_text("It is")
    page.reload()
    expect(last(page, "done")).to_contain_text("It is done.")
    expect(status(page, "refund")).to_have_text("Done")
    assert desk.runs() == [REFUNDED]


def test_what_is_approved_is_shown_as_the_service_has_read_it(page: Any, desk: Desk) -> None:
    text = '{"order_id": 1, "amount": 5, "order_id": 9007199254740993, "amount": 1.50, "note": "a\u202eb"}'
    arguments = [["ToolCallStarted", 0, "r1", "refund"], ["ToolCallDelta", 0, text]]
    desk.script([*arguments, ["ToolCallParsed", 0, text]], ["So."])
    ask(page)
    shown = page.get_by_role("group", name="Arguments of refund")
    expect(shown).to_have_text(
        '{\n  "order_id": 9007199254740993,\n  "amount": 1.5,\n  "note": "a\\u202eb"\n}', use_inner_text=True
    )
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_contain_text("So.")
    assert desk.runs() == ["refund {'order_id': 9007199254740993, 'amount': 1.5}"]


def test_regenerate_begins_the_turn_anew(page: Any, desk: Desk) -> None:
    ask_for_refund(page, desk, ["You have it."], ["Anew."])
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_contain_text("You have it.")
    button(page, "Regenerate").click()
    expect(page.locator("[data-part=flow]")).to_have_text("Anew.")
    assert [message["role"] for message in desk.messages()] == ["user"]


def test_an_answer_in_a_form_goes_on_after_the_approval(page: Any, desk: Desk) -> None:
    rest = ', "difficulty": "easy", "vegetarian": true, "ingredients": ["flour"], "steps": ["Bake."]}'
    desk.script([REFUND], ['{"dish": "Pan', 'cakes", "minutes": 20', rest])
    button(page, "Fill in a recipe").click()
    expect(last(page, "undecided")).to_be_visible()
    page.reload()
    button(page, "Approve refund").click()
    expect(last(page, "done")).to_be_visible()
    for _ in ("at once", "after a reload"):
        expect(page.locator(".form .field:not([data-empty]) dd").first).to_have_text("Pancakes")
        expect(status(page, "refund")).to_have_text("Done")
        page.reload()


def test_a_reader_who_has_scrolled_up_is_left_there(page: Any, desk: Desk) -> None:
    page.set_viewport_size({"width": 800, "height": 500})
    desk.script([*["A line.\n\n" for _ in range(40)], ["Pause", 1], REFUND])
    ask(page)
    expect(page.locator(".prose p")).to_have_count(40)
    page.mouse.wheel(0, -5000)
    page.wait_for_function("() => document.scrollingElement.scrollTop === 0")
    expect(page.get_by_role("group", name="Approval needed: refund")).to_be_focused()
    assert page.evaluate("() => document.scrollingElement.scrollTop") == 0
