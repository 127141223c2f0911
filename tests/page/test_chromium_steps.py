"""What a model does on its way to an answer, in a real browser: thoughts and calls stand where they came."""

import pytest

from tests.page.screen import MODEL, ask, last
from tests.support.upstream import Gate, Reasoning, ToolCall, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

FIND = ToolCall("c1", "find", ('{"q": ', '"mill"}'))
NOW = ToolCall("c2", "now", ("{}",))
BEGUN = ("Let me **look.**", FIND, NOW, Reasoning("Two "), Reasoning("of them."))
SHOWN = ["Let me look.", 'calls find({"q": "mill"})calls now({})', "ReasoningTwo of them.", "There are two."]


def parts(page):
    """What the last answer consists of, from top to bottom."""
    return page.locator(".turn:last-child [data-part=flow] > *")


def heard(page):
    return page.locator("#spoken p").all_text_contents()


def test_text_calls_and_thoughts_stand_in_the_order_in_which_they_came(page, upstream):
    upstream.answer(MODEL, answer(*BEGUN, Gate("seen"), "There are two."))
    ask(page)
    expect(parts(page)).to_have_count(3)
    expect(parts(page).last).to_have_text("ThinkingTwo of them.")
    upstream.open_gate("seen")
    expect(last(page, "done")).to_be_visible()
    expect(parts(page)).to_have_text(SHOWN)
    expect(parts(page).first.locator("strong")).to_have_text("look.")
    assert heard(page) == [
        "Let me look.",
        "Calls find.",
        "Calls now.",
        "The model is thinking.",
        "There are two.",
        "The answer is complete.",
    ]
    page.reload()
    expect(parts(page)).to_have_text(SHOWN)
    assert heard(page) == []


def test_a_page_that_comes_back_in_the_middle_goes_on_in_the_same_order(page, upstream):
    upstream.answer(MODEL, answer(*BEGUN, Gate("back"), "There are two.", Reasoning("Or three."), NOW))
    ask(page)
    expect(parts(page)).to_have_count(3)
    page.reload()
    expect(parts(page).last).to_have_text("ThinkingTwo of them.")
    upstream.open_gate("back")
    expect(last(page, "done")).to_be_visible()
    expect(parts(page)).to_have_text([*SHOWN, "ReasoningOr three.", "calls now({})"])
    assert "Let me look." not in heard(page)


def test_nothing_that_came_before_the_last_step_is_touched(page, upstream):
    upstream.answer(MODEL, answer("One.", FIND, Gate("watched"), " Two.", Reasoning("Hm."), "Three."))
    ask(page)
    expect(parts(page)).to_have_count(2)
    page.evaluate("""() => {
        window.touched = [];
        const observer = new MutationObserver((records) => window.touched.push(...records));
        const first = document.querySelector('.turn:last-child [data-part=flow] > *');
        observer.observe(first, { subtree: true, childList: true, characterData: true, attributes: true });
    }""")
    upstream.open_gate("watched")
    expect(last(page, "done")).to_be_visible()
    expect(parts(page)).to_have_count(5)
    assert page.evaluate("() => window.touched.length") == 0


def test_what_is_copied_and_told_to_the_model_is_the_text_alone_with_its_parts_as_paragraphs(page, upstream):
    upstream.answer(MODEL, [answer("One.\n", FIND, "Two.\n"), answer("So.")])
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("footer").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "One.\n\nTwo.\n"
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("So.")
    assert upstream.requests(MODEL)[-1].body["messages"][1]["content"] == "One.\n\nTwo.\n"


def test_a_call_that_is_stopped_in_the_middle_does_not_look_whole(page, upstream):
    upstream.answer(MODEL, answer("One.", ToolCall("c1", "find", ('{"q": ',)), Gate("never")))
    ask(page)
    expect(parts(page).last).to_contain_text('find({"q":')
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_be_visible()
    for _ in ("at once", "after a reload"):
        expect(parts(page).last).to_have_text('calls find({"q": …')
        page.reload()


def test_calls_before_a_document_stand_above_its_form_and_those_after_it_below(page, upstream):
    upstream.answer(MODEL, answer(FIND, '{"dish": "Pan', NOW, 'cakes"}'))
    page.get_by_role("button", name="Fill in a recipe").click()
    expect(last(page, "done")).to_be_visible()
    for _ in ("at once", "after a reload"):
        expect(parts(page)).to_have_count(3)
        expect(parts(page).nth(0)).to_contain_text("find")
        expect(parts(page).nth(1).locator(".field:not([data-empty]) dd")).to_have_text("Pancakes")
        expect(parts(page).nth(2)).to_contain_text("now")
        page.reload()
