"""POST /api/chat over real sockets: answers, options, and errors before the first byte."""

from __future__ import annotations

import json

import pytest

from tests.support.reader import QUESTION, Reading, ask, asking, send
from tests.support.service import Service
from tests.support.upstream import Burst, Gate, Reasoning, Tokens, Upstream, anthropic_wire, cuts, openai_wire

WIRES = [("openai", openai_wire), ("anthropic", anthropic_wire)]


@pytest.mark.parametrize(("provider", "wire"), WIRES)
class TestAnswer:
    def test_comes_as_deltas_then_usage_then_done(self, service: Service, upstream: Upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hel", "lo", " – wörld 🌊", usage=Tokens(9, 3)))
        answer = ask(service.url, f"{provider}/whole")
        assert answer.status == 200
        assert answer.text == "Hello – wörld 🌊"
        assert [name for name, _ in answer.frames] == [
            "start", "message", "message", "message", "usage", "end", "message",
        ]  # fmt: skip
        assert answer.named("usage")[0] | {"cost": None, "attempts": []} == {
            "input_tokens": 9, "output_tokens": 3, "cached_tokens": 0, "reasoning_tokens": 0,
            "cost": None, "currency": "USD", "estimated": False, "attempts": [],
            "cache_write_tokens": 0,
        }  # fmt: skip
        assert answer.is_done

    def test_has_the_headers_that_keep_proxies_from_holding_it_back(self, service, upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hello"))
        headers = ask(service.url, f"{provider}/whole").headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert len(headers["headrace-stream-id"]) >= 22

    def test_start_names_the_stream_the_model_and_the_provider(self, service, upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hello"))
        answer = ask(service.url, f"{provider}/whole")
        assert answer.named("start") == [
            {"id": answer.headers["headrace-stream-id"], "model": f"{provider}/whole", "provider": provider}
        ]

    def test_passes_each_token_on_before_the_next_one_exists(self, service, upstream, provider, wire) -> None:
        name = f"stepwise-{provider}"
        upstream.answer(name, wire.answer("one", Gate(name + "1"), "two", Gate(name + "2"), "three"))
        with asking(service.url, f"{provider}/{name}") as reading:
            assert b'data: {"delta":"one"}\n\n' in reading.until(b"one")
            upstream.open_gate(name + "1")
            assert b'data: {"delta":"two"}\n\n' in reading.until(b"two")
            upstream.open_gate(name + "2")
            assert b"data: [DONE]\n\n" in reading.until(b"[DONE]\n\n")

    def test_has_reasoning_in_frames_of_its_own(self, service, upstream, provider, wire) -> None:
        upstream.answer("thinking", wire.answer(Reasoning("hmm"), "yes"))
        answer = ask(service.url, f"{provider}/thinking")
        assert answer.named("reasoning")[0] == {"delta": "hmm"}
        assert answer.text == "yes"

    def test_as_one_object_has_text_finish_reason_and_usage(self, service, upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hel", "lo", usage=Tokens(9, 2)))
        answer = ask(service.url, f"{provider}/whole", stream=False)
        assert answer.status == 200
        assert answer.json | {"id": "", "usage": {}} == {
            "id": "", "model": f"{provider}/whole", "text": "Hello", "finish_reason": "stop", "usage": {},
        }  # fmt: skip
        assert answer.json["usage"]["input_tokens"] == 9
        assert answer.json["id"] == answer.headers["headrace-stream-id"]

    @pytest.mark.parametrize("reason", ["stop", "length"])
    def test_says_why_its_model_has_ended_it(self, service, upstream, provider, wire, reason: str) -> None:
        words = {"stop": "end_turn", "length": "max_tokens"}
        finish = words[reason] if provider == "anthropic" else reason
        upstream.answer(reason, wire.answer("Hello", finish=finish))
        answer = ask(service.url, f"{provider}/{reason}")
        assert (answer.named("end"), answer.frames[-2:][0][0]) == ([{"finish_reason": reason}], "end")
        assert answer.is_done
        assert ask(service.url, f"{provider}/{reason}", stream=False).json["finish_reason"] == reason

    def test_that_is_empty_has_its_beginning_and_its_end(self, service, upstream, provider, wire) -> None:
        upstream.answer("empty", wire.answer())
        answer = ask(service.url, f"{provider}/empty")
        assert [name for name, _ in answer.frames] == ["start", "usage", "end", "message"]
        assert ask(service.url, f"{provider}/empty", stream=False).json["text"] == ""

    def test_is_read_whole_by_a_reader_of_ten_lines(self, service, upstream, provider, wire) -> None:
        upstream.answer("thinking", wire.answer(Reasoning("hmm"), "Hel", "lo"))
        text = ""
        for frame in ask(service.url, f"{provider}/thinking").body.decode().split("\n\n"):
            if not frame.startswith("data: "):
                continue
            if frame[6:] == "[DONE]":
                break
            text += json.loads(frame[6:])["delta"]
        assert text == "Hello"


class TestQuestion:
    def test_reaches_openai_with_all_its_parts(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("asked", openai_wire.answer("ok"))
        turns = [*QUESTION, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "go"}]
        body = {"model": "openai/asked", "messages": turns, "system": "Be brief.", "max_tokens": 7, "temperature": 0.5}
        send(service.url + "/api/chat", body)
        sent = upstream.requests("asked")[-1]
        assert sent.body == {
            "model": "asked",
            "messages": [{"role": "system", "content": "Be brief."}, *turns],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 7,
            "temperature": 0.5,
        }
        assert sent.headers["authorization"] == "Bearer sk-test-openai"

    def test_reaches_anthropic_with_all_its_parts(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("asked-a", anthropic_wire.answer("ok"))
        body = {"model": "anthropic/asked-a", "messages": QUESTION, "system": "Be brief.", "temperature": 0}
        send(service.url + "/api/chat", body)
        sent = upstream.requests("asked-a")[-1]
        assert sent.body == {
            "model": "asked-a",
            "messages": QUESTION,
            "system": "Be brief.",
            "max_tokens": 8192,
            "temperature": 0,
            "stream": True,
        }
        assert "sk-ant-test" in sent.headers.get("x-api-key", "") + sent.headers.get("authorization", "")

    def test_without_a_model_goes_to_the_default_one(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        answer = send(service.url + "/api/chat", {"messages": QUESTION})
        assert answer.named("start")[0]["model"] == "openai/default"

    def test_is_read_as_json_whatever_its_content_type_says(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        answer = send(service.url + "/api/chat", {"messages": QUESTION}, headers={"Content-Type": "text/plain"})
        assert answer.text == "ok"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{not json", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "Expected"),
        ({}, "messages"),
        ({"messages": []}, "messages is empty"),
        ({"messages": "hi"}, "`messages`"),
        ({"messages": [{"role": "user", "content": 7}]}, "`messages[0].content`"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "robot"),
        ({"messages": QUESTION, "max_tokens": 0}, "max_tokens is 0"),
        ({"messages": QUESTION, "max_tokens": -(10**400)}, "max_tokens is -1000"),
        ({"messages": QUESTION, "max_tokens": "9"}, "`max_tokens`"),
        ({"messages": QUESTION, "temperature": 3}, "temperature is 3"),
        ({"messages": QUESTION, "model": 4}, "`model`"),
        ({"messages": QUESTION, "strem": True}, "strem"),
        ({"messages": [{"role": "user", "content": "hi", "nmae": "x"}]}, "nmae"),
        ({"messages": QUESTION * 1001}, "1001"),
    ],
)
def test_a_body_that_is_wrong_is_a_400_that_says_what_and_where(service: Service, body, says: str) -> None:
    answer = send(service.url + "/api/chat", body)
    assert answer.status == 400
    assert answer.error["code"] == "invalid_request"
    assert says in answer.error["message"]


@pytest.mark.parametrize("model", ["nobody/x", "listed-nowhere", "openai/", "/x"])
def test_a_model_that_nobody_offers_is_a_404(service: Service, model: str) -> None:
    answer = ask(service.url, model)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert repr(model) in answer.error["message"]


def test_another_method_is_a_405_that_says_which_is_allowed(service: Service) -> None:
    answer = send(service.url + "/api/chat", method="GET")
    assert (answer.status, answer.error["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


def test_an_unknown_path_is_a_404_in_json(service: Service) -> None:
    answer = send(service.url + "/api/nothing", method="GET")
    assert (answer.status, answer.error["code"]) == (404, "not_found")


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_body_over_the_limit_is_a_413(service: Service, size: int) -> None:
    answer = send(service.url + "/api/chat", b'{"messages": "' + b"x " * (size // 2 - 8) + b'  "}')
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


def test_head_of_the_response_waits_for_the_first_token(service: Service, upstream: Upstream) -> None:
    upstream.answer("late", openai_wire.answer(Gate("late"), "ok"))
    with asking(service.url, "openai/late") as reading:
        upstream.wait_for(lambda: upstream.requests("late")[0].at_gate == "late")
        reading.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            reading.sock.recv(1)
        upstream.open_gate("late")
        reading.sock.settimeout(10)
        assert reading.response().status == 200


def test_models_lists_what_is_set_up() -> None:
    with Upstream() as upstream, Service(OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_MODEL="openai/default") as own:
        upstream.models = ["tiny", "big"]
        listed = send(own.url + "/api/models", method="GET").json
    assert listed["default"] == "openai/default"
    assert [model["id"] for model in listed["models"]] == ["openai/default", "openai/big", "openai/tiny"]
    assert [model["default"] for model in listed["models"]] == [True, False, False]


def test_an_answer_that_is_too_long_for_one_object_is_a_502_and_ends(service: Service, upstream: Upstream) -> None:
    upstream.answer("long", openai_wire.answer(Burst(openai_wire.text("x" * 10_000), 100_000)))
    answer = ask(service.url, "openai/long", stream=False)
    assert (answer.status, answer.error["code"]) == (502, "answer_too_large")
    assert upstream.ended("long").bytes_sent < 100_000_000


def test_a_reader_that_sends_head_is_refused_without_asking_upstream(service: Service, upstream: Upstream) -> None:
    before = len(upstream.requests())
    with Reading(service.url + "/api/chat", method="HEAD") as reading:
        assert reading.response().status == 405
    assert len(upstream.requests()) == before


class TestHeartbeats:
    def test_come_before_the_model_answers_and_between_tokens_only_in_silence(self, upstream: Upstream) -> None:
        upstream.answer("slow", openai_wire.answer(Gate("slow 1"), "one", Gate("slow 2"), "two"))
        with (
            Service(OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_HEARTBEAT="0.1") as own,
            asking(own.url, "openai/slow") as reading,
        ):
            assert reading.until(b": keep-alive\n\n: keep-alive\n\n").startswith(b": keep-alive\n\n")
            upstream.open_gate("slow 1")
            reading.until(b'data: {"delta":"one"}\n\n: keep-alive\n\n')
            upstream.open_gate("slow 2")
            rest = reading.until(b"[DONE]\n\n").lstrip(b": kep-aliv\n")
            assert rest.startswith(b'data: {"delta":"two"}\n\n')


@pytest.mark.parametrize(("provider", "wire"), WIRES)
def test_an_answer_cut_by_the_network_reads_the_same(service, upstream, provider, wire) -> None:
    pieces = "Grüße, ", "👩‍👩‍👧", " e\u0301"
    # The tests of the decoders cut at each byte.
    scripts = [script for _, script in cuts.every_cut(wire.answer(*pieces, usage=(9, 3)))][::5]
    upstream.answer("cut", scripts)
    for _ in scripts:
        answer = ask(service.url, f"{provider}/cut")
        assert answer.text == "".join(pieces)
        assert answer.named("usage")[0]["output_tokens"] == 3
        assert answer.is_done


def test_a_protocol_that_there_is_none_of_is_a_400_that_names_them(service: Service) -> None:
    answer = send(service.url + "/api/streams/0123456789abcdef?protocol=smoke", method="GET")
    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert "'smoke'" in answer.error["message"]
    assert "native" in answer.error["message"]


def test_a_document_and_a_recording_reach_a_provider_that_takes_them(service: Service, upstream: Upstream) -> None:
    upstream.answer("parts", openai_wire.answer("ok"))
    pdf, wav = "data:application/pdf;base64,JVBERi0xLjQ=", "UklGRg=="
    parts = [{"type": "file", "url": pdf, "name": "a.pdf"}, {"type": "audio", "data": wav, "format": "wav"}]
    messages = [{"role": "user", "content": parts}]
    assert send(service.url + "/api/chat", {"model": "openai/parts", "messages": messages}).status == 200
    (message,) = upstream.requests("parts")[0].body["messages"]
    assert message["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": pdf}},
        {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}},
    ]
    answer = send(service.url + "/api/chat", {"model": "anthropic/parts", "messages": messages})
    assert (answer.status, answer.error["message"]) == (
        400, "anthropic does not support audio: omit it, or use another model."
    )  # fmt: skip
