"""The page sends back what a provider wants of its reasoning, in a real browser: with the next question, also later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.page.screen import ask, last, prose, stored_turns
from tests.support.reasoning_answers import CONFIG, FORMS, Form, returned
from tests.support.service import Service
from tests.support.upstream import Gate, Script, Upstream, anthropic_wire, openai_wire, responses_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

WIRES = {"chat": openai_wire, "resp": responses_wire, "claude": anthropic_wire, "moon": anthropic_wire}


def stored_states(page):
    return [turn.get("reasoningState") for turn in stored_turns(page)]


@pytest.fixture(scope="module")
def native(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config = tmp_path_factory.mktemp("native") / "headrace.toml"
    config.write_text(CONFIG.format(url=upstream.url))
    with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789", HEADRACE_MODEL="chat/page") as running:
        yield running


@pytest.fixture
def thinking(open_page: Any, native: Service, upstream: Upstream) -> Any:
    """Open the page with a model of this name chosen."""

    def open_with(provider: str, *scripts: Script) -> Any:
        upstream.answer("page", list(scripts))
        page = open_page(native.url)
        options = f'<option value="{provider}/page">{provider}/page</option>'
        page.locator("#model").evaluate("(select, options) => select.insertAdjacentHTML('beforeend', options)", options)
        page.locator("#model").select_option(f"{provider}/page")
        return page

    return open_with


def last_body(upstream: Upstream) -> Any:
    return upstream.requests("page")[-1].body


def ok(form: Form) -> Script:
    return WIRES[form.provider].answer("And so on.")


# An answer with tool calls is shown with them; the page has no tools, so the calls themselves do not go back.
@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.wanted])
def test_with_the_second_question_the_provider_has_it(thinking: Any, upstream: Upstream, name: str) -> None:
    form = FORMS[name]
    page = thinking(form.provider, form.script, ok(form))
    ask(page)
    expect(last(page, "done")).to_contain_text("Well. It is.")
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("And so on.")
    assert returned(form, last_body(upstream)) == (form.wanted, [])


@pytest.mark.parametrize("name", ["openrouter, openai", "anthropic"])
def test_after_a_reload_the_provider_has_it_all_the_same(thinking: Any, upstream: Upstream, name: str) -> None:
    form = FORMS[name]
    page = thinking(form.provider, form.script, ok(form), ok(form))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.reload()
    expect(prose(page)).to_have_text("Well. It is.")
    page.locator("#model").evaluate(
        "(select, id) => select.insertAdjacentHTML('beforeend', `<option value='${id}'>${id}</option>`)",
        f"{form.provider}/page",
    )
    page.locator("#model").select_option(f"{form.provider}/page")
    for _ in range(2):
        ask(page, "And?")
        expect(last(page, "done")).to_contain_text("And so on.")
        assert returned(form, last_body(upstream))[0] == form.wanted


def test_in_the_middle_of_an_answer_a_reload_loses_nothing_of_it(thinking: Any, upstream: Upstream) -> None:
    form = FORMS["deepseek"]
    steps = list(form.script.steps)
    steps.insert(3, Gate("reloaded"))
    page = thinking("chat", Script(tuple(steps)), ok(form))
    ask(page)
    expect(page.locator(".turn:last-child .reasoning")).to_be_visible()
    page.reload()
    upstream.open_gate("reloaded")
    expect(last(page, "done")).to_contain_text("Well. It is.")
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("And so on.")
    assert returned(form, last_body(upstream))[0] == form.wanted


def test_another_model_has_nothing_of_it(thinking: Any, upstream: Upstream) -> None:
    form = FORMS["deepseek"]
    page = thinking("chat", form.script, ok(form), ok(form))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.locator("#model").evaluate(
        "select => select.insertAdjacentHTML('beforeend', '<option value=\"other/page\">other/page</option>')"
    )
    page.locator("#model").select_option("other/page")
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("And so on.")
    assert last_body(upstream)["messages"][1] == {"role": "assistant", "content": "Well. It is."}
    page.locator("#model").select_option("chat/page")
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("And so on.")
    assert last_body(upstream)["messages"][1]["reasoning_content"] == "Hm."
    assert last_body(upstream)["messages"][3] == {"role": "assistant", "content": "And so on."}


def test_an_answer_that_is_asked_for_again_replaces_it(thinking: Any, upstream: Upstream) -> None:
    form = FORMS["deepseek"]
    page = thinking("chat", form.script, openai_wire.answer("Anew."), ok(form))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    assert stored_states(page)[0].startswith("r1.")
    page.get_by_role("button", name="Regenerate").click()
    expect(last(page, "done")).to_contain_text("Anew.")
    assert stored_states(page)[1] is None
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("And so on.")
    assert json.dumps(last_body(upstream)).count("reasoning") == 0
