"""Chats whose `stop()` is pressed, and whose page leaves: the model is stopped unless the chat is resumable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.clients.ai_sdk.node import Chat
from tests.support.reader import Reading, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Hang, Upstream, openai_wire

Open = Callable[..., Chat]

AT_ONCE = 10.0
"""Seconds within which the upstream must be closed, far less than the grace time of a resumable stream."""


def begin(open_chat: Open, upstream: Upstream, name: str, **body: Any) -> Chat:
    """Open a chat and send a message that the model answers with one word, and then with nothing more."""
    upstream.start_afresh()
    upstream.answer(name, openai_wire.answer("one", Hang()))
    chat = open_chat(f"openai/{name}", body=body)
    chat.begin("send", text="hi")
    chat.wait_for(lambda now: now.text == "one")
    return chat


def stream_url(service: Service, chat: Chat) -> str:
    return f"{service.url}/ai/chat/{quote(chat.id, safe='')}/stream"


class TestPlain:
    def test_stop_closes_the_upstream_at_once(self, open_chat: Open, upstream: Upstream) -> None:
        chat = begin(open_chat, upstream, "stop-plain")
        chat.do("stop")
        assert upstream.closed("stop-plain", timeout=AT_ONCE).ended is Ended.ABORTED
        shown = chat.wait_until_idle()
        assert (shown.status, shown.error, shown.text) == ("ready", None, "one")

    def test_stop_leaves_nothing_to_resume(self, open_page: Open, upstream: Upstream, service: Service) -> None:
        chat = begin(open_page, upstream, "stop-nothing-left")
        assert send(stream_url(service, chat), method="GET").status == 204
        assert send(stream_url(service, chat), method="DELETE").status == 204
        assert upstream.requests("stop-nothing-left")[-1].ended is None
        chat.do("stop")
        upstream.closed("stop-nothing-left", timeout=AT_ONCE)

    def test_stop_before_the_first_token_closes_the_upstream(self, open_chat: Open, upstream: Upstream) -> None:
        upstream.start_afresh()
        upstream.answer("stop-early", openai_wire.answer(Gate("stop-early"), "one"))
        chat = open_chat("openai/stop-early")
        chat.begin("send", text="hi")
        upstream.wait_for(lambda: upstream.requests("stop-early"))
        chat.do("stop")
        upstream.closed("stop-early", timeout=AT_ONCE)

    def test_a_chat_goes_on_after_a_stop(self, open_chat: Open, upstream: Upstream) -> None:
        chat = begin(open_chat, upstream, "stop-go-on")
        chat.do("stop")
        upstream.closed("stop-go-on", timeout=AT_ONCE)
        upstream.answer("stop-go-on", openai_wire.answer("two"))
        assert chat.send("more").text == "two"


class TestResumable:
    def test_stop_alone_lets_the_answer_go_on_and_delete_ends_it(
        self, open_chat: Open, upstream: Upstream, service: Service
    ) -> None:
        chat = begin(open_chat, upstream, "stop-resumable", resumable=True)
        chat.do("stop")
        with Reading(stream_url(service, chat), method="GET") as reading:
            reading.until(b'"one"')
        assert upstream.requests("stop-resumable")[-1].ended is None
        assert send(stream_url(service, chat), method="DELETE").status == 204
        upstream.closed("stop-resumable", timeout=AT_ONCE)
        assert send(stream_url(service, chat), method="GET").status == 204

    def test_stop_beside_delete_ends_it(self, open_page: Open, upstream: Upstream) -> None:
        chat = begin(open_page, upstream, "stop-page", resumable=True)
        chat.do("stopForGood")
        assert chat.wait_until_idle().status == "ready"
        upstream.closed("stop-page", timeout=AT_ONCE)


@pytest.mark.parametrize("value", [1, "true", None])
def test_resumable_is_true_or_false(service: Service, value: Any) -> None:
    answer = send(f"{service.url}/ai/chat", {"messages": [], "resumable": value})
    assert (answer.status, "`resumable`" in answer.body.decode()) == (400, True)
