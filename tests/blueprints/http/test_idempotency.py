"""`Idempotency-Key`: a request that is sent again joins the answer, and the model is asked once."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.conftest import upstreams
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, openai_wire, script

PATHS = {"native": "/api/chat", "openai-chat": "/v1/chat/completions", "anthropic": "/v1/messages"}


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    """Return a service with keys: streams of one owner are none of another's."""
    with Service(**upstreams(upstream), HEADRACE_API_KEYS="one-key-of-16-chars,two-key-of-16-chars") as running:
        yield running


def ask(
    service: Service, name: str, key: str, *, path: str = "/api/chat", owner: str = "one-key-of-16-chars", **fields: Any
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of a request with an `Idempotency-Key`."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    body = {"model": f"openai/{name}", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, **fields}
    headers = {"content-type": "application/json", "authorization": f"Bearer {owner}", "idempotency-key": key}
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    read = response.read()
    connection.close()
    return response.status, read, {name.lower(): value for name, value in response.getheaders()}


def text_of(body: bytes) -> str:
    frames = [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: {")]
    return "".join(frame.get("delta", "") for frame in frames if isinstance(frame.get("delta"), str))


def test_a_request_that_is_sent_again_gets_the_kept_answer(service: Service, upstream: Upstream) -> None:
    upstream.answer("kept", openai_wire.answer("Hel", "lo"))
    first, second = ask(service, "kept", "k1"), ask(service, "kept", "k1")
    assert first[0] == second[0] == 200
    assert first[1] == second[1]
    assert text_of(first[1]) == "Hello"
    assert len(upstream.requests("kept")) == 1


def test_one_that_is_sent_while_the_answer_is_under_way_follows_it(service: Service, upstream: Upstream) -> None:
    gate = Gate("joined")
    upstream.answer(
        "joined",
        script(
            openai_wire.HEAD, openai_wire.opening(), openai_wire.text("a"), gate, openai_wire.text("b"),
            openai_wire.ending("stop"), openai_wire.DONE,
        ),
    )  # fmt: skip
    answers: list[tuple[int, bytes, dict[str, str]]] = []
    asking = [threading.Thread(target=lambda: answers.append(ask(service, "joined", "k2"))) for _ in range(3)]
    for thread in asking:
        thread.start()
    upstream.wait_for(lambda: upstream.requests("joined")[0].at_gate)
    upstream.open_gate("joined")
    for thread in asking:
        thread.join(20)
    assert [(status, text_of(body)) for status, body, _ in answers] == [(200, "ab")] * 3
    assert len(upstream.requests("joined")) == 1


@pytest.mark.parametrize("again", PATHS)
@pytest.mark.parametrize("first", PATHS)
def test_the_second_may_ask_in_another_protocol(service: Service, upstream: Upstream, first: str, again: str) -> None:
    name, key = f"across-{first}-{again}", f"k3-{first}-{again}"
    upstream.answer(name, openai_wire.answer("Hello"))
    for protocol in (first, again):
        status, body, _ = ask(service, name, key, path=PATHS[protocol], stream=False)
        assert (status, b"Hello" in body) == (200, True), body
    assert len(upstream.requests(name)) == 1


def test_another_question_with_the_same_key_is_refused(service: Service, upstream: Upstream) -> None:
    upstream.answer("other", openai_wire.answer("Hello"))
    assert ask(service, "other", "k4")[0] == 200
    status, body, headers = ask(service, "other", "k4", temperature=0.5)
    assert (status, headers["x-should-retry"]) == (409, "false")
    assert "Idempotency-Key is 'k4', with which another question was sent" in json.loads(body)["error"]["message"]
    assert len(upstream.requests("other")) == 1


def test_fields_that_only_the_provider_knows_make_another_question(service: Service, upstream: Upstream) -> None:
    upstream.answer("biased", openai_wire.answer("Hello"))
    path = PATHS["openai-chat"]
    statuses = [ask(service, "biased", "k5", path=path, x_seed=seed)[0] for seed in (1, 1, 2)]
    assert statuses == [200, 200, 409]


def test_the_key_of_another_owner_is_another_key(service: Service, upstream: Upstream) -> None:
    upstream.answer("owners", openai_wire.answer("Hello"))
    answers = [ask(service, "owners", "k6", owner=owner) for owner in ("one-key-of-16-chars", "two-key-of-16-chars")]
    assert [status for status, _, _ in answers] == [200, 200]
    assert len(upstream.requests("owners")) == 2


def test_one_that_failed_before_its_answer_is_asked_again(service: Service, upstream: Upstream) -> None:
    upstream.answer("failing", [openai_wire.error(400), openai_wire.error(400), openai_wire.answer("Hello")])
    statuses = [ask(service, "failing", "k7")[0] for _ in range(4)]
    assert statuses[2:] == [200, 200]
    assert all(status >= 400 for status in statuses[:2])
    assert len(upstream.requests("failing")) == 3


def test_one_that_broke_off_in_mid_answer_is_not_asked_again(service: Service, upstream: Upstream) -> None:
    upstream.answer("broken", openai_wire.failing_after(2))
    first, second = ask(service, "broken", "k8"), ask(service, "broken", "k8")
    assert b"event: error" in first[1]
    assert first[1] == second[1]
    assert len(upstream.requests("broken")) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_no_use_is_refused(service: Service, key: str) -> None:
    status, body, _ = ask(service, "any", key)
    assert status == 400
    assert f"Idempotency-Key has {len(key)} characters" in json.loads(body)["error"]["message"]


def test_a_client_that_sends_its_request_again_after_a_lost_connection_gets_the_answer(
    service: Service, upstream: Upstream
) -> None:
    upstream.answer("retried", openai_wire.answer("Hello"))
    lost: list[int] = []

    class LosesTheFirstAnswer(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            response = super().handle_request(request)
            if not lost:
                response.read()
                lost.append(response.status_code)
                raise httpx2.ReadError("the connection broke")
            return response

    client = openai.OpenAI(
        base_url=f"{service.url}/v1",
        api_key="one-key-of-16-chars",
        http_client=httpx2.Client(transport=LosesTheFirstAnswer()),
        max_retries=2,
    )
    answer = client.chat.completions.create(
        model="openai/retried",
        messages=[{"role": "user", "content": "hi"}],
        extra_headers={"Idempotency-Key": "k9"},
    )
    assert (answer.choices[0].message.content, lost) == ("Hello", [200])
    assert len(upstream.requests("retried")) == 1
