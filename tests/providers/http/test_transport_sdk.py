"""The official SDKs over the transport: their error classes, retries and streams work unchanged."""

from __future__ import annotations

import gevent
import openai
import pytest

from flask_headrace.providers.http.transport import Client, Transport
from tests.support.event_loop import until
from tests.support.upstream import Close, Gate, Hang, Upstream, addresses, openai_wire, plain, script

QUESTION = [{"role": "user", "content": "hi"}]


def client(url: str, transport: Transport, **options) -> openai.OpenAI:
    return openai.OpenAI(base_url=url + "/v1", api_key="sk-test", http_client=Client(transport), **options)


def stream(sdk: openai.OpenAI) -> openai.Stream:
    return sdk.chat.completions.create(model="m", messages=QUESTION, stream=True)


def test_its_own_stream_reads_the_answer(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", openai_wire.answer("Hel", "lo", usage=None))
    chunks = stream(client(own_upstream.url, transport))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"


def test_an_answer_that_is_not_streamed_is_read_whole(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", openai_wire.answer("Hel", "lo"))
    answer = client(own_upstream.url, transport).chat.completions.create(model="m", messages=QUESTION)
    assert answer.choices[0].message.content == "Hello"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_a_refusal_is_its_error(own_upstream: Upstream, transport: Transport, status: int, error: type) -> None:
    own_upstream.answer("m", openai_wire.error(status))
    with pytest.raises(error) as raised:
        stream(client(own_upstream.url, transport, max_retries=0))
    assert raised.value.status_code == status
    assert raised.value.body["message"] == openai_wire.ERRORS[status][2]


class TestRetries:
    @pytest.mark.parametrize(
        "first", [openai_wire.error(500), openai_wire.error(429), script(Close()), plain.html(502)]
    )
    def test_ask_again_until_there_is_an_answer(self, own_upstream, transport, monkeypatch, first) -> None:
        monkeypatch.setattr("time.sleep", lambda _: None)
        own_upstream.answer("m", [first, first, openai_wire.answer("Hel", usage=None)])
        chunks = stream(client(own_upstream.url, transport, max_retries=2))
        assert [chunk.choices[0].delta.content for chunk in chunks][1] == "Hel"
        assert len(own_upstream.requests("m")) == 3

    def test_end_after_as_many_as_were_allowed(self, own_upstream, transport, monkeypatch) -> None:
        monkeypatch.setattr("time.sleep", lambda _: None)
        own_upstream.answer("m", openai_wire.error(500))
        with pytest.raises(openai.InternalServerError):
            stream(client(own_upstream.url, transport, max_retries=2))
        assert len(own_upstream.requests("m")) == 3


def test_no_connection_is_its_connection_error(transport: Transport) -> None:
    with addresses.refusing() as url, pytest.raises(openai.APIConnectionError):
        stream(client(url, transport, max_retries=0))


def test_its_own_time_limit_is_its_timeout_error(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", script(Hang()))
    with pytest.raises(openai.APITimeoutError):
        stream(client(own_upstream.url, transport, max_retries=0, timeout=0.1))


def test_closing_its_stream_closes_the_connection(own_upstream: Upstream, transport: Transport) -> None:
    own_upstream.answer("m", openai_wire.answer("one", Gate("never"), "two"))
    chunks = stream(client(own_upstream.url, transport))
    next(iter(chunks))
    chunks.close()
    until(lambda: own_upstream.requests("m")[0].closed)


def test_killing_the_greenlet_that_iterates_it_closes_the_connection(own_upstream, transport) -> None:
    own_upstream.answer("m", openai_wire.answer("one", Gate("here"), "two"))

    def read() -> None:
        with stream(client(own_upstream.url, transport)) as chunks:
            list(chunks)

    greenlet = gevent.spawn(read)
    until(lambda: own_upstream.requests("m")[0].at_gate)
    greenlet.kill()
    until(lambda: own_upstream.requests("m")[0].closed)


def test_our_client_has_no_limit_on_silence_and_follows_no_redirect() -> None:
    ours = Client(Transport(connect_timeout=3))
    assert (ours.timeout.connect, ours.timeout.read, ours.timeout.write, ours.timeout.pool) == (3, None, None, None)
    assert not ours.follow_redirects


def test_our_client_takes_no_cookie_from_one_answer_into_the_next_question(own_upstream, transport) -> None:
    own_upstream.answer("m", plain.json_body({}, 200, ("set-cookie", "whose=mine")))
    for _ in range(2):
        assert client(own_upstream.url, transport).post("/chat/completions", body={"model": "m"}, cast_to=object) == {}
    assert "cookie" not in own_upstream.requests("m")[1].headers
