"""/ai/chat over HTTP: headers, errors, owners, workers that share a store, and a service without a store."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.streaming.resume.across_workers.stage import Steady, wait_until
from tests.support.reader import Answer, Reading, send
from tests.support.service import ROOT, Service, environment, free_port
from tests.support.started_service import openai_alone
from tests.support.upstream import Gate, Hang, Script, Upstream, openai_wire, script

HI = {"role": "user", "parts": [{"type": "text", "text": "hi"}]}
MINE, THEIRS = ({"Authorization": f"Bearer {key}"} for key in ("mine", "theirs"))


def chat_body(model: str, **fields: Any) -> dict[str, Any]:
    return {"id": "a chat", "messages": [HI], "model": f"openai/{model}", **fields}


def gated(name: str) -> Script:
    return openai_wire.answer("one", Gate(name), " two")


@pytest.fixture(scope="module")
def homeless(upstream: Upstream) -> Iterator[Service]:
    """Return a service whose store is unreachable."""
    settings = {**openai_alone(upstream), "HEADRACE_STORE": f"redis://127.0.0.1:{free_port()}/0"}
    with Service(**settings, HEADRACE_HEARTBEAT="0.2") as running:
        yield running


class TestHead:
    def test_is_that_of_the_protocol_and_the_body_ends_with_done(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("ui-head", openai_wire.answer("ok"))
        answer = send(f"{service.url}/ai/chat", chat_body("ui-head"))
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        assert answer.body.endswith(b"data: [DONE]\n\n")

    def test_comes_whatever_the_numbers_of_the_question_are(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("ui-big", openai_wire.answer("ok"))
        tool = {"name": "count", "parameters": {"type": "object", "maxProperties": 10**20}}
        answer = send(f"{service.url}/ai/chat", chat_body("ui-big", seed=10**30, tools=[tool]))
        assert answer.body.endswith(b"data: [DONE]\n\n")

    def test_comes_with_a_heartbeat_where_the_model_is_silent(self, homeless: Service, upstream: Upstream) -> None:
        upstream.answer("ui-silent", script(openai_wire.HEAD, Hang()))
        with Reading(f"{homeless.url}/ai/chat", chat_body("ui-silent")) as reading:
            assert reading.until(b"\n\n") == b": keep-alive\n\n"
            upstream.wait_for(lambda: upstream.requests("ui-silent"))
        upstream.closed("ui-silent")


class TestError:
    @pytest.mark.parametrize(
        ("body", "status", "says"),
        [
            (b"{", 400, "The body is not JSON"),
            ({"id": "x"}, 400, "`messages` or, for a single one, `message`"),
            ({"messages": []}, 400, "messages is empty"),
            ({"messages": [{"role": "user"}]}, 400, "`messages[0]`"),
            ({"messages": [HI], "model": "nobody/x"}, 404, "nobody/x"),
            (chat_body("x", tool_choice="required"), 400, "tools is empty"),
        ],
    )
    def test_is_a_sentence_in_plain_text(self, service: Service, body: Any, status: int, says: str) -> None:
        answer = send(f"{service.url}/ai/chat", body)
        assert (answer.status, answer.headers["content-type"]) == (status, "text/plain; charset=utf-8")
        assert says in answer.body.decode()

    def test_of_the_upstream_keeps_its_status_and_retry_after(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("ui-busy", openai_wire.error(429, retry_after=7))
        answer = send(f"{service.url}/ai/chat", chat_body("ui-busy"))
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert not answer.body.startswith(b"{")

    def test_is_an_answer_that_does_not_fit_its_schema(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("ui-misfit", openai_wire.answer('{"b": 1}'))
        schema = {"type": "object", "required": ["a"]}
        body = send(f"{service.url}/ai/chat", chat_body("ui-misfit", schema=schema)).body
        assert b'"type":"error"' in body
        assert b'"type":"finish"' not in body

    def test_of_an_answer_leaves_nothing_to_come_back_for(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("ui-refused", openai_wire.error(400))
        send(f"{service.url}/ai/chat", chat_body("ui-refused", id="refused", resumable=True))
        assert send(f"{service.url}/ai/chat/refused/stream", method="GET").status == 204


@pytest.fixture(scope="module")
def workers(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Service]]:
    """Return two services that share a store."""
    settings = {
        **openai_alone(upstream),
        "HEADRACE_STORE": f"sqlite:///{tmp_path_factory.mktemp('chats')}/streams.db",
        "HEADRACE_API_KEYS": "mine,theirs",
        "HEADRACE_CORS_ORIGINS": "https://app.example",
        "HEADRACE_DRAIN": "1",
    }
    with Service(**settings) as first, Service(**settings) as second:
        yield [first, second]


def begin(worker: Service, name: str, id_: str, **fields: Any) -> Steady:
    """Send a message in a chat, and wait for the first token of the answer."""
    body = chat_body(name, id=id_, resumable=True, **fields)
    own = Steady(Reading(f"{worker.url}/ai/chat", body, headers=MINE))
    own.has(b'"one"')
    return own


def come_back(worker: Service, id_: str, headers: dict[str, str] = MINE) -> Reading:
    return Reading(f"{worker.url}/ai/chat/{quote(id_)}/stream", method="GET", headers=headers)


def status(reading: Reading) -> int:
    with reading:
        return reading.response().status


def stop(worker: Service, id_: str, headers: dict[str, str] = MINE) -> Answer:
    return send(f"{worker.url}/ai/chat/{quote(id_)}/stream", method="DELETE", headers=headers)


class TestWorkers:
    def test_that_share_a_store_replay_each_others_streams_byte_for_byte(
        self, workers: list[Service], upstream: Upstream
    ) -> None:
        upstream.answer("ui-shared", gated("ui-shared"))
        own = begin(workers[0], "ui-shared", "shared")
        others = [Steady(come_back(worker, "shared")) for worker in workers]
        for other in others:
            other.has(b'"one"')
        upstream.open_gate("ui-shared")
        body = own.read()
        assert b'"messageId":"' + own.id.encode() in body
        replays = [other.read() for other in others]
        assert replays[0] == replays[1]
        assert re.sub(rb'data: \{"type":"data-restart".*\n\n', b"", replays[0]) == body
        wait_until(lambda: [status(come_back(worker, "shared")) for worker in workers] == [204, 204])

    def test_stop_each_others_streams(self, workers: list[Service], upstream: Upstream) -> None:
        upstream.answer("ui-stop", gated("ui-stop"))
        own = begin(workers[0], "ui-stop", "stop")
        assert [stop(worker, "stop").status for worker in reversed(workers)] == [204, 204]
        assert own.read().endswith(b'data: {"type":"abort"}\n\n')
        upstream.closed("ui-stop")

    def test_stop_each_others_streams_by_a_post_too(self, workers: list[Service], upstream: Upstream) -> None:
        upstream.answer("ui-beacon", gated("ui-beacon"))
        own = begin(workers[0], "ui-beacon", "beacon")
        assert send(f"{workers[1].url}/ai/chat/beacon/stop", headers=MINE).status == 204
        assert own.read().endswith(b'data: {"type":"abort"}\n\n')
        upstream.closed("ui-beacon")

    def test_write_for_the_version_that_the_question_named(self, workers: list[Service], upstream: Upstream) -> None:
        upstream.answer("ui-seven", gated("ui-seven"))
        own = begin(workers[0], "ui-seven", "seven", ai=7)
        others = [Steady(come_back(worker, "seven")) for worker in workers]
        for other in others:
            other.has(b'"one"')
        stop(workers[1], "seven")
        body = own.read()
        assert body.endswith(b'data: {"type":"abort","reason":"stopped"}\n\n')
        replays = [other.read() for other in others]
        assert replays[0] == replays[1]
        assert replays[0].replace(b'data: {"type":"reset-step"}\n\n', b"", 1) == body

    def test_follow_the_latest_stream_of_a_chat(self, workers: list[Service], upstream: Upstream) -> None:
        for name in ("ui-earlier", "ui-later"):
            upstream.answer(name, gated(name))
        earlier, later = begin(workers[0], "ui-earlier", "two"), begin(workers[1], "ui-later", "two")
        other = Steady(come_back(workers[0], "two"))
        other.has(b"openai/ui-later")
        for name in ("ui-earlier", "ui-later"):
            upstream.open_gate(name)
        assert later.id.encode() in other.read()
        assert later.read() != earlier.read()

    def test_break_a_reading_off_where_its_worker_leaves(self, workers: list[Service], upstream: Upstream) -> None:
        upstream.answer("ui-leaving", gated("ui-leaving"))
        own = begin(workers[0], "ui-leaving", "leaving")
        settings = {name: value for name, value in workers[0].settings.items() if name != "HEADRACE_BIND"}
        with Service(**settings) as third, come_back(third, "leaving") as reading:
            reading.until(b'"one"')
            third.process.send_signal(signal.SIGTERM)
            # An end of the body would be taken for the end of the answer.
            with pytest.raises(http.client.IncompleteRead):
                reading.until(b"never")
        upstream.open_gate("ui-leaving")
        assert own.read().endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("id_", ["/slashed//id/", "stream", "ä b\n%2F?#", "a/stop"])
def test_a_chat_of_any_id_can_be_followed_and_stopped(service: Service, upstream: Upstream, id_: str) -> None:
    name = f"ui-id-{len(id_)}"
    upstream.answer(name, gated(name))
    chat = f"{service.url}/ai/chat/{quote(id_, safe='')}"
    with (
        Reading(f"{service.url}/ai/chat", chat_body(name, id=id_, resumable=True)) as own,
        Reading(f"{chat}/stream", method="GET") as other,
    ):
        own.until(b'"one"')
        other.until(b'"one"')
        assert send(f"{chat}/stream", method="DELETE").status == send(f"{chat}/stop").status == 204
        assert other.until(b"abort")
    upstream.closed(name)


@pytest.mark.parametrize("ai", [4, "7", 8])
def test_the_version_is_one_of_those_that_read_this_protocol(service: Service, ai: Any) -> None:
    answer = send(f"{service.url}/ai/chat", chat_body("x", ai=ai))
    assert (answer.status, "`ai`" in answer.body.decode()) == (400, True)


class TestOwner:
    def test_alone_comes_back_and_stops(self, workers: list[Service], upstream: Upstream) -> None:
        upstream.answer("ui-owned", gated("ui-owned"))
        own = begin(workers[0], "ui-owned", "owned")
        for worker in workers:
            assert status(come_back(worker, "owned", THEIRS)) == 204
            assert stop(worker, "owned", THEIRS).status == 204
            assert status(come_back(worker, "owned", {})) == stop(worker, "owned", {}).status == 401
        assert status(come_back(workers[1], "owned")) == 200
        upstream.open_gate("ui-owned")
        assert own.read().endswith(b"data: [DONE]\n\n")


class TestOrigin:
    def test_that_is_allowed_may_read_resume_and_stop(self, workers: list[Service]) -> None:
        paths = (("", "POST"), ("/a/stream", "GET"), ("/a/stream", "DELETE"), ("/a/stop", "POST"))
        for path, method in paths:
            headers = {"Origin": "https://app.example", "Access-Control-Request-Method": method}
            answer = send(f"{workers[0].url}/ai/chat{path}", method="OPTIONS", headers=headers)
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
        headers = {"Origin": "https://app.example"}
        assert send(f"{workers[0].url}/ai/chat/a/stop", headers=MINE | headers).status == 204
        evil = {"Origin": "https://evil.example"}
        assert send(f"{workers[0].url}/ai/chat/a/stop", headers=MINE | evil).status == 403


class TestWithoutAStore:
    def test_an_answer_is_given_all_the_same_and_ends_with_its_reader(
        self, homeless: Service, upstream: Upstream
    ) -> None:
        upstream.answer("ui-homeless", gated("ui-homeless"))
        with Reading(f"{homeless.url}/ai/chat", chat_body("ui-homeless", resumable=True)) as reading:
            reading.until(b'"one"')
        upstream.closed("ui-homeless")
        assert stop(homeless, "a chat").status == 503
        assert "A chat's answer is not resumable" in homeless.log()


UNPATCHED = """
from flask_headrace import create_app

client = create_app().test_client()
hi = {"role": "user", "parts": [{"type": "text", "text": "hi"}]}
print(client.post("/ai/chat", json={"id": "a", "messages": [hi], "resumable": True}).get_data()[-14:])
print(client.get("/ai/chat/a/stream").status_code, client.delete("/ai/chat/a/stream").status_code)
"""


def test_without_gevents_patches_answers_are_plain(upstream: Upstream) -> None:
    upstream.answer("ui-unpatched", openai_wire.answer("ok"))
    settings = {**openai_alone(upstream), "HEADRACE_MODEL": "openai/ui-unpatched", "HEADRACE_EMBEDDED": "0"}
    run = subprocess.run(
        [sys.executable, "-c", UNPATCHED],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout == "b'data: [DONE]\\n\\n'\n204 204\n"
