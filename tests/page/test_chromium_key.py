"""A service that wants a key, in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, enter_key, key_field, last
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


@pytest.fixture(scope="module")
def locked(upstream):
    with Service(**openai_alone(upstream), HEADRACE_API_KEYS="open-sesame") as service:
        yield service


@pytest.fixture
def page(browser, locked):
    """The page of a service that wants a key, without one."""
    context = browser.new_context(base_url=locked.url)
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


@pytest.mark.parametrize(
    "key", ["open\u200b-sesame", "\ufeffopen-sesame\u2028", " open-sesame\u00a0", "\u2060open-\u00adsesame"]
)
def test_a_key_that_is_pasted_with_invisible_characters_works_also_after_a_reload(page, upstream, key):
    upstream.answer(MODEL, openai_wire.answer("Come in."))
    page.goto("/")
    expect(key_field(page)).to_be_focused()
    field = enter_key(page, key)
    page.wait_for_selector("#model option:not([value=''])", state="attached")
    page.reload()
    page.wait_for_selector("#model option:not([value=''])", state="attached")
    expect(field).to_be_hidden()
    ask(page)
    expect(last(page, "done").locator(".prose")).to_have_text("Come in.")


def test_a_key_that_cannot_be_sent_is_told_at_the_form_and_not_kept(page):
    page.goto("/")
    expect(key_field(page)).to_be_focused()
    field = enter_key(page, "open–sesame")
    expect(page.locator("#key").get_by_role("alert")).to_contain_text("A key cannot have these characters: –")
    expect(field).to_be_visible()
    expect(field).to_have_value("open–sesame")
    assert page.evaluate("() => Object.values(sessionStorage).join().includes('sesame')") is False
    enter_key(page, "open-sesame")
    page.wait_for_selector("#model option:not([value=''])", state="attached")


def test_a_key_that_an_earlier_page_has_kept_and_that_cannot_be_sent_is_asked_for_again(page):
    page.add_init_script("sessionStorage.setItem('headrace:/api:key', JSON.stringify('open–sesame'))")
    page.goto("/")
    expect(key_field(page)).to_be_focused()


def test_a_wrong_key_is_told_at_the_form(page):
    page.goto("/")
    expect(key_field(page)).to_be_focused()
    field = enter_key(page, "open-barley")
    expect(page.locator("#key").get_by_role("alert")).to_contain_text("does not accept the key")
    expect(field).to_have_value("")


REFUSED_STORAGE = {
    "is not to be had": "for (const area of ['localStorage', 'sessionStorage']) Object.defineProperty(window, area,"
    " { get() { throw new DOMException('No.', 'SecurityError'); } });",
    "takes nothing": "Storage.prototype.setItem = () => { throw new DOMException('Full.', 'QuotaExceededError'); };",
}


@pytest.mark.parametrize("script", REFUSED_STORAGE.values(), ids=REFUSED_STORAGE)
def test_the_key_is_kept_in_memory_where_storage(script, page, upstream):
    upstream.answer(MODEL, openai_wire.answer("Come in."))
    page.add_init_script(script)
    page.goto("/")
    expect(key_field(page)).to_be_focused()
    field = enter_key(page, "open-sesame")
    for _ in range(2):
        ask(page)
        expect(last(page, "done").locator(".prose")).to_have_text("Come in.")
    expect(field).to_be_hidden()


def test_it_does_not_take_the_focus_from_a_reader_who_is_writing(page):
    held = []
    page.route("**/api/models", lambda route, _: held.append(route))  # the refusal comes while the reader writes
    page.goto("/")
    question = page.get_by_label("Your question")
    expect(question).to_be_focused()
    page.keyboard.type("my long ques")
    held[0].continue_()
    expect(key_field(page)).to_be_visible()
    page.keyboard.type("tion being typed")
    expect(question).to_have_value("my long question being typed")
    expect(key_field(page)).to_have_value("")
    expect(page.locator("#key").get_by_role("alert")).to_contain_text("once a key is entered")
