"""Questions that are edited, retried and deleted, answers that go on, and their versions, in a real browser."""

import re
import subprocess

import pytest

from tests.page.screen import MODEL, ask, last, prose, stored_turns
from tests.support.upstream import Gate, openai_wire

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer


def press(page, name):
    page.locator(".turn").last.get_by_role("button", name=name, exact=True).click()


def asked_of(upstream):
    """The messages of the last request, as (role, text)."""
    return [(turn["role"], turn["content"]) for turn in upstream.requests(MODEL)[-1].body["messages"]]


def conversation(page, upstream, *texts):
    upstream.answer(MODEL, [answer(text) for text in texts])
    for number in range(1, len(texts) + 1):
        ask(page, f"Question {number}?")
        expect(page.locator(".turn[data-state=done]")).to_have_count(number)


def shown(page):
    return page.locator(".turn .question p, .turn .prose")


def test_a_new_answer_leaves_the_one_before_a_click_away_also_after_a_reload(page, upstream):
    conversation(page, upstream, "First.")
    upstream.answer(MODEL, answer("Second."))
    press(page, "Regenerate")
    expect(prose(page)).to_have_text("Second.")
    expect(page.get_by_text("2/2")).to_be_visible()
    press(page, "Previous version")
    expect(prose(page)).to_have_text("First.")
    expect(page.get_by_role("button", name="Next version")).to_be_focused()
    page.reload()
    expect(prose(page)).to_have_text("First.")
    expect(page.get_by_text("1/2")).to_be_visible()


def test_a_stop_right_after_a_new_answer_was_asked_for_loses_nothing(page, upstream):
    conversation(page, upstream, "First.")
    upstream.answer(MODEL, answer("S", Gate("never")))
    press(page, "Regenerate")
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_be_visible()
    press(page, "Previous version")
    expect(prose(page)).to_have_text("First.")


def test_an_edited_question_is_asked_with_what_stood_before_it_and_keeps_what_came_after(page, upstream):
    conversation(page, upstream, "One.", "Two.", "Three.")
    upstream.answer(MODEL, answer("Anew."))
    turn = page.locator(".turn").nth(1)
    turn.get_by_role("button", name="Edit").click()
    field = page.get_by_label("Edit the question")
    expect(field).to_have_value("Question 2?")
    field.fill("Question B?")
    field.press("Enter")
    expect(shown(page)).to_have_text(["Question 1?", "One.", "Question B?", "Anew."])
    assert asked_of(upstream) == [("user", "Question 1?"), ("assistant", "One."), ("user", "Question B?")]
    press(page, "Previous version")
    expect(shown(page)).to_have_text(["Question 1?", "One.", "Question 2?", "Two.", "Question 3?", "Three."])


def test_an_edit_that_is_given_up_changes_nothing_and_stops_no_answer(page, upstream):
    conversation(page, upstream, "One.")
    upstream.answer(MODEL, answer("Some", Gate("edit"), " more."))
    ask(page, "And?")
    expect(prose(page)).to_have_text("Some")
    page.locator(".turn").first.get_by_role("button", name="Edit").click()
    page.keyboard.type(" More")
    page.keyboard.press("Escape")
    expect(page.locator(".turn").first.get_by_role("button", name="Edit")).to_be_focused()
    upstream.open_gate("edit")
    expect(last(page, "done").locator(".prose")).to_have_text("Some more.")
    expect(page.locator(".question p").first).to_have_text("Question 1?")


def test_a_deleted_question_is_not_sent_any_more_and_an_undo_brings_it_back(page, upstream):
    conversation(page, upstream, "One.", "Two.", "Three.")
    page.locator(".turn").nth(1).get_by_role("button", name="Delete").click()
    expect(shown(page)).to_have_text(["Question 1?", "One.", "Question 3?", "Three."])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".turn")).to_have_count(3)
    page.locator(".turn").first.get_by_role("button", name="Delete").click()
    expect(page.locator(".turn")).to_have_count(2)
    upstream.answer(MODEL, answer("Four."))
    ask(page, "Question 4?")
    expect(page.locator(".turn[data-state=done]")).to_have_count(3)
    assert [text for _, text in asked_of(upstream)] == ["Question 2?", "Two.", "Question 3?", "Three.", "Question 4?"]
    page.reload()
    expect(page.locator(".turn")).to_have_count(3)


def test_a_page_that_a_deletion_makes_short_offers_no_way_to_its_end(page, upstream):
    conversation(page, upstream, "One.", "A line.\n\n" * 60)
    page.mouse.move(500, 300)
    page.mouse.wheel(0, -600)
    jump = page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_visible()
    page.locator(".turn").last.get_by_role("button", name="Delete").click()
    expect(page.locator(".turn")).to_have_count(1)
    expect(jump).to_be_hidden()


def test_a_cut_answer_goes_on_where_it_ends(page, upstream):
    upstream.answer(MODEL, answer("The wa", finish="length"))
    ask(page, "Write.")
    expect(last(page, "cut").get_by_text("cut at its length limit")).to_be_visible()
    upstream.answer(MODEL, answer("ter **wheel** turns.", usage=(9, 5)))
    press(page, "Continue")
    expect(last(page, "done").locator(".prose")).to_have_text("The water wheel turns.")
    assert asked_of(upstream)[:2] == [("user", "Write."), ("assistant", "The wa")]
    assert asked_of(upstream)[2][0] == "user"
    for _ in ("at once", "after a reload"):
        expect(prose(page).locator("p")).to_have_text(["The water wheel turns."])
        expect(prose(page).locator("strong")).to_have_text("wheel")
        page.reload()
    upstream.answer(MODEL, answer("So."))
    ask(page, "And?")
    expect(last(page, "done").locator(".prose")).to_have_text("So.")
    assert asked_of(upstream)[1] == ("assistant", "The water **wheel** turns.")


def test_what_the_filter_withholds_is_not_offered_to_go_on(page, upstream):
    upstream.answer(MODEL, answer("Half", finish="content_filter"))
    ask(page)
    expect(last(page, "cut").get_by_text("withheld by the provider's filter")).to_be_visible()
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()


def test_a_stopped_answer_says_what_it_took_and_can_go_on(page, upstream):
    upstream.answer(MODEL, answer("Half", Gate("never")))
    ask(page)
    expect(prose(page)).to_have_text("Half")
    page.keyboard.press("Escape")
    facts = last(page, "stopped").get_by_role("list", name="About this answer")
    expect(facts).to_contain_text("1 token out")
    expect(facts).to_contain_text("estimated")
    upstream.answer(MODEL, answer(" and whole."))
    press(page, "Continue")
    expect(last(page, "done").locator(".prose")).to_have_text("Half and whole.")


def test_a_failed_answer_stays_as_a_version_when_it_is_asked_for_again(page, upstream):
    upstream.answer(MODEL, [openai_wire.failing_after(3), answer("Whole.")])
    ask(page)
    expect(last(page, "failed").locator(".prose")).to_have_text("0 1 2")
    press(page, "Retry")
    expect(last(page, "done").locator(".prose")).to_have_text("Whole.")
    press(page, "Previous version")
    expect(last(page, "failed").locator(".prose")).to_have_text("0 1 2")


def test_what_is_not_sent_with_later_questions_is_marked_and_can_be_retried_at_any_time(page, upstream):
    upstream.answer(MODEL, [openai_wire.error(400), answer("Two."), answer("One.")])
    ask(page, "Question 1?")
    expect(last(page, "failed")).to_be_visible()
    ask(page, "Question 2?")
    expect(last(page, "done")).to_be_visible()
    assert asked_of(upstream) == [("user", "Question 2?")]
    first = page.locator(".turn").first
    expect(first).to_contain_text("Not sent with later questions")
    first.get_by_role("button", name="Retry").click()
    expect(shown(page)).to_have_text(["Question 1?", "One.", "Question 2?", "Two."])
    expect(first).not_to_contain_text("Not sent")


def test_the_wait_for_a_silent_model_is_told(page, upstream):
    upstream.answer(MODEL, answer(Gate("silent"), "At last."))
    page.clock.install()
    ask(page)
    upstream.wait_for(lambda: upstream.requests(MODEL)[-1].at_gate)
    expect(page.get_by_text("Waiting for the first token")).to_be_visible()
    page.clock.run_for(6500)
    expect(page.get_by_text(re.compile(rf"Waiting for openai/{MODEL}, ([6-9]|\d\d) seconds"))).to_be_visible()
    page.clock.resume()
    upstream.open_gate("silent")
    expect(last(page, "done").locator(".prose")).to_have_text("At last.")
    expect(page.get_by_text(f"Waiting for openai/{MODEL}")).to_be_hidden()


def test_a_question_is_there_after_a_reload_before_anything_came(page, upstream):
    upstream.answer(MODEL, answer(Gate("reloaded"), "Here."))
    ask(page, "Anybody?")
    upstream.wait_for(lambda: upstream.requests(MODEL)[-1].at_gate)
    page.reload()
    expect(page.locator(".question p")).to_have_text("Anybody?")
    upstream.open_gate("reloaded")
    expect(last(page, "done").locator(".prose")).to_have_text("Here.")


def test_a_draft_is_there_after_a_reload_and_each_conversation_has_its_own(page, upstream):
    conversation(page, upstream, "One.")
    page.get_by_label("Your question").fill("my long ques")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("my long ques")
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_label("Your question")).to_have_value("")
    page.get_by_label("Your question").fill("another")
    page.go_back()
    expect(page.get_by_label("Your question")).to_have_value("my long ques")
    page.go_forward()
    expect(page.get_by_label("Your question")).to_have_value("another")


def test_a_request_that_was_copied_as_curl_is_the_request(page, upstream):
    conversation(page, upstream, "It's **one**.")
    upstream.answer(MODEL, answer("Don't."))
    ask(page, "Why 'so'?")
    expect(prose(page)).to_have_text("Don't.")
    page.locator(".turn").last.get_by_text("More", exact=True).click()
    press(page, "Copy the request as curl")
    command = page.evaluate("() => navigator.clipboard.readText()")
    before = upstream.requests(MODEL)[-1].body["messages"]
    upstream.answer(MODEL, answer("Again."))
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert 'data: {"delta":"Again."}' in done.stdout
    assert upstream.requests(MODEL)[-1].body["messages"] == before


def test_an_answer_is_copied_as_it_was_written_or_as_it_reads(page, upstream):
    conversation(page, upstream, "# Title\n\nIt is **one**.\n\n```py\nx = 1\n```")
    press(page, "Copy")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "# Title\n\nIt is **one**.\n\n```py\nx = 1\n```"
    page.locator(".turn").last.get_by_text("More", exact=True).click()
    press(page, "Copy as text")
    lines = page.evaluate("() => navigator.clipboard.readText()").split("\n")
    assert [line for line in lines if line] == ["Title", "It is one.", "py", "x = 1"]


def test_turns_that_a_tab_has_kept_in_another_shape_are_no_dead_page(page, upstream):
    conversation(page, upstream, "One.")
    assert [turn["state"] for turn in stored_turns(page)] == ["done"]
    page.evaluate("() => { location.hash = '#nothing-here' }")
    expect(page.locator(".turn")).to_have_count(0)
    ask(page, "Question 1?")
    expect(page.locator(".turn[data-state=done]")).to_have_count(1)
