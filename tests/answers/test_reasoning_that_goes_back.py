"""The messages that `on_end` tells have the reasoning that the provider wants back with the next question."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.answers.stage import HOST, Told, answer_of, ask, settings_for
from tests.support.host import Host
from tests.support.reader import QUESTION
from tests.support.reasoning_answers import FORMS
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "answers")


@pytest.fixture(scope="module")
def host(upstream: Upstream, told: Told, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, **settings_for(upstream, told)) as running:
        yield running


def test_the_reasoning_that_goes_back_is_in_the_messages(host: Host, told: Told, upstream: Upstream) -> None:
    upstream.answer("thinks", FORMS["deepseek"].script)
    sent = ask(host, "/own", model="openai/thinks", chat="thoughts", stream=False)
    answer = answer_of(host, told, sent.headers["headrace-stream-id"])
    assert answer["messages"][0]["reasoning_state"] == sent.json["reasoning_state"]
    ask(host, "/chats/thoughts", model="openai/thinks", messages=QUESTION)
    assert upstream.requests("thinks")[1].body["messages"][1]["reasoning_content"] == "Hm."
