"""Tools that run here, in a real browser: their calls, what they show while they run, their results, and their ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page.screen import ask, last
from tests.page.tool_desk import Desk

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright").expect

STATUS = ["ToolCall", "c1", "order_status", {"order_id": 41}]
TRACK = ["ToolCall", "c1", "track", {"parcel": "AX"}]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
def page(open_page: Any, desk: Desk) -> Any:
    desk.start_afresh()
    return open_page(desk.url)


def parts(page: Any) -> Any:
    return page.locator(".turn:last-child [data-part=flow] > *")


def run(page: Any, name: str) -> Any:
    """The last call of a tool."""
    return page.locator(".run").filter(has=page.locator("code b", has_text=name)).last


def heard(page: Any) -> str:
    return "\n".join(page.locator("#spoken p").all_text_contents())


def test_calls_and_texts_stand_in_the_order_in_which_they_came_with_their_results_folded(page: Any, desk: Desk) -> None:
    desk.script(["Let me look.", STATUS, ["ToolCall", "c2", "order_status", {"order_id": 404}]], ["It is **sent.**"])
    ask(page)
    expect(last(page, "done")).to_be_visible()
    for _ in ("at once", "after a reload"):
        expect(parts(page)).to_have_count(3)
        expect(parts(page).first).to_have_text("Let me look.")
        calls = parts(page).nth(1).get_by_role("listitem")
        expect(calls.nth(0)).to_contain_text('order_status({"order_id":41})Done')
        expect(calls.nth(1)).to_contain_text('order_status({"order_id":404})FailedThere is no such order')
        expect(parts(page).last.locator("strong")).to_have_text("sent.")
        result = page.get_by_role("group", name="Result of order_status")
        expect(result).to_be_hidden()
        calls.nth(0).get_by_text("Result").click()
        expect(result).to_contain_text('"weight": 9007199254740993,')
        expect(result).to_contain_text('"arrives": "<b>tomorrow</b>"')
        expect(result.locator("b")).to_have_count(0)
        page.reload()


def test_a_screen_reader_is_told_what_becomes_of_a_tool(page: Any, desk: Desk) -> None:
    desk.script([STATUS, ["ToolCall", "c2", "order_status", {"order_id": 404}]], ["So."])
    ask(page)
    expect(last(page, "done")).to_be_visible()
    assert "Calls order_status." in heard(page)
    assert "Tool finished: order_status." in heard(page)
    assert "Tool failed: order_status. There is no such order of this customer." in heard(page)
    page.reload()
    expect(parts(page).last).to_have_text("So.")
    assert heard(page) == ""


def test_a_tool_that_runs_shows_its_progress_and_a_reload_does_not_disturb_it(page: Any, desk: Desk) -> None:
    desk.script(["One moment.", TRACK], ["There."])
    ask(page)
    expect(run(page, "track")).to_have_attribute("data-state", "running")
    expect(run(page, "track").locator(".progress")).to_have_text("Asking the carrier")
    page.reload()
    expect(run(page, "track")).to_have_attribute("data-state", "running")
    expect(last(page, "flowing")).to_be_visible()
    desk.open_gate("carrier")
    expect(run(page, "track").locator(".progress")).to_have_text('{"stops":3,"weight":9007199254740993}')
    desk.open_gate("stops")
    expect(last(page, "done")).to_contain_text("There.")
    expect(run(page, "track").locator(".progress")).to_have_count(0)
    run(page, "track").get_by_text("Result").click()
    expect(page.get_by_role("group", name="Result of track")).to_have_text("It is in Lyon.")
    assert desk.runs() == ["track {'parcel': 'AX'}"]


def test_arguments_grow_before_the_tool_runs(page: Any, desk: Desk) -> None:
    pieces = [["ToolCallStarted", 0, "c1", "order_status"], ["ToolCallDelta", 0, '{"order_id"']]
    desk.script(["Look.", *pieces, ["Silence", 30]])
    ask(page)
    expect(run(page, "order_status")).to_contain_text('order_status({"order_id"')
    expect(run(page, "order_status").locator(".status")).to_have_text("Calling")
    page.keyboard.press("Escape")
    expect(last(page, "stopped")).to_be_visible()
    expect(run(page, "order_status").locator(".status")).to_have_text("Stopped")
    assert desk.runs() == []


def test_a_stop_ends_the_tool_and_the_next_question_says_so(page: Any, desk: Desk) -> None:
    desk.script([TRACK], ["Well."])
    ask(page)
    expect(run(page, "track").locator(".progress")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(last(page, "stopped")).to_contain_text("You stopped this answer.")
    for _ in ("at once", "after a reload"):
        expect(run(page, "track").locator(".status")).to_have_text("Stopped")
        expect(run(page, "track").locator(".progress")).to_have_count(0)
        page.reload()
    desk.wait_for(lambda: "track stopped" in desk.runs())
    ask(page, "And?")
    expect(last(page, "done")).to_contain_text("Well.")
    roles = [message["role"] for message in desk.messages()]
    assert roles == ["user", "assistant", "tool", "user"]
    assert "interrupted" in desk.messages()[2]["content"]


def test_the_next_question_has_each_step_with_its_calls_and_results(page: Any, desk: Desk) -> None:
    second = ["Sent. And the other?", ["ToolCall", "c2", "order_status", {"order_id": 404}]]
    desk.script(["Let me look.", STATUS], second, ["Not there."], ["Bye."])
    ask(page)
    expect(last(page, "done")).to_contain_text("Not there.")
    page.reload()
    ask(page, "Thanks.")
    expect(last(page, "done")).to_contain_text("Bye.")
    messages = desk.messages()
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant", "tool", "assistant", "tool", "assistant", "user"]
    assert messages[1]["content"] == "Let me look."
    assert messages[1]["tool_calls"][0] == {"id": "c1", "name": "order_status", "arguments": {"order_id": 41}}
    assert '"weight":9007199254740993' in messages[2]["content"]
    assert messages[2]["tool_call_id"] == "c1"
    assert messages[4] == {
        "role": "tool", "content": "There is no such order of this customer.", "tool_call_id": "c2", "is_error": True,
    }  # fmt: skip


def test_a_long_result_is_cut_and_shown_whole_on_demand(page: Any, desk: Desk) -> None:
    desk.script([["ToolCall", "c1", "report", {"lines": 3000}]], ["Done."])
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.get_by_text("Result", exact=True).click()
    result = page.get_by_role("group", name="Result of report")
    expect(result).to_contain_text("line 0 of the report")
    assert len(result.text_content()) < 2100
    button = page.get_by_role("button", name=re.compile("Show all [0-9,]+ characters of the result of report"))
    button.focus()
    page.keyboard.press("Enter")
    expect(result).to_contain_text("line 2999 of the report")
    expect(result).to_be_focused()
    expect(button).to_have_count(0)


def test_a_failed_answer_keeps_what_was_received_and_retry_goes_on_without_running_the_tool_again(
    page: Any, desk: Desk
) -> None:
    desk.script(["Look.", STATUS], ["Half an", ["Broken", "The model fell silent."]], ["Sent, whole."])
    ask(page)
    alert = last(page, "failed").get_by_role("alert")
    expect(alert).to_contain_text("The model fell silent.")
    for _ in ("at once", "after a reload"):
        expect(parts(page).first).to_have_text("Look.")
        expect(run(page, "order_status").locator(".status")).to_have_text("Done")
        expect(parts(page).last).to_have_text("Half an")
        page.reload()
    alert.get_by_role("button", name="Retry").click()
    expect(last(page, "done")).to_contain_text("Sent, whole.")
    expect(parts(page)).to_have_text(["Look.", re.compile("Done"), "Sent, whole."])
    assert [message["role"] for message in desk.messages()] == ["user", "assistant", "tool"]
    assert desk.runs() == ["order_status {'order_id': 41}"]


def test_a_model_of_a_chain_that_begins_again_in_the_second_step_does_not_show_the_first_twice(
    open_page: Any, tmp_path: Path
) -> None:
    config = tmp_path / "headrace.toml"
    config.write_text('[models.desk]\nchain = ["fake/one", "fake/two"]\nretries = 0\non_divergence = "restart"\n')
    with Desk(tmp_path, HEADRACE_CONFIG=str(config), HEADRACE_MODEL="desk") as desk:
        desk.script(["Look.", STATUS], ["It was", ["Broken", "gone"]], ["It is sent."])
        page = open_page(desk.url)
        ask(page)
        expect(last(page, "done")).to_contain_text("fake/two")
        assert "Begun again with" in heard(page)
        expect(parts(page)).to_have_text(["Look.", re.compile("order_status.*Done"), "It is sent."])
        assert desk.runs() == ["order_status {'order_id': 41}"]
        page.reload()
        expect(parts(page)).to_have_text(["Look.", re.compile("order_status.*Done"), "It is sent."])


def test_a_call_of_a_tool_that_is_not_run_here_looks_as_ever_and_does_not_go_back(page: Any, desk: Desk) -> None:
    frames = [
        'event: tool\ndata: {"call":0,"id":"c1","name":"find"}',
        'event: tool\ndata: {"call":0,"arguments":{"n":1.50}}',
        'event: tool\ndata: {"call":0,"result":"<i>three</i>"}',
        'data: {"delta":"There are three."}',
        "data: [DONE]",
    ]
    body = "".join([f"{frame}\n\n" for frame in frames])
    page.route("**/api/chat", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    ask(page)
    expect(last(page, "done")).to_be_visible()
    page.unroute("**/api/chat")
    for _ in ("at once", "after a reload"):
        expect(parts(page)).to_have_text([re.compile(re.escape('calls find({"n":1.50})')), "There are three."])
        page.get_by_text("Result", exact=True).click()
        expect(page.get_by_role("group", name="Result of find")).to_have_text("<i>three</i>")
        page.reload()
    desk.script(["Bye."])
    ask(page, "Thanks.")
    expect(last(page, "done")).to_contain_text("Bye.")
    assert [message["role"] for message in desk.messages()] == ["user", "assistant", "user"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_state_is_wider_than_the_page(page: Any, desk: Desk, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    word = "long" * 60
    desk.script([
        ["ToolCall", "c1", "order_status", {"order_id": 404}], ["ToolCall", "c2", "report", {"lines": 200}],
        ["ToolCall", "c3", "mail", {"to": word, "text": word}], ["ToolCall", "c4", f"no_{word}"[:60], {word: word}],
    ])  # fmt: skip
    ask(page)
    expect(last(page, "undecided")).to_be_visible()
    page.get_by_text("Result", exact=True).first.click()
    for element in ("html", ".calls", ".run", ".approval", ".choices"):
        for found in page.locator(element).all():
            assert found.evaluate("(e) => e.scrollWidth <= e.clientWidth + 2"), element
    for name in ("Approve mail", "Deny mail"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 36
        assert box["x"] + box["width"] <= width
