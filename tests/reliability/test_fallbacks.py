"""Fallbacks in the real service, set up in HEADRACE_CONFIG, as seen by a client of the native protocol."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.conftest import upstreams
from tests.support.reader import QUESTION, Reading, ask, asking, send
from tests.support.service import Service
from tests.support.upstream import (
    Close,
    Ended,
    Gate,
    Hang,
    Reasoning,
    Tokens,
    ToolCall,
    Upstream,
    anthropic_wire,
    faults,
    openai_wire,
    plain,
    responses_wire,
    script,
)

ALIAS = """
[models.{how}{n}]
chain = ["openai/first{n}", "anthropic/second{n}"]
retries = 1
retry_budget = 20
first_token_timeout = 20
on_divergence = "{how}"
"""
"""One alias for each test: a circuit breaker that one test opens must not affect the next."""

IMPATIENT = """
[models.impatient]
chain = ["openai/hanging", "anthropic/awaited"]
retries = 0
first_token_timeout = 2
"""

UPSTREAMS = """
[models.usual]
chain = ["openai/usual"]

[models.foreign]
chain = ["acme/first", "open/second"]

[upstreams.acme]
kind = "openai"
base_url = "{url}/v1?api-version=2026-01-01"
api_key_env = "ACME_KEY"
api_key_header = "api-key"

[upstreams.open]
kind = "anthropic"
base_url = "{url}/"

[upstreams.responses]
kind = "openai-responses"
base_url = "{url}/v1"
"""
numbers = itertools.count()
WORDS = [f"{number} " for number in range(50)]


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("config") / "headrace.toml"
    aliases = [ALIAS.format(how=how, n=n) for how in ("restart", "fail") for n in range(14)]
    path.write_text(UPSTREAMS.format(url=upstream.url) + "".join(aliases) + IMPATIENT)
    upstream.answer("warm", openai_wire.answer("warm"))
    settings = {
        **upstreams(upstream),
        "HEADRACE_CONFIG": str(path),
        "HEADRACE_MODEL": "usual",
        "HEADRACE_HEARTBEAT": "1",
        "HEADRACE_MAX_RETRIES": "2",  # of the SDKs: a chain has retries of its own
        "ACME_KEY": "acme-key-0123456789",
        "OPENAI_ORG_ID": "org-of-ours",
        "OPENAI_CUSTOM_HEADERS": "X-Ours: 1",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Ours: 1",
    }
    with Service(**settings) as running:
        # The SDKs are imported by the first question, which takes longer than a model may here.
        for model in ("openai/warm", "anthropic/warm"):
            ask(running.url, model)
        yield running


@pytest.fixture
def n() -> int:
    """The number of an alias, and of its two models, that no other test uses."""
    return next(numbers)


class TestTheAnswer:
    def test_names_the_model_that_gave_it(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", openai_wire.error(503, retry_after=0.02))
        upstream.answer(f"second{n}", anthropic_wire.answer("Hel", "lo", usage=(9, 2)))
        answer = ask(service.url, f"restart{n}")
        assert (answer.text, answer.is_done) == ("Hello", True)
        (start,) = answer.named("start")
        assert (start["model"], start["provider"]) == (f"anthropic/second{n}", "anthropic")
        (usage,) = answer.named("usage")
        assert [each["model"] for each in usage["attempts"]] == [f"anthropic/second{n}"]
        assert len(upstream.requests(f"first{n}")) == 2
        assert ask(service.url, f"restart{n}", stream=False).json["model"] == f"anthropic/second{n}"
        (ended,) = [line for line in service.log().split("stream_end ") if f'"id":"{start["id"]}"' in line]
        assert f'"model":"anthropic/second{n}","provider":"anthropic"' in ended

    def test_comes_after_heartbeats_while_others_are_tried(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("hanging", script(Hang()))
        upstream.answer("awaited", anthropic_wire.answer("ok"))
        answer = ask(service.url, "impatient")
        assert answer.text == "ok"
        assert answer.body.startswith(b": keep-alive\n\n")
        assert answer.named("start")[0]["model"] == "anthropic/awaited"
        assert upstream.closed("hanging").ended is Ended.ABORTED

    def test_is_whole_though_the_first_dies_in_the_middle(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
        upstream.answer(f"second{n}", anthropic_wire.answer(*WORDS))
        answer = ask(service.url, f"restart{n}")
        assert (answer.text, answer.is_done) == ("".join(WORDS), True)
        names = {name for name, _ in answer.frames}
        assert names == {"start", "message", "usage", "end"}
        attempts = answer.named("usage")[0]["attempts"]
        assert [each["model"] for each in attempts] == [f"openai/first{n}", f"anthropic/second{n}"]
        assert ask(service.url, f"restart{n}", stream=False).json["text"] == "".join(WORDS)

    def test_begins_again_where_the_second_differs(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
        upstream.answer(f"second{n}", anthropic_wire.answer("0 1 ", "end."))
        answer = ask(service.url, f"restart{n}")
        assert answer.named("restart") == [{"reason": "upstream_broken", "model": f"anthropic/second{n}"}]
        assert answer.text.endswith("0 1 end.")
        whole = ask(service.url, f"restart{n}", stream=False).json
        assert (whole["text"], whole["model"]) == ("0 1 end.", f"anthropic/second{n}")

    def test_ends_with_an_error_where_nothing_may_be_void(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
        upstream.answer(f"second{n}", anthropic_wire.answer("0 1 ", "end."))
        answer = ask(service.url, f"fail{n}")
        assert answer.text == "".join(WORDS[:40])
        assert answer.named("error")[0]["code"] == "answer_diverged"
        assert not answer.is_done

    def test_that_nobody_gives_has_a_status_of_its_own(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", openai_wire.error(429, retry_after=30))
        upstream.answer(f"second{n}", anthropic_wire.error(401))
        answer = ask(service.url, f"restart{n}")
        assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (429, "rate_limited", "30")

    def test_can_be_resumed(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
        upstream.answer(f"second{n}", anthropic_wire.answer(*WORDS))
        answer = ask(service.url, f"restart{n}", resumable=True)
        assert answer.text == "".join(WORDS)
        id_ = answer.headers["headrace-stream-id"]
        again = send(f"{service.url}/api/streams/{id_}?last_event_id=0", method="GET")
        assert len({one.body.replace(b": keep-alive\n\n", b"") for one in (answer, again)}) == 1


class TestAnthropicsProtocol:
    def test_names_the_model_that_gave_the_answer(self, service: Service, upstream: Upstream, n: int) -> None:
        upstream.answer(f"first{n}", openai_wire.error(401))
        upstream.answer(f"second{n}", anthropic_wire.answer("ok"))
        body = {"model": f"restart{n}", "messages": QUESTION, "max_tokens": 9}
        assert send(service.url + "/v1/messages", body).json["model"] == f"anthropic/second{n}"
        streamed = send(service.url + "/v1/messages", {**body, "stream": True}).body
        assert f'"model":"anthropic/second{n}"'.encode() in streamed.partition(b"\n\n")[0]

    def test_ends_with_an_error_where_an_answer_begins_again(
        self, service: Service, upstream: Upstream, n: int
    ) -> None:
        upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
        upstream.answer(f"second{n}", anthropic_wire.answer("0 1 ", "end.", Gate("never")))
        body = {"model": f"restart{n}", "messages": QUESTION, "max_tokens": 9, "stream": True}
        with Reading(service.url + "/v1/messages", body) as reading:
            assert b"event: message_stop" not in reading.until(b"event: error")
        assert upstream.ended(f"second{n}").ended is Ended.ABORTED

    def test_has_tokens_counted_by_the_first_that_can(self, service: Service, upstream: Upstream, n: int) -> None:
        counts = plain.json_body({"input_tokens": 7})
        upstream.answer(f"second{n}", counts)
        body = {"model": f"restart{n}", "messages": QUESTION}
        assert send(service.url + "/v1/messages/count_tokens", body).json == {"input_tokens": 7}
        estimated = send(service.url + "/v1/messages/count_tokens", {**body, "model": "usual"})
        assert (estimated.json, estimated.headers["headrace-estimated"]) == ({"input_tokens": 1}, "true")


@pytest.mark.parametrize("path", ["/ai/completion", "/ai/v4/completion"])
def test_a_completion_that_cannot_show_a_new_beginning_ends_with_an_error(
    service: Service, upstream: Upstream, n: int, path: str
) -> None:
    upstream.answer(f"first{n}", faults.after(openai_wire.answer(*WORDS), 40, Close()))
    upstream.answer(f"second{n}", anthropic_wire.answer("0 1 ", "end.", Gate("never")))
    with Reading(service.url + path, {"model": f"restart{n}", "prompt": "hi"}) as reading:
        reading.until(b"restarts the answer")
        assert upstream.ended(f"second{n}").ended is Ended.ABORTED


def test_an_answer_is_held_to_its_schema_whoever_gives_it(service: Service, upstream: Upstream) -> None:
    upstream.answer("usual", openai_wire.answer('{"a":', " 1}"))
    assert ask(service.url, "usual", schema={"type": "object"}).is_done
    answer = ask(service.url, "usual", schema={"type": "array"})
    assert answer.named("error")[0]["code"] == "answer_invalid"


def test_a_reader_that_leaves_between_two_attempts_ends_them(service: Service, upstream: Upstream, n: int) -> None:
    upstream.answer(f"first{n}", openai_wire.error(429, retry_after=15))
    reading = asking(service.url, f"restart{n}")
    upstream.ended(f"first{n}")
    reading.leave()
    service.wait_until(lambda: send(service.url + "/healthz", method="GET").json["streams"] == 0)
    assert len(upstream.requests(f"first{n}")) == 1
    assert upstream.requests(f"second{n}") == []


def test_an_alias_is_the_default_and_stands_first_in_the_list(service: Service, upstream: Upstream) -> None:
    upstream.answer("usual", openai_wire.answer("ok"))
    found = send(service.url + "/api/models", method="GET").json
    assert found["default"] == "usual"
    assert found["models"][0] == {
        "id": "usual", "provider": "chain", "name": "usual", "embedded": False, "default": True
    }  # fmt: skip
    assert {"foreign", "openai/warm"} <= {model["id"] for model in found["models"]}
    with Reading(service.url + "/api/chat", {"messages": QUESTION}) as reading:
        assert b'"model":"openai/usual"' in reading.until(b"[DONE]")
    assert send(service.url + "/readyz", method="GET").status == 200


def test_an_unknown_name_is_told_with_the_aliases(service: Service) -> None:
    error = ask(service.url, "clever").error
    assert error["code"] == "model_not_found"
    assert "acme/…, open/…, responses/…, or one of usual, foreign, restart0" in error["message"]


class TestFurtherUpstream:
    def test_is_sent_its_own_key_in_its_own_header_and_its_query(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("tiny", openai_wire.answer("ok"))
        for _ in range(2):
            assert ask(service.url, "acme/tiny").text == "ok"
        for request in upstream.requests("tiny"):
            assert request.path == "/v1/chat/completions?api-version=2026-01-01"
            assert request.headers["api-key"] == "acme-key-0123456789"
            assert not {"authorization", "x-ours", "openai-organization"} & set(request.headers)
        ask(service.url, "openai/tiny")
        assert {"authorization", "x-ours", "openai-organization"} <= set(upstream.requests("tiny")[-1].headers)

    def test_that_needs_no_key_is_sent_none(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("second", anthropic_wire.answer("ok"))
        assert ask(service.url, "open/second").text == "ok"
        sent = upstream.requests("second")[0].headers
        assert not {"authorization", "x-api-key", "x-ours"} & set(sent)
        assert "sk-" not in str(sent)

    def test_stands_in_chains(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("first", openai_wire.error(403))
        upstream.answer("second", anthropic_wire.answer("ok"))
        assert ask(service.url, "foreign").named("start")[0]["model"] == "open/second"


def test_metrics_tell_how_the_models_are(service: Service, upstream: Upstream) -> None:
    upstream.answer("usual", openai_wire.answer("ok"))
    ask(service.url, "usual")
    answer = send(service.url + "/metrics", method="GET")
    text = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'headrace_breaker_state{model="openai/usual",state="closed"} 1.0' in text
    assert 'headrace_breaker_state{model="openai/usual",state="open"} 0.0' in text
    assert re.search(r'headrace_attempts_total\{model="openai/usual",outcome="began"\} \d+\.0', text)
    assert 'headrace_attempts_total{model="acme/first",outcome="upstream_forbidden"} 1.0' in text


def test_a_server_that_speaks_the_responses_api_is_asked_in_it(service: Service, upstream: Upstream) -> None:
    called = ToolCall("c1", "find", ('{"q":', "1}"))
    upstream.answer("thinking", responses_wire.answer(Reasoning("hm"), "Well.", called, usage=Tokens(9, 7, 2, 3)))
    answer = ask(service.url, "responses/thinking", tools=[{"name": "find"}])
    assert (answer.text, answer.is_done) == ("Well.", True)
    assert answer.named("reasoning") == [{"delta": "hm"}]
    assert answer.named("tool")[-1] == {"call": 0, "arguments": {"q": 1}}
    usage = answer.named("usage")[0]
    assert (usage["cached_tokens"], usage["reasoning_tokens"]) == (2, 3)
    assert upstream.requests("thinking")[0].path == "/v1/responses"


def test_one_that_breaks_off_there_is_heard_of(service: Service, upstream: Upstream) -> None:
    upstream.answer("breaking", responses_wire.failing_after(2))
    answer = ask(service.url, "responses/breaking")
    assert (answer.text, answer.is_done) == ("0 1 ", False)
    assert answer.named("error")[0]["code"] == "upstream_failed"
