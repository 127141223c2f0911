"""A conversation in a real browser: it grows, it stops, it fails and is asked for again."""

import pytest

from tests.page.screen import MODEL, ask, last, prose
from tests.support.upstream import Close, Ended, Gate, Reasoning, openai_wire, script

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

answer = openai_wire.answer


class TestAnswer:
    def test_it_grows_in_steps_and_ends_with_its_facts(self, page, upstream):
        upstream.answer(MODEL, answer("One", Gate("two"), " two", Gate("three"), " three.", usage=(31, 12)))
        ask(page)
        expect(prose(page)).to_have_text("One")
        expect(last(page, "flowing")).to_be_visible()
        upstream.open_gate("two")
        expect(prose(page)).to_have_text("One two")
        upstream.open_gate("three")
        expect(last(page, "done").locator(".prose")).to_have_text("One two three.")
        facts = page.get_by_role("list", name="About this answer")
        for fact in (MODEL, "to first token", "12 tokens out", "31 in", "price unknown"):
            expect(facts).to_contain_text(fact)

    @pytest.mark.parametrize(
        ("reason", "notice"),
        [("length", "cut at its length limit"), ("content_filter", "withheld by the provider's filter")],
    )
    def test_one_that_was_cut_says_so_also_after_a_reload(self, page, upstream, reason, notice):
        upstream.answer(MODEL, answer("Half of **an", finish=reason))
        ask(page)
        expect(last(page, "cut").locator(".prose")).to_have_text("Half of an")
        expect(last(page, "cut").get_by_text(notice)).to_be_visible()
        expect(last(page, "cut").get_by_role("button", name="Regenerate")).to_be_visible()
        page.reload()
        expect(last(page, "cut").get_by_text(notice)).to_be_visible()

    def test_the_next_question_tells_the_model_what_was_said(self, page, upstream):
        upstream.answer(MODEL, answer("I am a mill."))
        ask(page, "Who are you?")
        expect(last(page, "done")).to_be_visible()
        ask(page, "Where?")
        expect(page.locator(".turn[data-state=done]")).to_have_count(2)
        assert [(turn["role"], turn["content"]) for turn in upstream.requests(MODEL)[-1].body["messages"]] == [
            ("user", "Who are you?"),
            ("assistant", "I am a mill."),
            ("user", "Where?"),
        ]

    def test_the_model_s_reasoning_waits_behind_a_click(self, page, upstream):
        upstream.answer(MODEL, answer(Reasoning("Six times "), Gate("thinking"), Reasoning("seven."), "It is 42."))
        ask(page)
        expect(last(page, "waiting").get_by_text("Thinking", exact=True)).to_be_visible()
        expect(page.get_by_text("Waiting for the first token")).to_be_hidden()
        upstream.open_gate("thinking")
        expect(last(page, "done").locator(".prose")).to_have_text("It is 42.")
        thoughts = page.get_by_text("Six times seven.")
        expect(thoughts).to_be_hidden()
        page.get_by_text("Reasoning", exact=True).click()
        expect(thoughts).to_be_visible()

    def test_it_can_be_asked_for_again(self, page, upstream):
        upstream.answer(MODEL, [answer("First."), answer("Second.")])
        ask(page)
        expect(prose(page)).to_have_text("First.")
        page.get_by_role("button", name="Regenerate").click()
        expect(prose(page)).to_have_text("Second.")
        assert len(upstream.requests(MODEL)[-1].body["messages"]) == 1

    def test_it_outlives_a_reload_and_a_new_chat_forgets_it(self, page, upstream):
        upstream.answer(MODEL, answer("**Kept.**"))
        ask(page, "Keep this")
        expect(last(page, "done")).to_be_visible()
        page.reload()
        expect(prose(page).locator("strong")).to_have_text("Kept.")
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".turn")).to_have_count(0)
        page.reload()
        expect(page.get_by_role("heading", name="Open the gate.")).to_be_visible()


class TestStop:
    @pytest.mark.parametrize("way", ["button", "Escape"])
    def test_what_has_come_stays_and_the_upstream_is_closed(self, page, upstream, way):
        upstream.answer(MODEL, answer("Some **words", Gate("never")))
        ask(page)
        expect(prose(page)).to_have_text("Some words")
        number = len(upstream.requests(MODEL)) - 1
        if way == "button":
            page.get_by_role("button", name="Stop").click()
        else:
            page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
        expect(prose(page)).to_have_text("Some words")
        expect(prose(page).locator("strong")).to_have_text("words")
        assert upstream.ended(MODEL, number).ended is Ended.ABORTED
        expect(page.get_by_role("button", name="Send")).to_be_visible()

    def test_it_works_before_the_first_token(self, page, upstream):
        upstream.answer(MODEL, script(Gate("never")))
        ask(page)
        expect(last(page, "waiting")).to_contain_text("Waiting for the first token")
        upstream.wait_for(lambda: upstream.requests(MODEL)[-1].at_gate)
        number = len(upstream.requests(MODEL)) - 1
        page.keyboard.press("Escape")
        expect(last(page, "stopped")).to_contain_text("before the first token")
        assert upstream.ended(MODEL, number).ended is Ended.ABORTED

    def test_a_new_chat_lets_the_answer_of_the_old_one_go_on(self, page, upstream):
        upstream.answer(MODEL, [answer("Some", Gate("rest"), " words."), answer("Fresh.")])
        ask(page, "Old?")
        expect(prose(page)).to_have_text("Some")
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".turn")).to_have_count(0)
        ask(page, "New?")
        expect(prose(page)).to_have_text("Fresh.")
        upstream.open_gate("rest")
        expect(page.get_by_role("status").filter(has_text="“Old?” is complete")).to_be_visible()
        page.go_back()
        expect(last(page, "done").locator(".prose")).to_have_text("Some words.")


class TestFailure:
    def test_before_the_first_byte_it_tells_the_reason_and_retry_works(self, page, upstream):
        upstream.answer(MODEL, [openai_wire.error(400), answer("Whole.")])
        ask(page)
        alert = last(page, "failed").get_by_role("alert")
        expect(alert).to_contain_text("too long for the model")
        alert.get_by_role("button", name="Retry").click()
        expect(last(page, "done").locator(".prose")).to_have_text("Whole.")
        expect(page.get_by_role("alert")).to_have_count(0)

    def test_a_wait_that_the_provider_asks_for_is_told_and_retry_works_only_after_it(self, page, upstream):
        upstream.answer(MODEL, [openai_wire.error(429, retry_after=7), answer("Whole.")])
        ask(page)
        alert = last(page, "failed").get_by_role("alert")
        expect(alert).to_contain_text("in 7 s")
        expect(alert.get_by_role("button", name="Retry")).to_be_disabled()
        expect(last(page, "done").locator(".prose")).to_have_text("Whole.")
        expect(page.get_by_role("alert")).to_have_count(0)

    def test_in_the_middle_it_keeps_what_came_and_retry_begins_anew(self, page, upstream):
        upstream.answer(MODEL, [openai_wire.failing_after(3), answer("Whole.")])
        ask(page)
        expect(last(page, "failed").locator(".prose")).to_have_text("0 1 2")
        alert = last(page, "failed").get_by_role("alert")
        expect(alert).to_contain_text("failed in the middle of its answer")
        alert.get_by_role("button", name="Retry").click()
        expect(last(page, "done").locator(".prose")).to_have_text("Whole.")

    def test_an_upstream_that_hangs_up_is_no_complete_answer(self, page, upstream):
        upstream.answer(MODEL, script(openai_wire.HEAD, openai_wire.text("Half"), Close()))
        ask(page)
        expect(last(page, "failed").locator(".prose")).to_have_text("Half")

    @pytest.mark.parametrize(
        ("wire", "text", "reason"),
        [
            ('data: {"delta":"Half"}\n\n', "Half", "can no longer be resumed"),
            ('event: new\ndata: {}\n\ndata: {"delta":"Half"}\n\ndata: [DONE]', "Half", "can no longer be resumed"),
            ('data: {"delta":"Half"}\n\nevent: cancelled\ndata: {"reason":"shutdown"}\n\n', "Half", "shutdown"),
            (
                'data: {"delta":"Void"}\n\nevent: restart\ndata: {"reason":"stall","model":"b"}\n\n',
                "",
                "can no longer be resumed",
            ),
        ],
    )
    def test_streams_that_no_server_should_send_are_told_apart(self, page, wire, text, reason):
        headers = {"Content-Type": "text/event-stream"}
        page.route("**/api/chat", lambda route: route.fulfill(body=wire, headers=headers))
        ask(page)
        expect(page.locator(".turn .note")).to_contain_text(reason)
        expect(page.locator(".turn [data-part=flow]")).to_have_text(text)

    def test_a_server_that_is_away_is_told(self, page):
        page.route("**/api/chat", lambda route: route.abort())
        ask(page)
        expect(last(page, "waiting")).to_contain_text("The server cannot be reached. Trying again…")

    def test_a_service_that_can_resume_nothing_is_asked_for_a_plain_stream(self, page, upstream):
        def refuse_once(route):
            if "resumable" not in route.request.post_data_json:
                return route.continue_()
            refused.append(route.request)
            error = {"code": "not_supported", "message": "No gevent here."}
            return route.fulfill(status=501, json={"error": error})

        refused = []
        page.route("**/api/chat", refuse_once)
        upstream.answer(MODEL, answer("All the same."))
        ask(page)
        expect(last(page, "done").locator(".prose")).to_have_text("All the same.")
        assert len(refused) == 1
