"""How the page is laid out: on a phone, magnified, from right to left, and where there is no model to ask."""

import pytest

from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

LINES = """(element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom))).size;
}"""
FITS = "(element) => element.scrollWidth <= element.clientWidth"
DIRECTION = "(element) => getComputedStyle(element).direction"


def add_model_of_a_long_name(page):
    """Let the list be wider than the page: it is as wide as its longest name, whichever is chosen."""
    page.get_by_label("Model").evaluate("(select) => select.add(new Option('a model of a long name '.repeat(3)))")


def test_on_a_phone_stop_is_one_word_and_the_model_can_be_read(page, upstream):
    page.set_viewport_size({"width": 320, "height": 640})
    upstream.answer(MODEL, answer("Some", Gate("never")))
    ask(page)
    expect(prose(page)).to_have_text("Some")
    add_model_of_a_long_name(page)
    stop = page.get_by_role("button", name="Stop")
    text = stop.evaluate_handle("(button) => button.lastChild")
    assert text.evaluate(LINES) == 1
    for element in (stop, page.get_by_label("Model")):
        # The bar is laid out anew when the first token comes.
        page.wait_for_function(FITS, arg=element.element_handle())
    expect(page.get_by_role("button", name="Structured")).to_be_visible()


def test_on_a_phone_the_model_has_room_beside_stop_and_a_shape_and_the_panel_begins_with_one_line(page, upstream):
    page.set_viewport_size({"width": 320, "height": 640})
    upstream.answer(MODEL, answer('{"dish": "Pan', Gate("never")))
    page.get_by_role("button", name="Fill in a recipe").click()
    expect(last(page, "flowing")).to_be_visible()
    add_model_of_a_long_name(page)
    assert page.get_by_label("Model").bounding_box()["width"] >= 90
    shape = page.get_by_role("button", name="Structured Recipe")
    shape.click()
    use, close = (element.bounding_box() for element in (page.locator("#shape .use"), page.locator("#shape .close")))
    assert close["y"] < use["y"] + use["height"]


def test_magnified_four_times_half_of_the_page_is_left_to_read_in(page, upstream):
    page.set_viewport_size({"width": 320, "height": 256})
    upstream.answer(MODEL, answer("A line of an answer.\n\n" * 40, "End."))
    ask(page)
    expect(prose(page).get_by_text("End.")).to_be_visible()
    expect(last(page, "done")).to_be_visible()
    covered = page.locator(".dock").bounding_box()["height"]
    top = page.locator(".bar").bounding_box()
    assert top["y"] + top["height"] <= 0
    assert covered <= 256 / 2
    page.get_by_role("button", name="Structured").click()
    shape = page.get_by_label("Answer as JSON of this shape")
    shape.scroll_into_view_if_needed()
    expect(shape).to_be_in_viewport()


def test_each_block_runs_in_the_direction_of_its_words_and_code_from_left_to_right(page, upstream):
    upstream.answer(MODEL, answer("**عجلة** الماء\n\n1. البوابة\n\n> اقتباس\n\n```\nمرحبا\n```\n\nEnglish."))
    ask(page, "كيف تعمل؟")
    expect(last(page, "done")).to_be_visible()
    assert page.locator(".question p").evaluate(DIRECTION) == "rtl"
    directions = prose(page).locator("> *").evaluate_all(f"(blocks) => blocks.map({DIRECTION})")
    assert directions == ["rtl", "rtl", "rtl", "ltr", "ltr"]


def test_a_service_without_any_model_says_what_to_set(page):
    page.route("**/api/models", lambda route: route.fulfill(json={"default": None, "models": []}))
    page.reload()
    expect(page.get_by_label("Model")).to_have_text("No model")
    expect(page.locator("#about")).to_contain_text("set OPENAI_API_KEY or ANTHROPIC_API_KEY")


def test_a_stop_is_read_out_once(page, upstream):
    upstream.answer(MODEL, answer("Some", Gate("never")))
    ask(page)
    expect(prose(page)).to_have_text("Some")
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#spoken").get_by_text("You stopped this answer.")).to_have_count(1)
