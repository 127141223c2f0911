"""A model's reasoning on the page: folded, as Markdown, with its duration."""

import pytest

from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Gate, Reasoning, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

LATER = """(milliseconds) => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + milliseconds;
}"""


def think(page, upstream, gate, milliseconds):
    """Show a run of reasoning that takes so long by the page's clock."""
    upstream.answer(MODEL, answer(Reasoning("Well:\n\n- **on"), Gate(gate), Reasoning("e**\n- `two`\n\n"), "Done."))
    ask(page)
    expect(page.locator(".reasoning li")).to_have_count(1)
    expect(page.locator(".reasoning summary")).to_have_text("Thinking")
    page.evaluate(LATER, milliseconds)
    upstream.open_gate(gate)
    expect(last(page, "done")).to_be_visible()


def test_it_is_markdown_of_its_own_and_stays_as_the_reader_has_left_it(page, upstream):
    think(page, upstream, "markdown", 12_000)
    run = page.locator(".reasoning")
    expect(run.locator("li")).to_have_count(2)
    expect(run.locator("li").first).to_be_hidden()
    run.locator("summary").click()
    expect(run.locator("strong")).to_have_text("one")
    expect(run.locator("code")).to_have_text("two")
    expect(run.locator("code")).to_be_visible()
    expect(prose(page)).to_have_text("Done.")


def test_an_answer_that_is_shown_anew_is_unfolded_where_it_was(page):
    unfolded = page.evaluate("""async () => {
        const address = [...document.scripts].find(({ src }) => src.endsWith('/chat/main.js')).src;
        const { AnswerView } = await import(address.replace('chat/main.js', 'answer/answer-view.js'));
        const element = document.createElement('div');
        const show = () => {
            const view = new AnswerView(element, undefined, null, () => {});
            const types = ['reasoning', 'text', 'reasoning', 'text', 'reasoning'];
            for (const type of types) view.append({ type, text: 'a' });
            return [...element.querySelectorAll('details.reasoning')];
        };
        show()[1].open = true;
        return show().map(({ open }) => open);
    }""")
    assert unfolded == [False, True, False]


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(12_000, r"^Thought for 1[23] s$"), (72_000, r"^Thought for 1 min 1[23] s$")]
)
def test_it_says_how_long_it_took(page, upstream, milliseconds, shown):
    think(page, upstream, f"duration {milliseconds}", milliseconds)
    text = page.locator(".reasoning summary").inner_text()
    assert page.evaluate("([pattern, text]) => new RegExp(pattern).test(text)", [shown, text]), text


def test_a_time_that_was_not_measured_is_not_told(page, upstream):
    upstream.answer(MODEL, answer(Reasoning("Hm."), "Done."))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.reload()
    expect(page.locator(".reasoning summary")).to_have_text("Reasoning")


def test_a_time_that_was_stored_is_told_again(page):
    labels = page.evaluate("""async () => {
        const address = [...document.scripts].find(({ src }) => src.endsWith('/chat/main.js')).src;
        const { ReasoningView } = await import(address.replace('chat/main.js', 'answer/reasoning-view.js'));
        const label = (times, ...pieces) => {
            const view = new ReasoningView(() => times.shift() ?? 0);
            for (const piece of pieces) view.append(...piece);
            view.end();
            return view.label.textContent;
        };
        return [
            label([0, 0, 0], ['stored', 34000]),
            label([0, 0, 5000, 7000], ['stored', 34000], ['live', 39000]),
            label([0, 0, 5000], ['stored', 34000]),
            label([9000, 1000], ['a clock that is set back']),
        ];
    }""")
    assert labels == ["Thought for 34 s", "Thought for 41 s", "Thought for 39 s", "Reasoning"]
