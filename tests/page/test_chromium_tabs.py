"""One conversation in several tabs, and in browsers that keep nothing or have no locks, in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, enter_key, key_field, last, prose
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer

NO_STORAGE = """
for (const name of ["indexedDB", "localStorage", "sessionStorage"]) {
  const get = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
  Object.defineProperty(window, name, { get });
}
"""
NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined })"


def beside(page):
    """Another tab with the same conversation."""
    other = page.context.new_page()
    other.goto(page.url)
    return other


def question(page):
    return page.locator(".question p")


def test_what_one_tab_asks_the_other_shows_and_goes_on_from(page, upstream, asked):
    upstream.answer(MODEL, [answer("One."), answer("T", Gate("both"), "wo."), answer("Three.")])
    ask(page, "First?")
    expect(last(page, "done")).to_be_visible()
    other = beside(page)
    expect(prose(other)).to_have_text("One.")
    ask(other, "Second?")
    expect(prose(page)).to_have_text("T")
    upstream.open_gate("both")
    for tab in (page, other):
        expect(last(tab, "done").locator(".prose")).to_have_text("Two.")
    ask(page, "Third?")
    expect(prose(other)).to_have_text("Three.")
    expect(question(other)).to_have_text(["First?", "Second?", "Third?"])
    assert asked() == 3


def test_a_tab_without_the_key_asks_nothing_twice_and_shows_the_answer(open_page, browser, upstream, asked):
    upstream.answer(MODEL, answer("Some", Gate("key"), " more."))
    with Service(**openai_alone(upstream), HEADRACE_API_KEYS="open-sesame") as service:
        context = browser.new_context(base_url=service.url)
        page = context.new_page()
        page.goto("/")
        enter_key(page, "open-sesame")
        ask(page)
        expect(prose(page)).to_have_text("Some")
        other = beside(page)
        expect(key_field(other)).to_be_visible()
        expect(question(other)).to_have_text("Hello?")
        upstream.open_gate("key")
        for tab in (page, other):
            expect(last(tab, "done").locator(".prose")).to_have_text("Some more.")
        assert asked() == 1
        context.close()


def test_a_tab_that_is_closed_leaves_its_answer_to_the_other(page, upstream, asked):
    upstream.answer(MODEL, answer("Some", Gate("left"), " more."))
    ask(page)
    expect(prose(page)).to_have_text("Some")
    other = beside(page)
    expect(prose(other)).to_have_text("Some")
    page.close()
    upstream.open_gate("left")
    expect(last(other, "done").locator(".prose")).to_have_text("Some more.")
    other.reload()
    expect(last(other, "done").locator(".prose")).to_have_text("Some more.")
    assert asked() == 1


def test_a_browser_without_locks_asks_once_all_the_same(open_page, service, upstream, asked):
    page = open_page(service.url, lambda page: page.context.add_init_script(NO_LOCKS))
    upstream.answer(MODEL, answer("Some", Gate("unlocked"), " more."))
    ask(page)
    expect(prose(page)).to_have_text("Some")
    other = beside(page)
    expect(prose(other)).to_have_text("Some")
    page.reload()
    upstream.open_gate("unlocked")
    for tab in (page, other):
        expect(last(tab, "done").locator(".prose")).to_have_text("Some more.")
    assert asked() == 1


def test_a_browser_that_keeps_nothing_says_so_and_forgets_nothing_before_the_page_is_closed(
    open_page, service, upstream
):
    page = open_page(service.url, lambda page: page.add_init_script(NO_STORAGE))
    expect(page.get_by_text("This browser keeps nothing")).to_be_visible()
    upstream.answer(MODEL, [answer("One."), answer("Two."), answer("Other.")])
    ask(page, "First?")
    expect(last(page, "done")).to_be_visible()
    ask(page, "Second?")
    expect(page.locator(".turn[data-state=done]")).to_have_count(2)
    page.get_by_role("button", name="New chat").click()
    ask(page, "Elsewhere?")
    expect(prose(page)).to_have_text("Other.")
    page.go_back()
    expect(question(page)).to_have_text(["First?", "Second?"])


def test_a_question_that_is_deleted_in_one_tab_goes_in_the_other_with_its_answer_that_was_coming(page, upstream):
    upstream.answer(MODEL, answer("Some", Gate("never")))
    ask(page)
    expect(prose(page)).to_have_text("Some")
    other = beside(page)
    expect(prose(other)).to_have_text("Some")
    number = len(upstream.requests(MODEL)) - 1
    other.get_by_role("button", name="Delete").click()
    for tab in (page, other):
        expect(tab.locator(".turn")).to_have_count(0)
    assert upstream.ended(MODEL, number).ended.name == "ABORTED"
    page.reload()
    expect(page.locator(".turn")).to_have_count(0)
