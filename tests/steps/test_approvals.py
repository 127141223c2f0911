"""Calls that a person must approve: what is asked for, what an answer to it may be, and what runs."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import gevent
import pytest
from flask import Flask

from flask_headrace import ConfigurationError, Headrace, tool
from flask_headrace.providers.tool_approval import DENIED, ToolApproval
from flask_headrace.steps.prepared_calls import CANNOT_ASK
from flask_headrace.tools.approvals import Approvals
from tests.steps.stage import QUESTION, Desk, answered, ask_for_refund, call, refused, results


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_call_waits_for_its_approval_and_then_runs(desk: Desk) -> None:
    desk.model.answers("I will. ", call("refund", order=5))
    response = desk.ask()
    assert response.named("end") == [{"finish_reason": "tool_calls"}]
    [approval] = [data["approval"] for data in response.named("tool") if "approval" in data]
    assert desk.ran == []
    desk.model.answers("Done.")
    turn = desk.answer().messages[-1]
    assert turn["tool_calls"][0]["approval"] == {"id": approval}
    response = desk.ask(messages=answered([*QUESTION, turn]))
    assert response.named("tool") == [{"id": "c1", "result": "refunded 5"}]
    assert response.text == "Done."
    assert desk.ran == [("refund", 5)]
    _, asked, result = desk.asked()
    assert (asked.tool_calls[0].approval, result.content) == (None, "refunded 5")
    assert [message["role"] for message in desk.answer().messages] == ["tool", "assistant"]


@pytest.mark.parametrize("reason", [None, "too much"])
def test_a_call_that_is_denied_does_not_run_and_the_model_is_told(desk: Desk, reason: str | None) -> None:
    conversation = ask_for_refund(desk)
    desk.model.answers("Then not.")
    response = desk.ask(messages=answered(conversation, approved=False, reason=reason))
    error = DENIED if reason is None else f"{DENIED} Their reason: too much"
    assert results(response) == [{"error": error}]
    assert (desk.asked()[-1].content, desk.asked()[-1].is_error) == (error, True)
    assert desk.ran == []


def test_a_call_that_was_denied_cannot_be_approved_later(desk: Desk) -> None:
    conversation = ask_for_refund(desk)
    desk.model.answers("Then not.")
    desk.ask(messages=answered(conversation, approved=False))
    refused(desk, answered(conversation), 409, "was used before")


def test_an_approval_is_used_once(desk: Desk) -> None:
    conversation = ask_for_refund(desk)
    desk.model.answers("ok", times=None)
    assert desk.ask(messages=answered(conversation)).is_done
    refused(desk, answered(conversation), 409, "was used before")
    assert desk.ran == [("refund", 5)]


def test_what_was_approved_and_has_run_cannot_be_denied_later(desk: Desk) -> None:
    conversation = ask_for_refund(desk)
    desk.model.answers("ok", times=None)
    assert desk.ask(messages=answered(conversation)).is_done
    refused(desk, answered(conversation, approved=False), 409, "was used before, given or denied")
    assert desk.ran == [("refund", 5)]


def test_an_approval_is_used_once_by_many_at_once(desk: Desk) -> None:
    conversation = answered(ask_for_refund(desk))
    desk.model.answers("ok", times=None)
    tries = [gevent.spawn(desk.ask, messages=conversation) for _ in range(20)]
    assert sorted(one.get().status for one in tries) == [200] + [409] * 19
    assert desk.ran == [("refund", 5)]


def changed(**fields: Any) -> Any:
    def change(made: dict[str, Any]) -> None:
        made["tool_calls"][0] |= fields

    return change


def with_approval(**fields: Any) -> Any:
    def change(made: dict[str, Any]) -> None:
        made["tool_calls"][0]["approval"] |= fields

    return change


FORGED = {
    "another order": changed(arguments={"order": 6}),
    "a text for a number": changed(arguments={"order": "5"}),
    "true for a number": changed(arguments={"order": True}),
    "a further argument": changed(arguments={"order": 5, "amount": 100.0}),
    "no arguments": changed(arguments={}),
    "a list for an object": changed(arguments={"order": [5]}),
    "a marked number": changed(arguments={"order": ["number", "5e0"]}),
    "another tool": changed(name="pay", arguments={"amount": 50}),
    "another tool, same arguments": changed(name="find"),
    "another call": changed(id="c2"),
    "an invented id": with_approval(id="yes"),
    "no id": with_approval(id=""),
    "half of the id": lambda made: made["tool_calls"][0]["approval"].update(
        id=made["tool_calls"][0]["approval"]["id"][:-5]
    ),
    "another signature": lambda made: made["tool_calls"][0]["approval"].update(
        id=made["tool_calls"][0]["approval"]["id"][:-1]
        + ("A" if made["tool_calls"][0]["approval"]["id"][-1] != "A" else "Q")
    ),
    "half of a character": with_approval(id="\ud800"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_was_not_asked_for_is_not_approved(desk: Desk, what: str) -> None:
    conversation = answered(ask_for_refund(desk))
    before = deepcopy(conversation)
    FORGED[what](conversation[-1])
    refused(desk, conversation, 400, "" if "character" in what else "The approval of the call")
    # The approval itself can still be given.
    desk.model.answers("ok")
    assert desk.ask(messages=before).is_done
    assert desk.ran == [("refund", 5)]


def test_an_approval_is_its_owners_own(desk: Desk) -> None:
    conversation = answered(ask_for_refund(desk))
    refused(desk, conversation, 400, "another user", user="bob")
    desk.model.answers("ok")
    assert desk.ask(messages=conversation).is_done


def test_an_approval_is_of_one_call_alone(desk: Desk) -> None:
    desk.model.answers(call("refund", order=5), call("refund", id="c2", order=5))
    conversation = [*QUESTION, *json.loads(json.dumps(desk.ask_for_answer().messages))]
    calls = conversation[-1]["tool_calls"]
    calls[0]["approval"]["approved"] = calls[1]["approval"]["approved"] = True
    swapped = deepcopy(conversation)
    swapped[-1]["tool_calls"][0]["approval"]["id"] = calls[1]["approval"]["id"]
    refused(desk, swapped, 400, "another call")
    doubled = deepcopy(conversation)
    doubled[-1]["tool_calls"][1] = doubled[-1]["tool_calls"][0]
    refused(desk, doubled, 400, "has the id 'c1' twice")
    # None of both was used up by what was refused.
    desk.model.answers("ok")
    assert desk.ask(messages=conversation).is_done
    assert desk.ran == [("refund", 5)] * 2


@pytest.mark.parametrize(
    ("written", "sent_back"),
    [
        ({"amount": 1.50}, '{"order":5,"amount":1.5}'),
        ({"amount": 2.0}, '{"amount":2,"order":5}'),
        ({"amount": 100.0}, '{"order":5,"amount":1e2}'),
        ({"amount": 0.0}, '{"order":5,"amount":-0}'),
        ({"note": {"b": [1.0, None], "a": "ä"}}, '{"order":5.0,"note":{"a":"\\u00e4","b":[1,null]}}'),
        ({"note": 2**60}, '{"order":5,"note":1152921504606846976}'),
    ],
)
def test_numbers_may_come_back_as_javascript_writes_them(desk: Desk, written: Any, sent_back: str) -> None:
    conversation = answered(ask_for_refund(desk, **written))
    conversation[-1]["tool_calls"][0]["arguments"] = json.loads(sent_back)
    desk.model.answers("ok")
    response = desk.ask(messages=conversation)
    assert response.is_done, response.body
    assert desk.ran == [("refund", 5)]


@pytest.mark.parametrize(("written", "sent_back"), [(2**60 + 1, 2**60), (0.1, 0.10000000000000002), (1, -1), (0, "0")])
def test_a_number_that_has_another_value_is_another_argument(desk: Desk, written: Any, sent_back: Any) -> None:
    conversation = answered(ask_for_refund(desk, note=written))
    conversation[-1]["tool_calls"][0]["arguments"]["note"] = sent_back
    refused(desk, conversation, 400, "other arguments")


def test_an_approval_expires() -> None:
    desk = Desk(config={"HEADRACE_APPROVAL_TIMEOUT": 1})
    conversation = answered(ask_for_refund(desk))
    gevent.sleep(2.1)  # the time of signatures has whole seconds
    refused(desk, conversation, 400, "was asked for more than 1 s ago: ask again")


def test_a_service_that_has_started_anew_with_its_store_in_memory_has_forgotten_approvals(desk: Desk) -> None:
    refused(Desk(), answered(ask_for_refund(desk)), 409, "forgotten since the service has started anew: ask again")


def test_the_store_on_disk_remembers_approvals(tmp_path: Any) -> None:
    config = {"HEADRACE_STORE": f"sqlite:///{tmp_path / 'store'}"}
    conversation = answered(ask_for_refund(Desk(config=config)))
    anew = Desk(config=config)
    anew.model.answers("ok")
    assert anew.ask(messages=conversation).is_done
    refused(Desk(config=config), conversation, 409, "was used before")


def test_earlier_keys_check_what_they_have_signed(tmp_path: Any) -> None:
    config = {"HEADRACE_STORE": f"sqlite:///{tmp_path / 'store'}"}
    conversation = answered(ask_for_refund(Desk(key="old", config=config)))
    refused(Desk(key="new", config=config), conversation, 400, "is none that was asked for")
    desk = Desk(key="new", config=config | {"SECRET_KEY_FALLBACKS": ["older", "old"]})
    desk.model.answers("ok")
    assert desk.ask(messages=conversation).is_done
    # What is signed now needs the new key.
    later = answered(ask_for_refund(desk))
    refused(Desk(key="old", config=config), later, 400, "is none that was asked for")


def test_an_application_without_a_key_is_told_at_its_start() -> None:
    said = "The tool refund needs approvals, which are signed with the application's SECRET_KEY"
    with pytest.raises(ConfigurationError, match=said):
        Desk(key=None)


def test_a_view_of_an_application_without_a_key_is_told_at_its_call() -> None:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    headrace = Headrace(app, tools=[tool(name="free")(lambda: 1)])
    with app.test_request_context(), pytest.raises(ConfigurationError, match="SECRET_KEY"):
        headrace.stream(QUESTION, tools=[tool(name="paid", needs_approval=True)(lambda: 1)])


def test_a_call_of_a_tool_that_the_application_has_dropped_does_not_run(desk: Desk) -> None:
    conversation = answered(ask_for_refund(desk))

    @desk.headrace.before
    def without_refund(question: Any) -> Any:
        return question.replace(tools=[each for each in question.request.tools if each.name != "refund"])

    refused(desk, conversation, 400, "approves 'refund', and no tool of this name runs here")


def test_a_function_says_which_calls_need_it(desk: Desk) -> None:
    desk.model.answers(call("pay", amount=10), call("pay", id="c2", amount=11))
    response = desk.ask()
    assert desk.ran == [("pay", 10)]
    assert [data["call"] for data in response.named("tool") if "approval" in data] == [1]


def test_a_function_that_fails_to_say_it_is_taken_for_a_yes(caplog: pytest.LogCaptureFixture) -> None:
    @tool(needs_approval=lambda n: 1 / n > 0)
    def divide(n: int) -> None:
        raise AssertionError("it ran")

    desk = Desk(tools=[divide])
    desk.model.answers(call("divide", n=0))
    assert [data for data in desk.ask().named("tool") if "approval" in data]
    assert "needs_approval of the tool divide failed, so the call needs an approval" in caplog.text


def test_nobody_is_asked_about_arguments_that_do_not_fit(desk: Desk) -> None:
    desk.model.answers(call("refund", order="many")).answers("sorry")
    response = desk.ask()
    assert not [data for data in response.named("tool") if "approval" in data]
    assert results(response)[0]["error"].startswith("The arguments do not fit")


@pytest.mark.parametrize("protocol", ["openai", "openai-responses", "anthropic", "text"])
def test_a_protocol_that_cannot_ask_tells_the_model_so(desk: Desk, protocol: str) -> None:
    desk.model.answers(call("refund", order=5)).answers("I cannot.")
    response = desk.ask("/own", tools=["refund"], protocol=protocol)
    assert b"I cannot." in response.body
    assert b"refund" not in response.body
    assert desk.asked()[-1].content == CANNOT_ASK
    assert desk.ran == []


class TestTickets:
    """Approvals by themselves, with a store that a test looks into."""

    def test_are_put_back_if_not_all_can_be_used(self) -> None:
        tickets: set[str] = set()

        def take(name: str) -> bool:
            if name not in tickets:
                return False
            tickets.remove(name)
            return True

        approvals = Approvals(["k"], 60, lambda name, seconds: tickets.add(name), take)
        made = call("refund", order=5)
        ids = [approvals.request(f"s{n}", made, "ann") for n in range(2)]
        given = [(made, ToolApproval(id_, True)) for id_ in ids]
        before = set(tickets)
        with pytest.raises(Exception, match="was used before"):
            approvals.use([*given, given[0]])
        assert tickets == before
        approvals.use(given)
        assert not tickets
