"""A service that wants a key, in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, last
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect


def test_it_asks_for_the_key_and_goes_on_with_the_question(browser, upstream):
    upstream.answer(MODEL, openai_wire.answer("Come in."))
    with Service(**openai_alone(upstream), HEADRACE_API_KEYS="open-sesame") as service:
        context = browser.new_context(base_url=service.url)
        page = context.new_page()
        page.goto("/")
        field = page.get_by_label("This service asks for a key")
        expect(field).to_be_focused(timeout=20_000)
        ask(page)
        expect(last(page, "failed")).to_contain_text("Send one of this service's keys")
        field.fill("open-sesame")
        field.press("Enter")
        expect(last(page, "done").locator(".prose")).to_have_text("Come in.", timeout=20_000)
        expect(field).to_be_hidden()
        page.reload()
        page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=20_000)
        context.close()


def test_a_key_that_is_given_before_any_question_leads_to_the_question(browser, upstream):
    with Service(**openai_alone(upstream), HEADRACE_API_KEYS="open-sesame") as service:
        context = browser.new_context(base_url=service.url)
        page = context.new_page()
        page.goto("/")
        field = page.get_by_label("This service asks for a key")
        expect(field).to_be_focused(timeout=20_000)
        page.keyboard.type("open-sesame")
        page.keyboard.press("Enter")
        expect(field).to_be_hidden()
        expect(page.get_by_label("Your question")).to_be_focused()
        context.close()
