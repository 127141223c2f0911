"""A page that is loaded again, or opened twice, in the middle of an answer, in a real browser."""

import pytest

from tests.page.screen import MODEL, ask, last, prose, store_turns, stored_turns
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Reasoning, openai_wire, script

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
expect, Error = playwright.expect, playwright.Error

answer = openai_wire.answer


class TestReload:
    def test_in_the_middle_it_shows_the_answer_whole_and_goes_on(self, page, upstream, asked):
        steps = ("# One", Gate("reloaded"), "\n\n**two", Gate("rest"), "** three.")
        upstream.answer(MODEL, answer(Reasoning("Hm, "), Reasoning("well."), *steps, usage=(31, 12)))
        ask(page)
        expect(prose(page).locator("h1, h2, h3, h4")).to_have_text("One")
        page.reload()
        expect(prose(page)).to_have_text("One")
        expect(last(page, "flowing")).to_be_visible()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        times = stored_turns(page)[-1]["times"]
        upstream.open_gate("reloaded")
        expect(prose(page).locator("strong")).to_have_text("two")
        page.reload()
        now = stored_turns(page)[-1]["times"]
        assert (now["askedAt"], now["firstTokenAt"]) == (times["askedAt"], times["firstTokenAt"])
        upstream.open_gate("rest")
        expect(last(page, "done").locator(".prose p")).to_have_text("two three.")
        expect(last(page, "done").locator(".prose strong")).to_have_text("two")
        expect(page.locator(".reasoning .thoughts")).to_have_text("Hm, well.")
        facts = page.get_by_role("list", name="About this answer")
        for fact in (MODEL, "to first token", "12 tokens out", "31 in"):
            expect(facts).to_contain_text(fact)
        assert asked() == 1

    def test_what_was_read_out_is_not_read_out_again(self, page, upstream):
        sentence = "The water comes down the race and turns the wheel below it."
        upstream.answer(MODEL, answer(f"{sentence} {sentence} And", Gate("heard"), " so it is.\n\nEnd."))
        ask(page)
        expect(prose(page)).to_contain_text("And")
        page.reload()
        expect(prose(page)).to_contain_text("And")
        upstream.open_gate("heard")
        expect(last(page, "done")).to_be_visible()
        announced = page.locator("[aria-live=polite]")
        expect(announced).to_contain_text("End.")
        expect(announced).not_to_contain_text("The water comes")

    def test_before_the_first_token_it_waits_on(self, page, upstream, asked):
        upstream.answer(MODEL, script(Gate("first"), *answer("Here.").steps))
        ask(page)
        upstream.wait_for(lambda: asked() == 1)
        page.reload()
        expect(last(page, "waiting")).to_be_visible()
        upstream.open_gate("first")
        expect(last(page, "done").locator(".prose")).to_have_text("Here.")
        assert asked() == 1

    def test_after_it_a_stop_is_still_a_stop(self, page, upstream):
        upstream.answer(MODEL, answer("Some", Gate("never")))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        number = len(upstream.requests(MODEL)) - 1
        page.reload()
        expect(last(page, "flowing")).to_be_visible()
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
        assert upstream.ended(MODEL, number).ended is Ended.ABORTED

    def test_where_the_stream_is_gone_it_keeps_what_came_and_retry_asks_anew(self, open_page, upstream):
        upstream.answer(MODEL, [answer("Half", Gate("never")), answer("Whole.")])
        number = len(upstream.requests(MODEL))
        limits = {"HEADRACE_RESUME_GRACE": "0.1", "HEADRACE_RETENTION": "0.1"}
        with Service(**openai_alone(upstream), **limits) as service:
            page = open_page(service.url)
            ask(page)
            expect(prose(page)).to_have_text("Half")
            path = f"/api/streams/{stored_turns(page)[-1]['stream']['id']}"
            url = page.url
            page.goto("about:blank")
            assert upstream.ended(MODEL, number).ended is Ended.ABORTED
            service.wait_until(lambda: is_gone(page, service.url + path))
            page.goto(url)
            expect(last(page, "failed").get_by_role("alert")).to_contain_text("can no longer be resumed")
            expect(prose(page)).to_have_text("Half")
            page.get_by_role("button", name="Retry").click()
            expect(last(page, "done").locator(".prose")).to_have_text("Whole.")


def is_gone(page, url: str) -> bool:
    try:
        return page.request.get(url).status == 404
    except Error:
        return False  # it went while it was read


class TestClock:
    """A question of which the page has kept that it was asked long ago, or on a clock that was set since."""

    @pytest.mark.parametrize("asked_at", [0, 10**15])
    def test_one_that_has_arrived_is_followed_and_not_asked_twice(self, page, upstream, asked, asked_at):
        upstream.answer(MODEL, answer("One", Gate(f"set {asked_at}"), " two."))
        ask(page)
        expect(prose(page)).to_have_text("One")
        leave_unheard(page, asked_at)
        expect(prose(page)).to_have_text("One")
        upstream.open_gate(f"set {asked_at}")
        expect(last(page, "done").locator(".prose")).to_have_text("One two.")
        assert asked() == 1

    def test_one_that_never_arrived_says_so_and_is_asked_by_its_reader_only(self, page, upstream, asked):
        upstream.answer(MODEL, answer("One."))
        ask(page)
        expect(last(page, "done")).to_be_visible()
        leave_unheard(page, 0, id="0" * 32)
        expect(last(page, "failed").get_by_role("alert")).to_contain_text("This question was never answered.")
        assert asked() == 1
        page.get_by_role("button", name="Retry").click()
        expect(last(page, "done").locator(".prose")).to_have_text("One.")
        assert asked() == 2


def leave_unheard(page, asked_at, **stream):
    """Let the page come back with a question of which it has not heard that the server has it."""
    turns = stored_turns(page)
    url = page.url
    page.goto("about:blank")
    page.goto(url.partition("#")[0] + "api/models")
    kept = {"id": "", **(turns[-1]["stream"] or {}), **stream, "askedAt": asked_at, "isAccepted": False, "cursor": "0"}
    store_turns(page, [{**turns[-1], "parts": [], "state": "waiting", "stream": kept}], url.partition("#")[2])
    page.goto(url)


class TestTwoTabs:
    def test_both_show_the_same_answer_of_one_question(self, page, upstream, asked):
        upstream.answer(MODEL, answer("One", Gate("both"), " two."))
        ask(page, "What?")
        expect(prose(page)).to_have_text("One")
        other = page.context.new_page()
        other.goto("/")
        expect(prose(other)).to_have_text("One")
        expect(other.locator(".question p")).to_have_text("What?")
        upstream.open_gate("both")
        for tab in (page, other):
            expect(last(tab, "done").locator(".prose")).to_have_text("One two.")
        assert asked() == 1
        third = page.context.new_page()
        third.goto("/")
        expect(third.get_by_role("heading", name="Open the gate.")).to_be_visible()

    def test_a_stop_in_one_is_told_in_the_other(self, page, upstream):
        upstream.answer(MODEL, answer("Some", Gate("never")))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        number = len(upstream.requests(MODEL)) - 1
        other = page.context.new_page()
        other.goto("/")
        expect(prose(other)).to_have_text("Some")
        other.get_by_role("button", name="Stop").click()
        for tab in (page, other):
            expect(last(tab, "stopped").locator(".note")).to_contain_text("stopped")
        assert upstream.ended(MODEL, number).ended is Ended.ABORTED

    def test_a_new_chat_in_the_one_that_only_looks_on_leaves_the_other_alone(self, page, upstream):
        upstream.answer(MODEL, answer("Some", Gate("left alone"), " more."))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        other = page.context.new_page()
        other.goto("/")
        expect(prose(other)).to_have_text("Some")
        other.get_by_role("button", name="New chat").click()
        expect(other.locator(".turn")).to_have_count(0)
        other.reload()
        expect(other.get_by_role("heading", name="Open the gate.")).to_be_visible()
        upstream.open_gate("left alone")
        expect(last(page, "done").locator(".prose")).to_have_text("Some more.")

    def test_a_tab_that_is_closed_stops_nothing_and_the_next_one_goes_on(self, page, upstream, asked):
        upstream.answer(MODEL, answer("Some", Gate("closed"), " more."))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        stops = []
        page.context.on("request", lambda request: stops.append(request.url) if request.method == "DELETE" else None)
        page.close(run_before_unload=True)
        other = page.context.new_page()
        other.goto("/")
        expect(prose(other)).to_have_text("Some")
        upstream.open_gate("closed")
        expect(last(other, "done").locator(".prose")).to_have_text("Some more.")
        assert stops == []
        assert asked() == 1
