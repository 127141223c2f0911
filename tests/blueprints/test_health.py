"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from tests.support.event_loop import until
from tests.support.reader import ask, asking, send
from tests.support.service import Service
from tests.support.upstream import Gate, Tokens, Upstream, openai_wire


def test_healthz_tells_that_the_process_lives(service: Service) -> None:
    answer = send(service.url + "/healthz", method="GET")
    assert (answer.status, answer.json["status"]) == (200, "ok")


def test_readyz_is_200_when_the_default_model_can_be_asked(service: Service) -> None:
    assert send(service.url + "/readyz", method="GET").status == 200


def test_readyz_is_503_with_the_reason_when_it_cannot() -> None:
    with Service() as own:
        answer = send(own.url + "/readyz", method="GET")
        assert (answer.status, answer.error["code"]) == (503, "model_unavailable")
        assert "OPENAI_API_KEY" in answer.error["message"]
        assert send(own.url + "/healthz", method="GET").status == 200


def test_readyz_is_503_when_nobody_is_there_to_be_asked() -> None:
    with Service(OPENAI_BASE_URL="http://127.0.0.1:9/v1", HEADRACE_MODEL="openai/x") as own:
        answer = send(own.url + "/readyz", method="GET")
        assert (answer.status, answer.error["code"]) == (503, "upstream_unreachable")


def test_readyz_is_503_when_the_default_model_is_of_nobody(service: Service) -> None:
    with Service(OPENAI_BASE_URL="http://127.0.0.1:9/v1", HEADRACE_MODEL="nobody/x") as own:
        assert send(own.url + "/readyz", method="GET").status == 503


def scraped(url: str) -> dict[str, float]:
    """Return the samples of `GET /metrics` by name and labels."""
    answer = send(url + "/metrics", method="GET")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line.rsplit(" ", 1) for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


class TestMetrics:
    def test_count_each_end_with_its_tokens(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("counted", openai_wire.answer("Hello", usage=Tokens(9, 2)))
        ask(service.url, "openai/counted")
        ended = 'headrace_streams_total{end="done",model="openai/counted",reason="stop"}'
        until(lambda: scraped(service.url).get(ended) == 1)
        samples = scraped(service.url)
        assert samples['headrace_tokens_total{kind="input",model="openai/counted"}'] == 9
        assert samples['headrace_tokens_total{kind="output",model="openai/counted"}'] == 2
        assert samples['headrace_first_token_seconds_count{model="openai/counted"}'] == 1
        assert samples['headrace_stream_seconds_count{model="openai/counted"}'] == 1

    def test_are_of_all_workers_and_tell_what_is_open(self, upstream: Upstream) -> None:
        upstream.answer("held", openai_wire.answer("one", Gate("held"), "two"))
        settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "OPENAI_API_KEY": "sk-test", "WEB_CONCURRENCY": "2"}
        with Service(**settings) as own:
            readings = [asking(own.url, "openai/held") for _ in range(8)]
            for reading in readings:
                reading.until(b"one")
            assert scraped(own.url)["headrace_open_streams"] == 8
            for reading in readings:
                reading.leave()
            until(lambda: scraped(own.url)["headrace_open_streams"] == 0)
            left = 'headrace_streams_total{end="cancelled",model="openai/held",reason="reader_left"}'
            assert scraped(own.url)[left] == 8

    def test_want_a_key_where_there_are_keys(self) -> None:
        with Service(HEADRACE_API_KEYS="k-0123456789") as own:
            assert send(own.url + "/metrics", method="GET").status == 401
            keyed = send(own.url + "/metrics", method="GET", headers={"Authorization": "Bearer k-0123456789"})
            assert keyed.status == 200
