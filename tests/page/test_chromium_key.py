"""A service that wants a key, in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, last
from tests.support.host import Host
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
        expect(last(page, "failed")).to_contain_text("This service asks for a key.")
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


LOGIN = """
from flask import Flask, abort, request
from flask_headrace import Headrace

app = Flask(__name__)


def owner_of_this_request():
    return request.cookies.get("user") or abort(401, "Sign in, and load this page again.")


Headrace(app, authorize=owner_of_this_request)


@app.get("/sign-in")
def sign_in():
    return "", 204, {"Set-Cookie": "user=ann; Path=/"}
"""


def test_of_an_application_with_a_login_it_never_asks_for_one(browser, upstream, tmp_path):
    upstream.answer(MODEL, openai_wire.answer("Come in."))
    with Host(tmp_path, LOGIN, **openai_alone(upstream)) as host:
        context = browser.new_context(base_url=host.url)
        page = context.new_page()
        assert page.goto("/").status == 401
        expect(page.locator("body")).to_contain_text("Sign in, and load this page again.")
        page.request.get("/sign-in")
        page.goto("/")
        page.wait_for_selector("#model option:not([value=''])", state="attached", timeout=60_000)
        context.clear_cookies()
        ask(page)
        expect(last(page, "failed")).to_contain_text("Sign in, and load this page again.")
        expect(page.get_by_label("This service asks for a key")).to_have_count(0)
        page.request.get("/sign-in")
        page.get_by_role("button", name="Retry").click()
        expect(last(page, "done")).to_contain_text("Come in.")
        context.close()
