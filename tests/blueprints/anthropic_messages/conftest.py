"""A service in front of upstreams of all kinds, as clients of Anthropic's protocol and of others use it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import upstreams
from tests.support.service import Service
from tests.support.upstream import Request, Upstream, anthropic_wire, openai_wire

CONFIG = """
[upstreams.chat]
api_key_env = "ACME_KEY"
kind = "openai"
base_url = "{url}/v1"
[upstreams.known]
api_key_env = "ACME_KEY"
kind = "anthropic"
base_url = "{url}"
pass = "known"
[upstreams.kept]
api_key_env = "ACME_KEY"
kind = "anthropic"
base_url = "{url}"
state = true
[upstreams.strict]
api_key_env = "ACME_KEY"
kind = "anthropic"
base_url = "{url}"
refuse = ["web_search", "service_tier"]
[upstreams.backup]
api_key_env = "ACME_KEY"
kind = "anthropic"
base_url = "{url}"
[models.safe]
chain = ["backup/first", "anthropic/second"]
continues = ["anthropic/second"]
retries = 0
[models.mixed]
chain = ["chat/mixed", "anthropic/mixed"]
retries = 0
"""


@dataclass
class Answer:
    """A response: its status, its headers, and its JSON value or the JSON values of its frames."""

    status: int
    headers: dict[str, str]
    body: Any
    text: str


class Asked:
    """A client without an SDK, and the upstream behind the service."""

    def __init__(self, service: Service, upstream: Upstream) -> None:
        self.service, self.upstream = service, upstream

    def ask(self, endpoint: str, body: dict[str, Any] | bytes, **headers: str) -> Answer:
        """Return the response to a request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=20)
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", endpoint, sent, {"content-type": "application/json", **named})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
        is_stream = response.headers["content-type"].startswith("text/event-stream")
        values = [json.loads(line) for line in data if line != "[DONE]"] if is_stream else json.loads(text)
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, values, text)

    def received(self, model: str, endpoint: str = "/v1/messages", **fields: Any) -> Request:
        """Return what the upstream received of a request that was answered; see `sent` for the arguments."""
        answer, request = self.sent(model, endpoint, **fields)
        assert answer.status == 200, answer.text
        return request

    def sent(self, model: str, endpoint: str = "/v1/messages", **fields: Any) -> tuple[Answer, Request]:
        """Ask a model; return the response and the request that the upstream received.

        Args:
            model: The model.
            endpoint: The endpoint.
            fields: Fields of the body; `headers` are those of the request.
        """
        name = model.partition("/")[2]
        wire = openai_wire if model.startswith(("chat/", "openai/")) else anthropic_wire
        self.upstream.answer(name, wire.answer("ok"))
        count = len(self.upstream.requests(name))
        headers = fields.pop("headers", {})
        required = {"max_tokens": 100} if endpoint == "/v1/messages" else {}
        answer = self.ask(endpoint, {"model": model, **required, **fields}, **headers)
        return answer, (self.upstream.requests(name)[count:] or [None])[0]  # type: ignore[return-value]


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory, shared_upstream: Upstream) -> Iterator[Asked]:
    config: Path = tmp_path_factory.mktemp("messages") / "headrace.toml"
    config.write_text(CONFIG.format(url=shared_upstream.url))
    settings = {**upstreams(shared_upstream), "HEADRACE_CONFIG": str(config), "ACME_KEY": "sk-test-0123456789"}
    with Service(**settings) as running:
        yield Asked(running, shared_upstream)
