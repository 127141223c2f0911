"""OpenAI's SDK for Python: every error before the first token has the class that its users catch."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[OpenAI]:
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])
@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize(
    ("status", "raised", "code"),
    [
        (400, openai.BadRequestError, "upstream_invalid_request"),
        (401, openai.AuthenticationError, "upstream_unauthorized"),
        (403, openai.PermissionDeniedError, "upstream_forbidden"),
        (404, openai.NotFoundError, "upstream_not_found"),
        (429, openai.RateLimitError, "rate_limited"),
        (500, openai.InternalServerError, "upstream_failed"),
    ],
)
def test_of_the_upstream(client, upstream, provider, wire, is_streamed, status, raised, code) -> None:
    upstream.answer("refused", wire.error(status, retry_after=7 if status == 429 else None))
    with pytest.raises(raised) as caught:
        client.chat.completions.create(model=f"{provider}/refused", messages=HI, stream=is_streamed)
    assert caught.value.code == code
    assert provider in caught.value.message
    assert caught.value.response.headers.get("retry-after") == ("7" if status == 429 else None)


@pytest.mark.parametrize(
    ("fields", "raised", "code"),
    [
        ({"model": "nobody/x"}, openai.NotFoundError, "upstream_not_found"),
        ({"model": "openai/x", "n": 2}, openai.BadRequestError, "invalid_request"),
        ({"model": "openai/x", "modalities": ["text", "audio"]}, openai.BadRequestError, "invalid_request"),
        (
            {"model": "anthropic/x", "extra_body": {"response_format": {"type": "grammar"}}},
            openai.BadRequestError,
            "invalid_request",
        ),
    ],
)
def test_of_the_question(client: OpenAI, fields, raised, code: str) -> None:
    with pytest.raises(raised) as caught:
        client.chat.completions.create(messages=HI, **fields)
    assert (caught.value.code, caught.value.type) == (code, "invalid_request_error")


def test_of_the_key(guarded: Service) -> None:
    with OpenAI(base_url=guarded.url + "/v1", api_key="theirs", max_retries=0) as stranger:
        for ask in (lambda: stranger.chat.completions.create(model="x", messages=HI), stranger.models.list):
            with pytest.raises(openai.AuthenticationError) as caught:
                ask()
            assert caught.value.code == "unauthorized"


def test_that_pass_are_tried_again_by_the_sdk_itself(service: Service, upstream: Upstream) -> None:
    upstream.answer("busy once", [openai_wire.error(503), openai_wire.answer("ok")])
    with OpenAI(base_url=service.url + "/v1", api_key="any", max_retries=1) as patient:
        answered = patient.chat.completions.create(model="openai/busy once", messages=HI)
    assert answered.choices[0].message.content == "ok"
