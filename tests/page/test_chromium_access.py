"""Who needs strong or forced colours, has keys alone, or listens: the page in a real browser as they have it."""

import pytest

from tests.page.screen import MODEL, ask, last
from tests.support.upstream import Gate, Reasoning, ToolCall, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

FIND = ToolCall("c1", "find", ('{"q": "mill"}',))
MARKDOWN = """\
So [it is](https://example.org) with `code`:

| Kind | Head |
|------|-----:|
| Over | 3 m |

- [ ] one

> quoted

```python
a = 1
```
"""

FOCUSED = """() => {
    const { outlineStyle, outlineWidth, outlineColor, outlineOffset } = getComputedStyle(document.activeElement);
    const isCut = document.activeElement.closest(".code") && parseFloat(outlineOffset) >= 0;
    const isDrawn = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && !/^rgba.*, 0\\)$/.test(outlineColor);
    return [document.activeElement.outerHTML.slice(0, 80), isDrawn && !isCut];
}"""

FAINT = """(least) => {
    const rgba = (color) => {
        const numbers = color.match(/[\\d.]+(e-\\d+)?/g).map(Number);
        const scale = color.startsWith("color(") ? 255 : 1;
        return [...numbers.slice(0, 3).map((one) => one * scale), numbers[3] ?? 1];
    };
    const over = (above, below) => below.map((one, at) => (at < 3 ? above[at] * above[3] + one * (1 - above[3]) : 1));
    const behind = (element) => {
        const below = element.parentElement ? behind(element.parentElement) : [255, 255, 255, 1];
        return over(rgba(getComputedStyle(element).backgroundColor), below);
    };
    const light = (color) => color.slice(0, 3).map((one) => one / 255)
        .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const contrast = (element) => {
        const ground = behind(element);
        const written = over(rgba(getComputedStyle(element).color), ground);
        const [low, high] = [light(ground), light(written)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const isShown = element.checkVisibility() && !element.closest(".unseen, option");
        if (!walker.currentNode.data.trim() || !isShown) continue;
        if (contrast(element) < least) faint.push([walker.currentNode.data.slice(0, 40), contrast(element)]);
    }
    return faint;
}"""

LOOKS = """(element, pseudo) => {
    const { backgroundColor, borderTopWidth, borderInlineStartStyle } = getComputedStyle(element, pseudo);
    const isClear = /^rgba.*, 0\\)$/.test(backgroundColor);
    const isFilled = !isClear && backgroundColor !== getComputedStyle(document.body).backgroundColor;
    return { isFilled, edge: borderTopWidth, side: borderInlineStartStyle };
}"""


def looks(page, selector, pseudo=None):
    return page.locator(f".turn:last-child {selector}").evaluate(LOOKS, pseudo)


def show_all(page, upstream):
    """Ask for an answer of all that an answer may have, and open what is closed."""
    upstream.answer(MODEL, answer("Let me look.", FIND, Reasoning("Hm."), MARKDOWN))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.get_by_text("Reasoning", exact=True).click()
    page.get_by_role("button", name="Structured").click()


class TestForcedColours:
    def test_whatever_has_the_focus_shows_it(self, page, upstream):
        page.emulate_media(forced_colors="active")
        show_all(page, upstream)
        seen = {}
        for _ in range(40):
            page.keyboard.press("Tab")
            element, is_seen = page.evaluate(FOCUSED)
            if element in seen:
                break
            if not element.startswith("<body"):
                seen[element] = is_seen
        assert len(seen) >= 15
        assert [element for element, is_seen in seen.items() if not is_seen] == []

    def test_how_an_answer_is_and_how_it_ended_can_be_seen(self, page, upstream):
        page.emulate_media(forced_colors="active")
        upstream.answer(MODEL, [answer("Some", Gate("never")), openai_wire.failing_after(3)])
        ask(page)
        expect(last(page, "flowing")).to_be_visible()
        assert looks(page, ".race")["isFilled"]
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_be_visible()
        assert looks(page, ".answer", "::after")["isFilled"]
        assert looks(page, ".note")["edge"] == "1px"
        ask(page)
        expect(last(page, "failed")).to_be_visible()
        assert looks(page, ".answer", "::after")["isFilled"]
        assert looks(page, ".race")["side"] == "dashed"

    def test_what_a_form_waits_for_can_be_seen(self, page, upstream):
        page.emulate_media(forced_colors="active")
        upstream.answer(MODEL, answer('{"dish": "Pan', Gate("never")))
        page.get_by_role("button", name="Fill in a recipe").click()
        expect(page.locator(".form [data-growing][data-kind=string]")).to_have_text("Pan")
        assert looks(page, ".form [data-growing][data-kind=string]", "::after")["isFilled"]
        assert looks(page, ".form .field[data-empty]:last-child > dd", "::before")["isFilled"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("contrast", "least"), [("no-preference", 4.5), ("more", 7)])
class TestContrast:
    def test_every_text_can_be_read(self, page, upstream, scheme, contrast, least):
        page.emulate_media(color_scheme=scheme, contrast=contrast, reduced_motion="reduce")
        assert page.evaluate(FAINT, least) == []
        show_all(page, upstream)
        assert page.evaluate(FAINT, least) == []
        upstream.answer(
            MODEL, [answer('{"dish": "Pancakes", "difficulty": "easy"', Gate("never")), openai_wire.error(429)]
        )
        page.get_by_role("button", name="Recipe").click()
        page.evaluate("() => (document.querySelector('#key').hidden = false)")
        ask(page)
        expect(page.locator(".form .choice")).to_have_text("easy")
        assert page.evaluate(FAINT, least) == []
        assert page.evaluate("() => document.getAnimations().length") == 0
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_be_visible()
        ask(page)
        expect(last(page, "failed")).to_be_visible()
        assert page.evaluate(FAINT, least) == []


class TestNames:
    def test_whatever_can_have_the_focus_has_a_name(self, page, upstream):
        show_all(page, upstream)
        nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        named = [(node["role"]["value"], node["name"]["value"]) for node in nodes if is_focusable(node)]
        assert [role for role, name in named if not name] == []
        controls = [
            "New chat",
            "Your question",
            "Model",
            "Structured",
            "JSON Schema",
            "Close",
            "Reasoning",
            "Regenerate",
        ]
        assert set(controls) <= {name for _, name in named}
        assert ("group", "python code") in named

    def test_no_two_regions_have_the_same_name(self, page, upstream):
        table = "| Kind | Head |\n|---|---|\n| Over | 3 m |\n\n"
        code = "```python\na = 1\n```\n\n"
        upstream.answer(
            MODEL, [answer(f"{table}{code}{code}"), answer(f"| no | table |\nhere\n\n{table}{code}```\nb\n```\n")]
        )
        for _ in range(2):
            ask(page)
            expect(last(page, "done")).to_be_visible()
        names = page.locator("[role=region], [tabindex='0'], article").evaluate_all(
            "found => found.map((element) => element.getAttribute('aria-label'))"
        )
        assert names == [
            "Answer",
            "Table 1: Kind, Head",
            "python code",
            "python code 2",
            "Answer 2",
            "Table 2: Kind, Head",
            "python code 3",
            "Code",
        ]
        buttons = page.locator("figure button").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")
        assert buttons == [
            "Copy this python code",
            "Copy this python code 2",
            "Copy this python code 3",
            "Copy this code",
        ]
        # What is gone leaves its number to what comes in its place.
        upstream.answer(MODEL, answer(f"{table}{code}"))
        page.get_by_role("button", name="Regenerate").last.click()
        expect(page.get_by_label("python code 3", exact=True)).to_be_visible()
        expect(page.get_by_label("Table 2: Kind, Head")).to_be_visible()
        page.get_by_role("button", name="New chat").click()
        ask(page)
        expect(page.get_by_label("python code", exact=True)).to_be_visible()


def is_focusable(node):
    properties = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
    return not node["ignored"] and properties.get("focusable")


class TestFocus:
    def test_a_failure_leaves_it_in_the_question_and_retry_gives_it_back(self, page, upstream):
        upstream.answer(MODEL, [openai_wire.error(429), answer("Whole.")])
        ask(page)
        expect(last(page, "failed")).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(page.locator("summary").filter(has_text="More")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("button", name="Retry")).to_be_focused()
        page.keyboard.press("Enter")
        expect(last(page, "done")).to_contain_text("Whole.")
        expect(page.get_by_label("Your question")).to_be_focused()

    def test_a_button_that_goes_away_at_the_end_of_the_page_gives_it_to_the_question(self, page, upstream):
        upstream.answer(MODEL, answer("A line.\n\n" * 80))
        ask(page)
        expect(last(page, "done")).to_be_visible()
        page.mouse.move(500, 300)
        page.mouse.wheel(0, -900)
        jump = page.get_by_role("button", name="Jump to latest")
        jump.focus()
        page.keyboard.press("End")
        expect(jump).to_be_hidden()
        expect(page.get_by_label("Your question")).to_be_focused()
