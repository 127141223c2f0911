"""The network goes away in the middle of an answer and comes back, in a real browser."""

import random

import pytest

from tests.page.road import Road
from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Ended, Gate, Pause, openai_wire, script

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer
LONG_TIMEOUT_MS = 30_000
"""Milliseconds: the longest wait between two tries is 8 s."""


@pytest.fixture
def road(service):
    with Road(service.port) as road:
        yield road


@pytest.fixture
def page(open_page, road):
    return open_page(road.url)


def leave(page, road):
    # Chromium's offline mode lets connections go on that are open already.
    road.cut()
    expect(sign(page)).to_be_visible()
    page.context.set_offline(True)


def come_back(page, road):
    road.mend()
    page.context.set_offline(False)


def sign(page):
    return page.locator(".turn:last-child .lost")


class TestLostConnection:
    def test_the_answer_goes_on_where_it_was_with_nothing_lost_or_doubled(self, page, road, upstream, asked):
        upstream.answer(MODEL, answer("One", Gate("away"), " two", Gate("back"), " three.", usage=(31, 12)))
        ask(page)
        expect(prose(page)).to_have_text("One")
        leave(page, road)
        expect(sign(page)).to_have_text("Connection lost. Reconnecting…")
        expect(last(page, "flowing")).to_be_visible()
        upstream.open_gate("away")
        upstream.wait_for(lambda: upstream.requests(MODEL)[-1].at_gate == "back")
        expect(prose(page)).to_have_text("One")
        come_back(page, road)
        expect(prose(page)).to_have_text("One two", timeout=LONG_TIMEOUT_MS)
        expect(sign(page)).to_be_hidden()
        upstream.open_gate("back")
        expect(last(page, "done").locator(".prose")).to_have_text("One two three.")
        expect(page.get_by_role("list", name="About this answer")).to_contain_text("12 tokens out")
        assert asked() == 1

    def test_it_is_announced_once(self, page, road, upstream):
        upstream.answer(MODEL, answer("One", Gate("told"), " two."))
        ask(page)
        expect(prose(page)).to_have_text("One")
        leave(page, road)
        for _ in range(2):
            page.wait_for_event("requestfailed", lambda request: "/api/streams/" in request.url)
        announced = page.locator("[aria-live=polite]").get_by_text("Connection lost. Reconnecting…")
        expect(announced).to_have_count(1)
        come_back(page, road)
        upstream.open_gate("told")
        expect(last(page, "done").locator(".prose")).to_have_text("One two.", timeout=LONG_TIMEOUT_MS)

    def test_an_answer_that_is_cut_again_and_again_is_exact(self, page, road, upstream, asked):
        dice = random.Random(7)
        words = [f"{number} 日本 " for number in range(400)]
        steps = [piece for word in words for piece in (word, Pause(0.01))]
        upstream.answer(MODEL, answer(*steps))
        page.evaluate("() => (Math.random = () => 0.1)")
        road.cut()  # the connections of the page's own files have no limit
        road.mend()
        road.limit = 600
        ask(page)
        while road.cuts < 12 and not last(page, "done").is_visible():
            road.limit = dice.randrange(500, 2500)
            page.wait_for_timeout(20)
        road.mend()
        expect(last(page, "done").locator(".prose")).to_have_text("".join(words).strip(), timeout=LONG_TIMEOUT_MS)
        assert asked() == 1
        assert road.cuts >= 12  # one more may have come before the road was mended

    def test_a_question_whose_answer_never_began_to_arrive_is_asked_once(self, page, road, upstream, asked):
        upstream.answer(MODEL, answer("Heard", Gate("head"), " at last."))
        road.is_deaf = True
        ask(page)
        upstream.wait_for(lambda: asked() == 1)
        leave(page, road)
        expect(sign(page)).to_contain_text("Trying again")
        come_back(page, road)
        expect(prose(page)).to_have_text("Heard", timeout=LONG_TIMEOUT_MS)
        upstream.open_gate("head")
        expect(last(page, "done").locator(".prose")).to_have_text("Heard at last.")
        assert asked() == 1


class TestTrying:
    """On a clock that stands still: no timer fires unless the test turns it on."""

    @pytest.fixture
    def page(self, open_page, road):
        page = open_page(road.url, prepare=lambda page: page.clock.install())
        page.clock.pause_at(page.evaluate("() => Date.now() + 1000"))
        return page

    def test_it_is_tried_at_once_when_the_browser_is_online_again(self, page, road, upstream):
        upstream.answer(MODEL, answer("One", Gate("online"), " two."))
        ask(page)
        assert self.run_until(page, prose(page).get_by_text("One"), step=100)
        leave(page, road)
        with page.expect_request("**/api/streams/*"):
            come_back(page, road)
        upstream.open_gate("online")
        expect(sign(page)).to_be_hidden()
        upstream.ended(MODEL, len(upstream.requests(MODEL)) - 1)
        assert self.run_until(page, last(page, "done"))
        expect(prose(page)).to_have_text("One two.")

    def test_it_is_given_up_after_two_minutes_and_retry_goes_on_with_the_same_answer(self, page, road, upstream, asked):
        upstream.answer(MODEL, answer("One", Gate("given up"), " two."))
        ask(page)
        assert self.run_until(page, prose(page).get_by_text("One"), step=100)
        started = page.evaluate("() => Date.now()")
        leave(page, road)
        assert self.run_until(page, last(page, "failed"))
        assert 100_000 < page.evaluate("() => Date.now()") - started < 130_000
        alert = last(page, "failed").get_by_role("alert")
        expect(alert).to_contain_text("did not come back in time")
        expect(sign(page)).to_be_hidden()
        expect(prose(page)).to_have_text("One")
        come_back(page, road)
        upstream.open_gate("given up")
        alert.get_by_role("button", name="Retry").click()
        assert self.run_until(page, last(page, "done"))
        expect(prose(page)).to_have_text("One two.")
        assert asked() == 1

    @staticmethod
    def run_until(page, sight, step=1000):
        for _ in range(600):
            if sight.is_visible():
                return True
            page.clock.run_for(step)
        return False


class TestStop:
    def test_offline_it_ends_here_at_once_and_at_the_server_when_the_network_is_back(self, page, road, upstream):
        upstream.answer(MODEL, answer("Some", Gate("never")))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        number = len(upstream.requests(MODEL)) - 1
        leave(page, road)
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
        expect(sign(page)).to_be_hidden()
        expect(prose(page)).to_have_text("Some")
        assert upstream.requests(MODEL)[number].ended is None
        come_back(page, road)
        # Long before the time is over for which an answer goes on without a reader.
        assert upstream.ended(MODEL, number, timeout=12).ended is Ended.ABORTED

    def test_a_question_that_was_stopped_while_nobody_knew_whether_it_had_arrived(self, page, road, upstream):
        upstream.answer(MODEL, script(Gate("never")))
        before = len(upstream.requests(MODEL))
        road.is_deaf = True
        ask(page)
        upstream.wait_for(lambda: len(upstream.requests(MODEL)) > before)
        leave(page, road)
        page.get_by_role("button", name="Stop").click()
        expect(last(page, "stopped")).to_contain_text("before the first token")
        come_back(page, road)
        assert upstream.ended(MODEL, before, timeout=12).ended is Ended.ABORTED
        assert len(upstream.requests(MODEL)) == before + 1

    def test_an_answer_that_was_left_while_offline_is_whole_when_its_reader_comes_back(self, page, road, upstream):
        upstream.answer(MODEL, answer("Some", Gate("left"), " more."))
        ask(page)
        expect(prose(page)).to_have_text("Some")
        leave(page, road)
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".turn")).to_have_count(0)
        upstream.open_gate("left")
        come_back(page, road)
        page.go_back()
        expect(last(page, "done").locator(".prose")).to_have_text("Some more.")
