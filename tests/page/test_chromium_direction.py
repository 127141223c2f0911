"""Which way each block of an answer runs, measured on the page."""

import pytest

from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

PLACES = """(element, text) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    let whole = "";
    const nodes = [];
    while (walker.nextNode()) {
        nodes.push([walker.currentNode, whole.length]);
        whole += walker.currentNode.data;
    }
    const at = whole.indexOf(text);
    return [...text].map((_, index) => {
        const [node, start] = nodes.findLast(([, start]) => start <= at + index);
        const range = new Range();
        range.setStart(node, at + index - start);
        range.setEnd(node, at + index - start + 1);
        return range.getBoundingClientRect().left;
    });
}"""


def places(locator, text):
    """Return how far from the left edge of the page each character of a text stands."""
    return locator.evaluate(PLACES, text)


def runs_from_left(locator, text):
    found = places(locator, text)
    return found == sorted(found)


def side(locator):
    """Return at which side of its block the first character of a text stands."""
    return locator.evaluate("""(element) => {
        const range = new Range();
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        while (walker.nextNode() && !walker.currentNode.data.trim());
        range.setStart(walker.currentNode, 0);
        range.setEnd(walker.currentNode, 1);
        const { left, right } = range.getBoundingClientRect();
        const box = element.getBoundingClientRect();
        return left - box.left < box.right - right ? "left" : "right";
    }""")


@pytest.fixture
def shown(page, upstream):
    def show(text):
        upstream.answer(MODEL, answer(*text))
        ask(page)
        expect(last(page, "done")).to_be_visible()
        return prose(page)

    return show


def test_code_in_a_sentence_keeps_its_order(shown):
    text = shown("يدير النهر `wheel.turn()` كل يوم.\n\n`start(x)` يبدأ العمل.\n\nUse `مرحبا()` here.\n")
    assert runs_from_left(text.locator("code").nth(0), "wheel.turn()")
    assert side(text.locator("p").nth(0)) == "right"
    assert runs_from_left(text.locator("code").nth(1), "start(x)")
    assert text.locator("p").nth(1).evaluate("p => getComputedStyle(p).direction") == "rtl"
    code = places(text.locator("code").nth(2), "()")
    assert min(code) > max(places(text.locator("code").nth(2), "مرحبا"))


def test_each_item_of_a_list_has_its_own_side(shown):
    text = shown("- A wheel\n- عجلة الماء\n  - Inner\n  - داخلي\n- End\n\n1. واحد\n2. Two\n")
    sides = [side(item) for item in text.locator("li > p").all()]
    assert sides == ["left", "right", "left", "right", "left", "right", "left"]
    marks = text.locator("li").evaluate_all("items => items.map((item) => getComputedStyle(item).direction)")
    assert marks == ["ltr", "rtl", "ltr", "rtl", "ltr", "rtl", "ltr"]
    # Each mark has its room beside the item, inside of the column.
    column = text.bounding_box()
    for item in text.locator("ul:not(ul ul) > li, ol > li").all():
        box = item.bounding_box()
        before, after = box["x"] - column["x"], column["x"] + column["width"] - box["x"] - box["width"]
        rtl = item.evaluate("item => getComputedStyle(item).direction") == "rtl"
        assert (after if rtl else before) > 20


def test_further_blocks_of_an_item_have_their_own_side(shown):
    text = shown("- A wheel\n\n  عجلة الماء\n\n> اقتباس\n>\n> A quotation\n")
    assert [side(block) for block in text.locator("p").all()] == ["left", "right", "right", "left"]
    assert text.locator("blockquote").evaluate("quote => getComputedStyle(quote).borderRightWidth") == "3px"


def test_a_task_has_its_box_at_its_own_side(shown):
    text = shown("- [x] Done\n- [ ] عجلة\n")
    for item in text.locator("li").all():
        box, mark = item.bounding_box(), item.locator("input").bounding_box()
        rtl = item.evaluate("item => getComputedStyle(item).direction") == "rtl"
        assert (mark["x"] > box["x"] + box["width"] - 1) if rtl else (mark["x"] + mark["width"] < box["x"] + 1)


def test_a_table_runs_like_its_head_and_each_cell_by_itself(shown):
    rows = "|---|---|\n| Wheel | عجلة |\n| دولاب | Mill, (2) |\n"
    text = shown(f"| Word | Meaning |\n{rows}\n| | المعنى |\n{rows}")
    first, second = text.locator("table").all()
    assert [side(cell) for cell in first.locator("td").all()] == ["left", "right", "right", "left"]
    left, right = (cell.bounding_box()["x"] for cell in first.locator("th").all())
    assert left < right
    right, left = (cell.bounding_box()["x"] for cell in second.locator("th").all())
    assert left < right
    assert runs_from_left(second.locator("td").last, "Mill, (2)")
    # No two cells of a row touch.
    for table in (first, second):
        texts = (
            table.locator("tbody tr")
            .first.locator("td")
            .evaluate_all("""(cells) => cells.map((cell) => {
            const range = new Range();
            range.selectNodeContents(cell);
            const { left, right } = range.getBoundingClientRect();
            return [left, right];
        }).sort(([one], [other]) => one - other)""")
        )
        assert texts[0][1] + 10 < texts[1][0]


def test_headings_links_and_questions_have_their_own_direction(page, upstream):
    upstream.answer(MODEL, answer(*"## عنوان\n\n## Title (2)\n\nانظر https://example.org/a/ الآن\n"))
    ask(page, "السؤال الأول؟\nThe second one?")
    expect(last(page, "done")).to_be_visible()
    assert [side(heading) for heading in prose(page).locator("h2").all()] == ["right", "left"]
    assert runs_from_left(prose(page).locator("a"), "https://example.org/a/")
    question = page.locator(".question p")
    box = question.bounding_box()
    assert min(places(question, "السؤال")) > box["x"] + box["width"] / 2
    assert min(places(question, "The second one?")) < box["x"] + 5
    assert runs_from_left(question, "The second one?")
