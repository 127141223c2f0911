from flask_headrace.testing import Silence

CHAT = "/support/5b7ca0de-3c1e-4d52-9a2f-0c8f6f0a7f11"


def ask(client, question, **fields):
    return client.post(CHAT, json={"question": question, **fields})


def test_the_chat_is_behind_the_login(client, headrace_provider):
    assert client.get("/support/").location.startswith("/login")
    assert ask(client, "Where is my order?").status_code == 302
    assert headrace_provider.questions == []


def test_the_model_is_given_the_help_pages_and_orders_of_the_one_who_asks(ann, headrace_provider, read_stream):
    headrace_provider.answers("Within 30 days.")
    assert read_stream(ask(ann, "Can I return unopened flour?")).answer.text == "Within 30 days."
    system, question = headrace_provider.questions[0].messages
    assert "Unopened bags of flour can be returned" in system.text()
    assert "Dressing millstones" not in system.text()
    assert "Hand mill" in system.text()
    assert "buckwheat" not in system.text()  # Ben has ordered it
    assert question.text() == "Can I return unopened flour?"


def test_a_conversation_goes_on_where_it_was(ann, headrace_provider, read_stream):
    headrace_provider.answers("In a cool place.")
    headrace_provider.answers("For three months.")
    read_stream(ask(ann, "How do I store flour?"))
    read_stream(ask(ann, "And for how long?"))
    told = [message.text() for message in headrace_provider.questions[1].messages[1:]]
    assert told == ["How do I store flour?", "In a cool place.", "And for how long?"]
    page = ann.get(CHAT).text
    assert page.index("In a cool place.") < page.index("For three months.")
    assert CHAT in ann.get("/support/").text


def test_a_question_that_is_sent_again_is_asked_once(ann, headrace_provider, read_stream):
    headrace_provider.answers("In a cool place.")
    for _ in range(2):  # as by a page that has lost its connection
        asked = ask(ann, "How do I store flour?", id="0123456789abcdef")
        assert read_stream(asked).answer.text == "In a cool place."
    assert len(headrace_provider.questions) == 1
    assert ann.get(CHAT).text.count("In a cool place.") == 1


def test_a_stopped_answer_is_kept_as_one(ann, headrace_provider):
    headrace_provider.answers("In a cool ", Silence())
    stream = ask(ann, "How do I store flour?").headers["Headrace-Stream-Id"]
    assert ann.delete(f"/assistant/api/streams/{stream}").status_code == 204
    page = ann.get(CHAT).text
    assert "In a cool" in page
    assert "Stopped." in page


def test_nobody_sees_the_conversation_of_another(ann, ben, headrace_provider, read_stream):
    headrace_provider.answers("In a cool place.")
    headrace_provider.answers("Hello Ben.")
    read_stream(ask(ann, "How do I store flour?"))
    assert "flour?" not in ben.get(CHAT).text + ben.get("/support/").text
    read_stream(ask(ben, "Hello."))
    assert [message.text() for message in headrace_provider.questions[1].messages[1:]] == ["Hello."]
    assert "Hello" not in ann.get(CHAT).text


def test_nobody_follows_or_stops_the_answer_of_another(ann, ben, headrace_provider):
    headrace_provider.answers("In a cool ", Silence())
    stream = f"/assistant/api/streams/{ask(ann, 'How do I store flour?').headers['Headrace-Stream-Id']}"
    assert [ben.get(stream).status_code, ben.delete(stream).status_code] == [404, 404]
    assert ann.delete(stream).status_code == 204


def test_models_are_asked_through_the_support_alone(ann):
    assert ann.post("/assistant/api/chat", json={"messages": []}).status_code == 404
    assert ann.post("/assistant/v1/chat/completions", json={"messages": []}).status_code == 404


def test_a_question_without_the_token_is_refused(app, ann, headrace_provider):
    app.config["WTF_CSRF_ENABLED"] = True
    assert ask(ann, "How do I store flour?").status_code == 400
    assert headrace_provider.questions == []
