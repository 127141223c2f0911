"""The list of models that cannot be had, in a real browser: the page says so, and tries again by itself."""

import json

import pytest

from tests.page.gateway import LOGIN_PAGE, Reply
from tests.page.screen import MODEL, ask, last
from tests.support.upstream import openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

LIST = r"^GET /api/models"
JSON = "application/json"
TWO_MODELS = [
    {"id": f"mill/{name}", "name": name, "provider": "mill", "embedded": False, "default": name == "slow"}
    for name in ("slow", "fast")
]
ANYTHING_BUT_A_LIST = {
    "a gateway's page": Reply(502, b"<h1>Bad gateway</h1>"),
    "a login's page": LOGIN_PAGE,
    "a failure in JSON": Reply(500, b'{"error": {"code": "internal", "message": "A bug."}}', JSON),
}


@pytest.fixture
def page(browser, gateway):
    context = browser.new_context(base_url=gateway.url)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.add_init_script("Math.random = () => 0.2")  # no long waits between two tries
    yield page
    context.close()


def about(page):
    return page.locator("#about")


def chosen(page):
    return page.locator("#model")


def listing(models, default="mill/slow"):
    return Reply(200, json.dumps({"default": default, "models": models}).encode(), JSON)


@pytest.mark.parametrize("reply", ANYTHING_BUT_A_LIST.values(), ids=ANYTHING_BUT_A_LIST)
def test_it_says_what_is_so_and_has_the_list_a_little_later(reply, page, gateway):
    gateway.replies = [(LIST, reply)] * 3 + [(LIST, listing(TWO_MODELS))]
    page.goto("/")
    expect(about(page)).to_contain_text("The list of models cannot be had: ")
    assert chosen(page).evaluate("select => select.selectedOptions[0]?.text") == "Default model"
    expect(chosen(page)).to_have_value("mill/slow")
    expect(about(page)).to_have_text("A model can be wrong. Check what matters.")


def test_meanwhile_questions_go_to_the_default_model(page, gateway, upstream):
    upstream.answer(MODEL, openai_wire.answer("Here I am."))
    gateway.replies = [(LIST, Reply(502))] * 30
    page.goto("/")
    expect(about(page)).to_contain_text("cannot be had")
    ask(page)
    expect(last(page, "done").locator(".prose")).to_have_text("Here I am.")


def test_a_page_that_comes_back_has_the_last_list_and_the_choice(page, gateway):
    gateway.replies = [(LIST, listing(TWO_MODELS)), *[(LIST, Reply(502))] * 30]
    page.goto("/")
    chosen(page).select_option("mill/fast")
    page.reload()
    expect(about(page)).to_contain_text("cannot be had")
    expect(chosen(page)).to_have_value("mill/fast")
    assert chosen(page).locator("option").all_text_contents() == ["slow", "fast"]


def test_a_chosen_model_that_is_away_is_told_and_comes_back(page, gateway):
    gateway.replies = [(LIST, listing(models)) for models in (TWO_MODELS, TWO_MODELS[:1], TWO_MODELS)]
    page.goto("/")
    chosen(page).select_option("mill/fast")
    page.reload()
    expect(about(page)).to_have_text("mill/fast, which you chose, is not in the list of models now. slow answers.")
    expect(chosen(page)).to_have_value("mill/slow")
    page.reload()
    expect(chosen(page)).to_have_value("mill/fast")


def test_only_an_empty_list_of_the_service_says_that_there_is_no_model(page, gateway):
    gateway.replies = [(LIST, listing([], None))]
    page.goto("/")
    expect(about(page)).to_contain_text("This service has no model to ask.")


def test_it_is_asked_for_at_once_when_the_browser_is_online_again(page, gateway):
    page.add_init_script("Math.random = () => 0.999")
    gateway.replies = [(LIST, Reply(502))] * 4
    page.goto("/")
    page.wait_for_function("() => document.querySelector('#about').textContent.includes('cannot be had')")
    page.wait_for_timeout(700)  # it is not asked for more often than twice a second
    gateway.replies = [(LIST, listing(TWO_MODELS))]
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(chosen(page)).to_have_value("mill/slow", timeout=2000)
