"""A request made from a template is the one that the SDK itself would send."""

from __future__ import annotations

import anthropic
import httpx2
import openai
import pytest

from flask_headrace.providers.http.request_template import (
    STREAM_HEADERS,
    RequestTemplateMixin,
    post_stream,
    with_request_template,
)

CLIENTS = [(openai.OpenAI, "/chat/completions"), (anthropic.Anthropic, "/v1/messages")]


class Recorder(httpx2.BaseTransport):
    """Records requests, and responds with the given statuses."""

    def __init__(self, *statuses: int) -> None:
        self.sent: list[tuple[httpx2.Request, bytes]] = []
        self.statuses = list(statuses)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append((request, request.read()))
        return httpx2.Response(self.statuses.pop(0) if self.statuses else 200, headers={"retry-after-ms": "1"})


def send(client_class, path: str, recorder: Recorder, *bodies: bytes, retries: int = 0) -> None:
    client = client_class(
        base_url="http://127.0.0.1:1/v1",
        api_key="sk-x",
        http_client=httpx2.Client(transport=recorder),
        max_retries=retries,
    )
    for body in bodies:
        if isinstance(client, RequestTemplateMixin):
            post_stream(client, path, body, openai.Stream)
        else:
            client.post(path, content=body, options={"headers": STREAM_HEADERS}, cast_to=httpx2.Response)


def described(request: httpx2.Request) -> tuple[object, ...]:
    return request.method, request.url, sorted(request.headers.raw), request.extensions


@pytest.mark.parametrize(("client_class", "path"), CLIENTS)
def test_it_has_the_sdks_own_head_and_its_own_body(client_class, path: str) -> None:
    plain, same = Recorder(), Recorder()
    bodies = b'{"first": 1}', b'{"second": "longer"}', b'{"third": 3}'
    send(client_class, path, plain, *bodies)
    send(with_request_template(client_class), path, same, *bodies)
    assert [body for _, body in same.sent] == list(bodies)
    assert [described(request) for request, _ in same.sent] == [described(request) for request, _ in plain.sent]


@pytest.mark.parametrize(("client_class", "path"), CLIENTS)
def test_it_is_retried_as_the_sdk_does(client_class, path: str) -> None:
    recorder = Recorder(200, 500, 200)
    send(with_request_template(client_class), path, recorder, b"{}", b'{"again": 1}', retries=1)
    assert [body for _, body in recorder.sent] == [b"{}", b'{"again": 1}', b'{"again": 1}']
    assert [request.headers["x-stainless-retry-count"] for request, _ in recorder.sent] == ["0", "0", "1"]
