"""An answer with formulas, as a model writes it, on the chat page."""

import pytest

from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

TEXT = r"""So \(x^2\) and $y_1 + \frac{a}{b}$ cost $5 and $6.

$$
\int_0^1 x\,dx = \frac{1}{2}
$$

\[
\begin{aligned} a &= b \\ c &= d \end{aligned}
\]

- item $z$

| $\alpha$ | b |
|---|---|
| 1 | 2 |
"""
FORMULAS = [
    "x^2",
    r"y_1 + \frac{a}{b}",
    r"\int_0^1 x\,dx = \frac{1}{2}",
    r"\begin{aligned} a &= b \\ c &= d \end{aligned}",
    "z",
    r"\alpha",
]


def test_its_formulas_are_mathml_also_after_a_reload_and_money_is_money(page, upstream):
    upstream.answer(MODEL, openai_wire.answer(*TEXT))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    for _ in range(2):
        expect(prose(page).locator("math annotation")).to_have_text(FORMULAS)
        expect(prose(page).locator(".math.display > math")).to_have_count(2)
        expect(prose(page)).to_contain_text("cost $5 and $6.")
        page.reload()


def test_a_formula_is_shown_before_its_end_has_come(page, upstream):
    upstream.answer(MODEL, openai_wire.answer("Then\n\n$$\n\\frac{a}{b} + \\sqrt{c", Gate("rest"), "}\n$$\n\nDone."))
    ask(page)
    formula = prose(page).locator(".math.display > math")
    expect(formula.locator("msqrt")).to_be_visible()
    upstream.open_gate("rest")
    expect(last(page, "done")).to_be_visible()
    expect(formula.locator("annotation")).to_have_text("\\frac{a}{b} + \\sqrt{c}")


def test_the_whole_answer_is_copied_as_it_was_written(page, upstream):
    upstream.answer(MODEL, openai_wire.answer(TEXT))
    ask(page)
    last(page, "done").get_by_role("button", name="Copy", exact=True).last.click()
    assert page.evaluate("navigator.clipboard.readText()").strip() == TEXT.strip()
