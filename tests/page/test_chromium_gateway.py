"""What is between the page and the service misbehaves, in a real browser: no answer is lost, no word comes twice."""

import json

import pytest

from tests.page.gateway import LOGIN_PAGE, SILENCE, Reply
from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer
JSON = "application/json"
STREAM = r"^GET /api/streams/"
QUESTION = r"^POST /api/chat"


@pytest.fixture
def page(open_page, gateway):
    return open_page(gateway.url)


def break_in_the_middle(page, gateway, upstream, gate, *replies):
    """Ask, let the connection break after the first word, and let each of `replies` come in place of the rest."""
    upstream.answer(MODEL, answer("One", Gate(gate), " two", " three."))
    ask(page)
    expect(prose(page)).to_have_text("One")
    gateway.replies = [(STREAM, reply) for reply in replies]
    gateway.cut()


REFUSALS = {
    "a login's page": LOGIN_PAGE,
    "a gateway's JSON": Reply(503, b'{"error": {"code": "no_healthy_upstream", "message": "No."}}', JSON),
    "another form of JSON": Reply(429, b'{"message": "Too many requests"}', JSON),
    "a page with 500": Reply(500, b"<h1>Oh</h1>"),
    "a page with 522": Reply(522, b"<h1>Timed out</h1>"),
    "a page with 403": Reply(403, b"<h1>No</h1>"),
    "a page with 401": Reply(401, b"<h1>Who?</h1>"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_an_answer_that_has_begun_outlasts(refusal, page, gateway, upstream, asked):
    gate = f"outlasts {refusal.status} {refusal.content_type}"
    break_in_the_middle(page, gateway, upstream, gate, refusal, refusal)
    page.wait_for_function("() => document.querySelector('.lost').hidden", timeout=30_000)
    upstream.open_gate(gate)
    expect(last(page, "done").locator(".prose")).to_have_text("One two three.")
    assert asked() == 1
    assert not gateway.replies


def test_where_the_cursor_is_lost_on_the_way_no_word_comes_twice(page, gateway, upstream, asked):
    gateway.dropped = "Last-Event-ID"
    break_in_the_middle(page, gateway, upstream, "doubled")
    expect(page.locator(".turn:last-child .lost")).to_be_hidden(timeout=20_000)
    upstream.open_gate("doubled")
    expect(last(page, "done").locator(".prose")).to_have_text("One two three.")
    assert asked() == 1


def test_connections_on_which_nothing_comes_are_left_soon(page, gateway, upstream, asked):
    break_in_the_middle(page, gateway, upstream, "mute", SILENCE, SILENCE)
    upstream.open_gate("mute")
    # Long before the 45 s after which a silent connection counts as lost.
    expect(last(page, "done").locator(".prose")).to_have_text("One two three.", timeout=20_000)
    assert not gateway.replies
    assert asked() == 1


def test_a_page_that_wakes_from_a_sleep_looks_at_once(page, gateway, upstream, asked):
    upstream.answer(MODEL, answer("One", Gate("asleep"), " two."))
    ask(page)
    expect(prose(page)).to_have_text("One")
    before = gateway.count(STREAM)
    page.evaluate("() => dispatchEvent(new Event('pageshow'))")
    page.wait_for_timeout(2000)
    assert gateway.count(STREAM) == before  # it was awake all the time
    page.evaluate("""() => {
      const now = Date.now;
      Date.now = () => now() + 3_600_000;
      dispatchEvent(new Event("pageshow"));
    }""")
    with page.expect_request("**/api/streams/*", timeout=10_000):
        pass
    upstream.open_gate("asleep")
    expect(last(page, "done").locator(".prose")).to_have_text("One two.")
    assert asked() == 1


def test_a_stop_while_the_body_of_a_refusal_stalls_is_a_stop(page, gateway):
    gateway.replies = [(QUESTION, Reply(503, b'{"error": ', JSON, is_stalled=True))]
    with page.expect_response("**/api/chat"):
        ask(page)
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_contain_text("You stopped before the first token.", timeout=2000)


def test_the_body_of_a_refusal_that_stalls_holds_nothing_up(page, gateway, upstream):
    gateway.replies = [(QUESTION, Reply(503, b'{"error": ', JSON, is_stalled=True))]
    ask(page)
    expect(last(page, "failed")).to_contain_text("The server failed with status 503.", timeout=15_000)
    upstream.answer(MODEL, answer("Now."))
    page.get_by_role("button", name="Retry").click()
    expect(last(page, "done")).to_contain_text("Now.")


def test_bodies_that_never_end_do_not_use_the_connections_up(page, gateway, upstream):
    gateway.keeps_bodies_open = True
    for number in range(8):
        upstream.answer(MODEL, answer(f"Answer {number}."))
        ask(page)
        expect(last(page, "done").locator(".prose")).to_have_text(f"Answer {number}.", timeout=10_000)


BUSY = {"code": "too_many_streams", "message": "All 1 streams of this worker are in use. Try again soon."}


def busy(seconds):
    return Reply(503, json.dumps({"error": BUSY}).encode(), JSON, f"Retry-After: {seconds}\r\n")


def note_of(page):
    return last(page, "failed").locator("[data-part=reason]")


def test_a_wait_is_told_once_counted_down_and_then_the_page_asks_again(page, gateway, upstream):
    upstream.answer(MODEL, answer("Now."))
    gateway.replies = [(QUESTION, busy(2))]
    ask(page)
    counted = note_of(page).locator("[aria-hidden]")
    expect(counted).to_have_text("Trying again in 1 s.")
    expect(note_of(page)).to_contain_text("This service is writing as many answers as it can.")
    assert "Try again soon" not in note_of(page).text_content()
    expect(last(page, "failed").get_by_role("button", name="Retry")).to_be_disabled()
    expect(last(page, "done").locator(".prose")).to_have_text("Now.")
    assert gateway.count(QUESTION) == 2


def test_the_page_asks_again_by_itself_three_times_at_most(page, gateway):
    gateway.replies = [(QUESTION, busy(1))] * 4
    ask(page)
    expect(note_of(page).locator("[aria-hidden]")).to_have_text("You can try again in 1 s.", timeout=15_000)
    expect(last(page, "failed").get_by_role("button", name="Retry")).to_be_enabled()
    page.wait_for_timeout(1500)
    assert gateway.count(QUESTION) == 4


def test_a_reader_who_presses_stop_in_the_wait_is_not_answered(page, gateway):
    gateway.replies = [(QUESTION, busy(2))]
    ask(page)
    expect(note_of(page).locator("[aria-hidden]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(last(page, "failed").get_by_role("button", name="Retry")).to_be_enabled()
    page.wait_for_timeout(500)
    assert gateway.count(QUESTION) == 1
    expect(note_of(page)).to_have_text("This service is writing as many answers as it can.")


def test_another_question_ends_the_wait(page, gateway, upstream):
    upstream.answer(MODEL, answer("The other."))
    gateway.replies = [(QUESTION, busy(2))]
    ask(page)
    expect(note_of(page).locator("[aria-hidden]")).to_be_visible()
    ask(page, "Another question")
    expect(last(page, "done").locator(".prose")).to_have_text("The other.")
    page.wait_for_timeout(2500)
    assert gateway.count(QUESTION) == 2
    expect(page.locator(".turn[data-state=failed]")).to_have_count(1)
