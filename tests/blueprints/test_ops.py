"""What a load balancer asks."""

from __future__ import annotations

from tests.reader import send
from tests.service import Service


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
