"""The older and plainer protocols of the AI SDK, byte by byte over real sockets."""

from __future__ import annotations

import http.client

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.clients.ai_data.stage import QUESTION
from tests.support.reader import Reading, ask, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Hang, Reset, Upstream, openai_wire

CHAT, COMPLETION, TEXT, OBJECT = "/ai/v4/chat", "/ai/v4/completion", "/ai/text", "/ai/object"
ADDRESSES = [CHAT, COMPLETION, TEXT, OBJECT]
ALL = [*ADDRESSES, "/ai/completion"]


def body(path: str, model: str) -> dict[str, object]:
    asked = {"messages": QUESTION} if path == CHAT else {"prompt": "hi"}
    return {"model": f"openai/{model}", **asked}


class TestResponse:
    @pytest.mark.parametrize("path", ADDRESSES)
    def test_is_plain_text_that_nobody_holds_back(self, ai: Service, upstream: Upstream, path: str) -> None:
        upstream.answer("whole", openai_wire.answer("{", "}"))
        headers = send(ai.url + path, body(path, "whole")).headers
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers.get("x-vercel-ai-data-stream") == ("v1" if path in {CHAT, COMPLETION} else None)

    @pytest.mark.parametrize(("path", "beat"), [(CHAT, b"\n\n"), (COMPLETION, b"\n\n"), (OBJECT, b"  ")])
    def test_has_heartbeats_before_the_model_answers(self, ai, upstream, path, beat) -> None:
        name = f"silent-{path}"
        upstream.answer(name, openai_wire.answer(Gate(name), "{}"))
        with Reading(ai.url + path, body(path, name)) as reading:
            assert set(reading.until(beat)) == set(beat)
            upstream.open_gate(name)
            assert b"{}" in reading.until(b"{}")

    @pytest.mark.parametrize("path", ALL)
    def test_passes_each_token_on_at_once(self, ai, upstream, path) -> None:
        name = f"stepwise-{path}"
        upstream.answer(name, openai_wire.answer('["one', Gate(name), 'two"]'))
        with Reading(ai.url + path, body(path, name)) as reading:
            reading.until(b"one")
            upstream.open_gate(name)
            reading.until(b"two")

    @pytest.mark.parametrize("path", ALL)
    def test_that_nobody_reads_stops_the_model_while_it_is_silent(self, ai, upstream, path) -> None:
        name = f"left-{path}"
        upstream.answer(name, openai_wire.answer(Hang()))
        with Reading(ai.url + path, body(path, name)):
            upstream.wait_for(lambda: upstream.requests(name))
        assert upstream.ended(name).ended is Ended.ABORTED

    @pytest.mark.parametrize("path", ALL)
    def test_that_is_refused_says_when_to_try_again(self, service, upstream, path) -> None:
        upstream.answer("busy", openai_wire.error(429, retry_after=7))
        answer = send(service.url + path, body(path, "busy"))
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.body.startswith(b"openai ")


class TestFailure:
    @pytest.mark.parametrize("path", [COMPLETION, TEXT, OBJECT])
    def test_after_the_first_token_breaks_the_connection(self, ai, upstream, path) -> None:
        upstream.answer("broken", openai_wire.answer("{", Reset()))
        with pytest.raises(http.client.IncompleteRead) as read:
            send(ai.url + path, body(path, "broken"))
        assert b"{" in read.value.partial
        assert "Traceback" not in ai.log()

    @pytest.mark.parametrize("path", [TEXT, OBJECT])
    def test_after_the_first_heartbeat_breaks_the_connection(self, ai, upstream, path) -> None:
        name = f"late-{path}"
        upstream.answer(name, openai_wire.answer(Gate(name), openai_wire.error_frame()))
        with Reading(ai.url + path, body(path, name)) as reading:
            # The head comes with the first heartbeat, whether that has bytes or not.
            response = reading.response()
            upstream.open_gate(name)
            with pytest.raises(http.client.IncompleteRead):
                response.read()
        assert response.status == 200

    def test_of_a_chat_is_its_last_line(self, ai, upstream) -> None:
        upstream.answer("broken", openai_wire.answer("one", Reset()))
        lines = send(ai.url + CHAT, body(CHAT, "broken")).body.splitlines()
        assert [line[:2] for line in lines if line] == [b"0:", b"8:", b"3:"]


def test_a_stream_that_can_be_resumed_is_followed_in_these_protocols_too(ai: Service, upstream: Upstream) -> None:
    upstream.answer("followed", openai_wire.answer("one ", "two"))
    stream_id = ask(ai.url, "openai/followed", resumable=True).headers["headrace-stream-id"]
    found = {
        name: send(f"{ai.url}/api/streams/{stream_id}?protocol={name}", method="GET").body
        for name in ("data-v1", "text")
    }
    assert found["text"] == b"one two"
    assert found["data-v1"].startswith(b'0:"one "\n0:"two"\n8:[')


def test_all_addresses_lie_under_the_application_s_prefix() -> None:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    Headrace(app, url_prefix="/assistant")
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert {f"/assistant{path}" for path in [*ADDRESSES, "/ai/object/<name>"]} <= rules
