"""What a reader sees, presses and hears in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, gap_below, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer


MARKDOWN = """\
## Wheels

Some **bold**, *soft* and `code`, with [a link](https://example.org/a_(b)).

| Kind | Head |
|:-----|-----:|
| Over | 3 m |

1. one
   - inner
2. two

```python
a = "<b>"  # **no**
```

> quoted
"""


class TestMarkdown:
    @pytest.mark.parametrize("size", [1, 3, 1000])
    def test_it_is_the_same_however_it_is_cut(self, page, upstream, size):
        upstream.answer(MODEL, answer(*(MARKDOWN[at : at + size] for at in range(0, len(MARKDOWN), size))))
        ask(page)
        expect(last(page, "done")).to_be_visible()
        text = prose(page)
        expect(text.locator("h2")).to_have_text("Wheels")
        expect(text.locator("p > strong")).to_have_text("bold")
        expect(text.locator("p > a")).to_have_attribute("href", "https://example.org/a_(b)")
        expect(text.locator("thead th")).to_have_text(["Kind", "Head"])
        expect(text.locator("tbody td")).to_have_text(["Over", "3 m"])
        expect(text.locator("ol > li")).to_have_count(2)
        expect(text.locator("ol > li > ul > li")).to_have_text("inner")
        expect(text.locator("figure code")).to_have_text('a = "<b>"  # **no**')
        expect(text.locator("blockquote")).to_have_text("quoted")

    def test_nothing_above_the_tail_is_touched(self, page, upstream):
        upstream.answer(MODEL, answer(MARKDOWN, Gate("watched"), *MARKDOWN))
        ask(page)
        expect(prose(page).locator("blockquote")).to_have_text("quoted")
        expect(prose(page).locator(".hl-comment")).to_be_visible()  # the colours come with a library, which loads once
        page.evaluate("""() => {
            window.touched = [];
            const observer = new MutationObserver((records) => window.touched.push(...records));
            for (const block of [...document.querySelectorAll('.turn:last-child .prose > *')].slice(0, -1)) {
                observer.observe(block, { subtree: true, childList: true, characterData: true, attributes: true });
            }
        }""")
        upstream.open_gate("watched")
        expect(last(page, "done").locator("blockquote")).to_have_count(2)
        assert page.evaluate("() => window.touched.length") == 0

    def test_scripts_and_foreign_schemes_are_text(self, page, upstream):
        upstream.answer(
            MODEL,
            answer(
                "[a](javascript:alert(1)) [b](java\tscript:alert(1)) [c](data:text/html,x) [d](&#106;avascript:x) ",
                "<img src=x onerror=alert(2)> <script>alert(3)</script> ![e](vbscript:x) [f](https://example.org)",
            ),
        )
        ask(page)
        expect(last(page, "done")).to_be_visible()
        expect(prose(page).locator("a[href]")).to_have_text("f")
        expect(prose(page).locator("img, script, iframe")).to_have_count(0)
        expect(prose(page)).to_contain_text("<script>alert(3)</script>")

    def test_code_and_answers_are_copied(self, page, upstream):
        upstream.answer(MODEL, answer("So:\n\n```py\na = 1\n\tb\n```\n"))
        ask(page)
        expect(last(page, "done")).to_be_visible()
        page.get_by_role("button", name="Copy this py code").click()
        expect(prose(page).locator(".copy")).to_have_text("Copied")
        expect(page.locator("#spoken p").last).to_have_text("Copied")
        assert page.evaluate("() => navigator.clipboard.readText()") == "a = 1\n\tb"
        page.get_by_role("button", name="Copy", exact=True).click()
        expect(page.locator("footer").get_by_text("Copied")).to_be_visible()
        assert page.evaluate("() => navigator.clipboard.readText()") == "So:\n\n```py\na = 1\n\tb\n```\n"


class TestKeyboard:
    def test_the_whole_conversation_needs_no_mouse(self, page, upstream):
        upstream.answer(MODEL, [answer("First."), answer("Some", Gate("never")), answer("Again.")])
        expect(page.get_by_label("Your question")).to_be_focused()
        page.keyboard.type("One")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("two")
        page.keyboard.press("Enter")
        expect(last(page, "done")).to_contain_text("First.")
        expect(page.locator(".question p")).to_have_text("One\ntwo")
        page.keyboard.type("More")
        page.keyboard.press("Enter")
        expect(prose(page)).to_have_text("Some")
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_focused()
        regenerate = page.locator(".turn:last-child").get_by_role("button", name="Regenerate")
        for _ in range(8):
            page.keyboard.press("Shift+Tab")
            if regenerate.evaluate("button => button === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(prose(page)).to_have_text("Again.")
        expect(page.get_by_label("Your question")).to_be_focused()

    def test_an_enter_that_ends_a_composition_sends_nothing(self, page):
        field = page.get_by_label("Your question")
        field.fill("にほん")
        field.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
        field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
        expect(field).to_have_value("にほん")
        expect(page.locator(".turn")).to_have_count(0)

    def test_stop_gives_the_focus_back_to_the_question(self, page, upstream):
        upstream.answer(MODEL, answer("Some", Gate("never")))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        stop = page.get_by_role("button", name="Stop")
        stop.focus()
        page.keyboard.press("Enter")
        expect(last(page, "stopped")).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_focused()


class TestReader:
    def test_one_who_scrolls_up_is_left_alone_until_asking_for_the_end(self, page, upstream):
        paragraph = "A line of an answer that is longer than the page.\n\n"
        upstream.answer(MODEL, answer(paragraph * 60, Gate("more"), paragraph * 60, Gate("rest"), "End."))
        ask(page)
        expect(prose(page).locator("p")).to_have_count(60)
        assert gap_below(page) < 5
        page.mouse.move(500, 300)
        page.mouse.wheel(0, -900)
        jump = page.get_by_role("button", name="Jump to latest")
        expect(jump).to_be_visible()
        top = page.evaluate("() => document.scrollingElement.scrollTop")
        upstream.open_gate("more")
        expect(prose(page).locator("p")).to_have_count(120)
        assert page.evaluate("() => document.scrollingElement.scrollTop") == pytest.approx(top, abs=2)
        jump.click()
        expect(jump).to_be_hidden()
        assert gap_below(page) < 5
        upstream.open_gate("rest")
        expect(last(page, "done")).to_be_visible()
        assert gap_below(page) < 5

    def test_a_screen_reader_hears_sentences(self, page, upstream):
        sentence = "The water comes down the race and turns the wheel below it."
        upstream.answer(MODEL, answer(*f"{sentence} {sentence}\n\n```py\nsecret = 1\n```\n\nSo be it.\n"))
        page.evaluate("""() => {
            window.heard = [];
            new MutationObserver((records) => records.forEach(({ addedNodes }) =>
                addedNodes.forEach((node) => window.heard.push(node.textContent))
            )).observe(document.querySelector('[aria-live=polite]'), { childList: true });
        }""")
        ask(page)
        expect(last(page, "done")).to_be_visible()
        heard = page.evaluate("() => window.heard")
        asked, *parts, end = heard
        assert "Waiting" in asked
        assert " ".join(parts) == f"{sentence} {sentence} py code block. So be it."
        assert len(parts) <= 4
        assert end == "The answer is complete."

    @pytest.mark.parametrize("width", [320, 390, 1280])
    def test_nothing_is_wider_than_the_screen(self, page, upstream, width):
        page.set_viewport_size({"width": width, "height": 700})
        wide = "x" * 300
        upstream.answer(MODEL, answer(f"{wide}\n\n```\n{wide}\n```\n\n| a | b |\n|---|---|\n| {wide} | `{wide}` |\n"))
        ask(page, wide)
        expect(last(page, "done")).to_be_visible()
        # Beside the page there is room for the scroll bar, whether it is there or not.
        assert width - 20 <= page.evaluate("() => document.scrollingElement.scrollWidth") <= width

    def test_the_chosen_model_is_remembered(self, page):
        select = page.get_by_label("Model")
        values = select.locator("option").evaluate_all("options => options.map((option) => option.value)")
        select.select_option(values[-1])
        page.reload()
        expect(select).to_have_value(values[-1])
