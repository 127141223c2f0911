"""/v1/chat/completions over real sockets: upstream requests, responses, statuses and authorization."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.reader import QUESTION, Answer, Reading, send
from tests.support.service import Service
from tests.support.started_service import openai_alone, warm_up
from tests.support.upstream import Ended, Gate, Reasoning, Tokens, Upstream, anthropic_wire, openai_wire

WIRES = [("openai", openai_wire), ("anthropic", anthropic_wire)]
KEY = {"Authorization": "Bearer mine"}
PAGE = "https://app.example"


def ask(service: Service, model: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    body = {"model": model, "messages": QUESTION, **fields}
    return send(service.url + "/v1/chat/completions", body, headers=headers)


def chunks(answer: Answer) -> list[Any]:
    return [data for name, data in answer.frames if name == "message"]


@pytest.fixture(scope="module")
def guarded(upstream: Upstream) -> Iterator[Service]:
    settings = {"HEADRACE_API_KEYS": "mine", "HEADRACE_HEARTBEAT": "0.1", "HEADRACE_CORS_ORIGINS": PAGE}
    with Service(**openai_alone(upstream), **settings) as running:
        yield running


@pytest.mark.parametrize(("provider", "wire"), WIRES)
class TestAnAnswer:
    def test_comes_in_chunks_of_one_id_and_one_time_and_is_done(self, service, upstream, provider, wire) -> None:
        upstream.answer("chunked", wire.answer(Reasoning("hm"), "Hel", "lo 🌊"))
        answer = ask(service, f"{provider}/chunked", stream=True)
        *sent, done = chunks(answer)
        assert done == "[DONE]"
        assert {chunk["id"] for chunk in sent} == {"chatcmpl-" + answer.headers["headrace-stream-id"]}
        assert len({chunk["created"] for chunk in sent}) == 1
        assert {chunk["model"] for chunk in sent} == {f"{provider}/chunked"}
        deltas = [chunk["choices"][0]["delta"] for chunk in sent]
        assert deltas == [
            {"role": "assistant", "content": ""}, {"reasoning_content": "hm"}, {"content": "Hel"}, {"content": "lo 🌊"},
            {},
        ]  # fmt: skip

    def test_in_one_piece_has_its_usage(self, service, upstream, provider, wire) -> None:
        upstream.answer("whole", wire.answer("Hello", usage=Tokens(9, 3, cached=4)))
        answer = ask(service, f"{provider}/whole").json
        assert answer["choices"][0]["message"]["content"] == "Hello"
        usage = answer["usage"]
        assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (9, 3, 12)
        assert usage["prompt_tokens_details"]["cached_tokens"] == 4

    def test_of_a_reader_who_leaves_is_stopped(self, service, upstream, provider, wire) -> None:
        name = f"left by {provider}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        body = {"model": f"{provider}/{name}", "messages": QUESTION, "stream": True}
        with Reading(service.url + "/v1/chat/completions", body) as reading:
            reading.until(b'{"content":"one"}')
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)

    def test_that_fails_in_the_middle_is_not_done(self, service, upstream, provider, wire) -> None:
        upstream.answer("failing", wire.failing_after(2))
        answer = ask(service, f"{provider}/failing", stream=True, stream_options={"include_usage": True})
        *_, usage, failure = chunks(answer)
        assert usage["usage"]["estimated"]
        assert set(failure["error"]) == {"message", "type", "param", "code"}
        assert b"[DONE]" not in answer.body


@pytest.mark.parametrize(("provider", "wire"), WIRES)
@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "ours", "kind"),
    [(400, 400, "invalid_request_error"), (429, 429, "rate_limit_error"), (500, 502, "server_error")],
)
def test_a_refusal_of_the_upstream_keeps_its_status(  # the parameters are the test
    service, upstream, provider, wire, is_streamed, status, ours, kind
) -> None:
    upstream.answer("refused", wire.error(status, retry_after=7 if status == 429 else None))
    answer = ask(service, f"{provider}/refused", stream=is_streamed)
    assert (answer.status, answer.error["type"], answer.error["param"]) == (ours, kind, None)
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


class TestAQuestion:
    def test_that_is_compressed_is_a_400_that_says_so(self, service: Service) -> None:
        packed = gzip.compress(json.dumps({"messages": QUESTION}).encode())
        answer = send(service.url + "/v1/chat/completions", packed, headers={"Content-Encoding": "gzip"})
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")
        assert answer.error["message"] == "The body is encoded as 'gzip': send it without an encoding."

    def test_reaches_openai_as_it_was_asked(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("asked", openai_wire.answer("ok"))
        schema = {"name": "sum", "schema": {"type": "object"}, "strict": True, "description": "A sum."}
        fields = {
            "temperature": 0.5, "top_p": 0.9, "seed": 7, "frequency_penalty": 0.5, "stop": ["a", "b"], "user": "u1",
            "verbosity": "low", "reasoning_effort": "high", "parallel_tool_calls": False, "tool_choice": "none",
            "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
            "response_format": {"type": "json_schema", "json_schema": schema},
        }  # fmt: skip
        turns = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi", "name": "ann"}]
        ask(service, "openai/asked", messages=turns, max_completion_tokens=7, **fields)
        ours = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 7}
        assert upstream.requests("asked")[-1].body == {"model": "asked", "messages": turns, **fields, **ours}

    def test_without_a_model_goes_to_the_default_one(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        answer = send(service.url + "/v1/chat/completions", {"messages": QUESTION})
        assert answer.json["model"] == "openai/default"

    def test_for_a_model_without_its_provider_goes_to_whoever_lists_it(self, upstream: Upstream) -> None:
        upstream.answer("bare", openai_wire.answer("ok"))
        claude = {"ANTHROPIC_BASE_URL": upstream.url, "ANTHROPIC_API_KEY": "x"}
        upstream.answer("claude-x", anthropic_wire.answer("I am Claude"))
        with Upstream() as other, Service(OPENAI_BASE_URL=other.url + "/v1", **claude) as own:
            other.answer("unlisted", openai_wire.answer("ok"))
            other.models = ["tiny"]
            # The SDKs take seconds to import on a busy machine, and lists have a limit that would count it.
            warm_up(own, other, ["openai"])
            warm_up(own, upstream, ["anthropic"])
            own.wait_until(lambda: "anthropic/claude-x" in listed(own), 30)
            assert ask(own, "claude-x").json["model"] == "anthropic/claude-x"
            assert ask(own, "unlisted").json["model"] == "openai/unlisted"

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"seed": 7}, "seed"),
            ({"verbosity": "low"}, "verbosity"),
            ({"messages": [{"role": "user", "content": "hi", "name": "ann"}]}, "name"),
            ({"presence_penalty": 1}, "presence_penalty"),
            ({"logit_bias": {"1": 2}, "logprobs": True}, "logit_bias, logprobs"),
        ],
    )
    @pytest.mark.parametrize("is_streamed", [True, False])
    def test_is_answered_without_what_the_provider_lacks_and_says_so(
        self, service, upstream, fields, name: str, is_streamed: bool
    ) -> None:
        upstream.answer("lacking", anthropic_wire.answer("ok"))
        answer = ask(service, "anthropic/lacking", stream=is_streamed, **fields)
        assert (answer.status, answer.headers["headrace-ignored"]) == (200, name)
        assert not fields.keys() & upstream.requests("lacking")[-1].body.keys() - {"messages"}

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {
                "data": "UklGRg==", "format": "wav"}}]}]}, "anthropic does not support audio"),
            ({"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {}}]}]},
             "anthropic cannot be sent messages[0].content[0] (video_url)"),
            ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f1"}}]}]},
             "messages[0].content[0].file_id names what a provider's server keeps"),
            ({"modalities": ["text", "image"]}, "anthropic cannot be sent modalities"),
            ({"response_format": {"type": "grammar"}}, "anthropic cannot be sent response_format (grammar)"),
        ],
    )  # fmt: skip
    def test_that_the_provider_cannot_understand_is_a_400_that_says_what(self, service, fields, says: str) -> None:
        answer = ask(service, "anthropic/never-asked", **fields)
        assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
        assert says in answer.error["message"]

    @pytest.mark.parametrize(
        ("body", "says"),
        [(b"{", "not JSON"), ({"messages": []}, "messages is empty"), ({"messages": QUESTION, "n": 2}, "n is 2"),
         ({"messages": QUESTION, "id": "a-stream-of-my-own"}, "resumable is not true")],
    )  # fmt: skip
    def test_that_makes_no_sense_is_a_400_in_their_form(self, service, body, says: str) -> None:
        answer = send(service.url + "/v1/chat/completions", body)
        assert (answer.status, answer.error["code"]) == (400, "invalid_request")
        assert says in answer.error["message"]
        assert answer.error["param"] is None


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "says"),
    [
        ("POST", "/v1/embeddings", 404, "not_found", "There is no POST /v1/embeddings here"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed", "this path accepts OPTIONS and POST"),
    ],
)
def test_what_is_not_there_is_refused_in_their_form(service, method, path, status, code, says) -> None:
    answer = send(service.url + path, b"{}", method=method)
    assert (answer.status, answer.error["code"], answer.error["type"]) == (status, code, "invalid_request_error")
    assert answer.error["param"] is None
    assert says in answer.error["message"]
    assert ("allow" in answer.headers) == (status == 405)


class TestModels:
    def test_are_listed_by_the_names_to_ask_them_by(self, service: Service, upstream: Upstream) -> None:
        listed = send(service.url + "/v1/models", method="GET").json
        assert listed["object"] == "list"
        assert {"id": "openai/default", "object": "model", "created": 0, "owned_by": "openai"} in listed["data"]

    @pytest.mark.parametrize("name", ["openai/default", "openai%2Fdefault", "default"])
    def test_can_be_looked_up(self, service: Service, name: str) -> None:
        assert send(f"{service.url}/v1/models/{name}", method="GET").json["id"] == "openai/default"

    def test_that_are_not_listed_are_a_404(self, service: Service) -> None:
        answer = send(service.url + "/v1/models/nobody/x", method="GET")
        assert (answer.status, answer.error["code"]) == (404, "model_not_found")


class TestAuthorization:
    @pytest.mark.parametrize(("method", "path"), [("POST", "chat/completions"), ("GET", "models"), ("GET", "models/x")])
    def test_has_a_key(self, guarded: Service, method: str, path: str) -> None:
        answer = send(f"{guarded.url}/v1/{path}", {"messages": QUESTION}, method=method)
        assert (answer.status, answer.error["type"]) == (401, "authentication_error")

    def test_may_be_a_page_that_is_named(self, guarded: Service, upstream: Upstream) -> None:
        upstream.answer("paged", openai_wire.answer("ok"))
        preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        preflight["Access-Control-Request-Headers"] = "authorization, content-type, x-stainless-lang"
        allowed = send(guarded.url + "/v1/chat/completions", method="OPTIONS", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == PAGE
        assert "x-stainless-lang" in allowed.headers["access-control-allow-headers"]
        answer = ask(guarded, "openai/paged", headers=KEY | {"Origin": PAGE}, stream=True)
        assert answer.headers["access-control-allow-origin"] == PAGE
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Headrace-Stream-Id", "Retry-After", "X-Should-Retry"} <= set(exposed)

    def test_is_no_page_of_another_site(self, guarded: Service) -> None:
        answer = ask(guarded, "never-asked", headers=KEY | {"Origin": "https://evil.example"})
        assert (answer.status, answer.error["type"]) == (403, "permission_error")


class TestHeartbeats:
    def test_are_comments_between_frames(self, guarded: Service, upstream: Upstream) -> None:
        upstream.answer("slow", openai_wire.answer(Gate("slow 1"), "one", Gate("slow 2"), "two"))
        body = {"model": "openai/slow", "messages": QUESTION, "stream": True}
        with Reading(guarded.url + "/v1/chat/completions", body, headers=KEY) as reading:
            assert reading.until(b"alive\n: keep-alive\n").startswith(b": keep-alive\n: keep-alive\n")
            upstream.open_gate("slow 1")
            reading.until(b'{"content":"one"},"finish_reason":null}]}\n\n: keep-alive\n')
            upstream.open_gate("slow 2")
            assert b"\n\ndata: " in reading.until(b"[DONE]\n\n")


class TestAResumableStream:
    def test_has_numbers_and_can_be_read_again(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("kept", openai_wire.answer("Hel", "lo"))
        answer = ask(service, "openai/kept", stream=True, resumable=True)
        blocks = [block for block in answer.body.decode().split("\n\n") if block]
        numbers = [int(found[1]) for block in blocks if (found := re.match(r"id: (\d+)-", block))]
        assert numbers[0] == 1
        assert numbers == sorted(set(numbers))
        assert blocks[3].startswith("data: ")
        assert re.fullmatch(rf"id: {numbers[-1]}-[0-9a-f]{{8}}\ndata: \[DONE\]", blocks[-1])
        again = send(f"{service.url}/api/streams/{answer.headers['headrace-stream-id']}", method="GET")
        assert again.text == "Hello"

    def test_has_the_id_that_it_was_given(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("kept", openai_wire.answer("Hello"))
        own = "a-stream-of-my-own-2"
        assert ask(service, "openai/kept", resumable=True, id=own).json["id"] == f"chatcmpl-{own}"
        assert json.loads(ask(service, "openai/kept", resumable=True, id=own).body)["id"] == f"chatcmpl-{own}"
        assert len(upstream.requests("kept")) == 2


def listed(service: Service) -> list[str]:
    return [model["id"] for model in send(service.url + "/api/models", method="GET").json["models"]]
