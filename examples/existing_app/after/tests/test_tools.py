import pytest
from flask_headrace import ToolCall

from extensions import db
from models import Order, Turn

CHAT = "/support/5b7ca0de-3c1e-4d52-9a2f-0c8f6f0a7f11"


def look_up(order_id, id="call_1"):
    return ToolCall(id, "order_status", {"order_id": order_id})


def cancel(order_id, id="call_1"):
    return ToolCall(id, "cancel_order", {"order_id": order_id})


def status(app, order_id):
    with app.app_context():
        return db.session.get(Order, order_id).status


@pytest.fixture
def ask(ann, headrace_provider, read_stream):
    """Asks as Ann, or as another, and returns the answer, for which steps of the model are scripted."""

    def asked(*steps, client=ann, **body):
        for step in steps:
            headrace_provider.answers(*step)
        return read_stream(client.post(CHAT, json=body)).answer

    return asked


def test_the_model_looks_an_order_up(ask, headrace_provider):
    answer = ask(["Let me look.", look_up(2)], ["It is being packed."], question="Where is my order 2?")
    assert answer.text == "Let me look.It is being packed."
    result = {"items": ["Hand mill", "2 kg of spelt"], "placed_on": "2026-11-26", "status": "being packed"}
    assert answer.tool_calls[0].result == result
    assert '"being packed"' in headrace_provider.questions[1].messages[-1].text()


def test_the_model_is_given_the_orders_of_the_customer_alone(app, ask):
    answer = ask([look_up(3)], ["I do not know it."], question="Where is order 3?")
    assert answer.tool_calls[0].error == "This customer has no order 3."
    assert ask([cancel(3, "call_2")], question="Cancel order 3.").reason == "tool_calls"
    assert ask(["I cannot."], decisions={"call_2": True}).text == "I cannot."
    assert status(app, 3) == "on its way"


def test_an_order_is_cancelled_once_the_customer_agrees(app, ask, headrace_provider):
    asked = ask([cancel(2)], question="Cancel order 2, please.")
    assert (asked.reason, status(app, 2)) == ("tool_calls", "being packed")
    assert ask(["It is cancelled."], decisions={"call_1": True}).text == "It is cancelled."
    assert status(app, 2) == "cancelled"
    assert headrace_provider.questions[1].messages[-1].text() == '{"status":"cancelled"}'


def test_an_order_is_not_cancelled_if_the_customer_says_no(app, ask, headrace_provider):
    ask([cancel(2)], question="Cancel order 2, please.")
    assert ask(["It stays."], decisions={"call_1": False}).text == "It stays."
    assert status(app, 2) == "being packed"
    assert headrace_provider.questions[1].messages[-1].text() == "The user has not approved the call."


def test_nothing_but_true_agrees(app, ask):
    for number, decision in enumerate(["yes", 1, None, {"approved": True}]):
        ask([cancel(2, f"call_{number}")], question="Cancel order 2, please.")
        assert ask(["It stays."], decisions={f"call_{number}": decision}).text == "It stays."
        assert status(app, 2) == "being packed"


def test_an_order_that_has_left_is_not_cancelled(app, ask, headrace_provider):
    ask([cancel(1)], question="Cancel order 1, please.")
    ask(["It is too late."], decisions={"call_1": True})
    assert headrace_provider.questions[1].messages[-1].text() == "Order 1 is delivered: it cannot be cancelled."
    assert status(app, 1) == "delivered"


def test_several_calls_are_decided_about_together(app, ask, ann, headrace_provider):
    ask([look_up(1, "a"), cancel(2, "b"), cancel(1, "c")], question="Cancel all I have.")
    assert ann.post(CHAT, json={"decisions": {"b": True}}).status_code == 400
    assert status(app, 2) == "being packed"
    ask(["Order 2 is cancelled."], decisions={"b": True, "c": False})
    assert status(app, 2) == "cancelled"
    told = [message.tool_call_id for message in headrace_provider.questions[1].messages if message.role == "tool"]
    assert sorted(told) == ["a", "b", "c"]


def test_the_conversation_is_kept_with_its_calls_and_goes_on(app, ask, headrace_provider):
    ask([look_up(2)], ["Being packed."], question="Where is order 2?")
    ask([look_up(1, "call_2"), cancel(2, "call_3")], question="Cancel it.")
    ask(["Done."], decisions={"call_3": True})
    ask(["You are welcome."], question="Thanks.")
    roles = ["user", "assistant", "tool", "assistant", "user", "assistant", "tool", "tool", "assistant", "user"]
    with app.app_context():
        kept = [turn.message for turn in db.session.scalars(db.select(Turn).order_by(Turn.id))]
    assert [message["role"] for message in kept] == [*roles, "assistant"]
    assert [message.role for message in headrace_provider.questions[-1].messages[1:]] == roles
    assert [message["tool_call_id"] for message in kept if message["role"] == "tool"] == ["call_1", "call_2", "call_3"]


def test_a_question_in_place_of_a_decision_leaves_the_order_alone(app, ask, headrace_provider, ann):
    ask([cancel(2)], question="Cancel order 2, please.")
    ask(["It is as it was."], question="Wait, how much was it?")
    told = [message.text() for message in headrace_provider.questions[1].messages[-2:]]
    assert told == ["There is no result: the call was not approved, or it was stopped.", "Wait, how much was it?"]
    assert ann.post(CHAT, json={"decisions": {"call_1": True}}).status_code == 409
    assert status(app, 2) == "being packed"


def test_a_decision_counts_once(app, ask, ann, headrace_provider):
    ask([cancel(2)], question="Cancel order 2, please.")
    headrace_provider.answers("Done.")
    for _ in range(2):  # as by a page that has lost its connection
        assert ask(decisions={"call_1": True}, id="0123456789abcdef").text == "Done."
        with app.app_context():
            db.session.get(Order, 2).status = "being packed"
            db.session.commit()
    assert ann.post(CHAT, json={"decisions": {"call_1": True}}).status_code == 409
    assert status(app, 2) == "being packed"


def test_nobody_decides_for_another(app, ask, ben):
    ask([cancel(2)], question="Cancel order 2, please.")
    assert ben.post(CHAT, json={"decisions": {"call_1": True}}).status_code == 409
    assert status(app, 2) == "being packed"


def test_the_page_asks_the_customer_again_after_a_reload(ask, ann):
    ask([look_up(2, "call_1"), cancel(2, "call_2")], question="Cancel order 2, please.")
    page = ann.get(CHAT).text
    assert page.count('class="tool"') == 2
    assert '"approval"' in page
    assert "being packed" in page  # the result of the first call
