"""A service whose responses are stored, and one owner's requests to it."""

from __future__ import annotations

from typing import Any

from tests.blueprints.openai_responses.response_schema import check_response
from tests.conftest import upstreams
from tests.support.reader import Answer, Reading, send
from tests.support.service import Service
from tests.support.upstream import Upstream

MINE, THEIRS = "one-key-of-16-chars", "two-key-of-16-chars"


def service_of(upstream: Upstream) -> Service:
    """Return a service with keys, whose streams do not outlive their readers for long."""
    keys = {"HEADRACE_API_KEYS": f"{MINE},{THEIRS}", "HEADRACE_RESUME_GRACE": "0.1", "HEADRACE_RETENTION": "20"}
    return Service(**upstreams(upstream), **keys, HEADRACE_MAX_STREAMS="16")


class Client:
    """One owner's requests."""

    def __init__(self, service: Service, key: str = MINE) -> None:
        self._url, self._headers = service.url + "/v1/responses", {"Authorization": f"Bearer {key}"}

    def ask(self, model: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
        body = {"model": f"openai/{model}", "input": "hi", **fields}
        return send(self._url, body, headers={**self._headers, **(headers or {})})

    def begin(self, model: str, **fields: Any) -> str:
        answer = self.ask(model, background=True, **fields)
        assert answer.status == 200, answer.body
        check_response(answer.json)
        assert answer.json["status"] in {"queued", "in_progress"}
        found: str = answer.json["id"]
        return found

    def get(self, id_: str, query: str = "") -> Answer:
        return send(f"{self._url}/{id_}{query}", method="GET", headers=self._headers)

    def following(self, id_: str, query: str = "") -> Reading:
        return Reading(f"{self._url}/{id_}?stream=true{query}", method="GET", headers=self._headers)

    def cancel(self, id_: str) -> Answer:
        return send(f"{self._url}/{id_}/cancel", method="POST", headers=self._headers)

    def delete(self, id_: str) -> Answer:
        return send(f"{self._url}/{id_}", method="DELETE", headers=self._headers)

    def resource(self, id_: str) -> dict[str, Any]:
        answer = self.get(id_)
        assert answer.status == 200, answer.body
        check_response(answer.json)
        resource: dict[str, Any] = answer.json
        return resource


def ended(service: Service, client: Client, id_: str) -> dict[str, Any]:
    def resource() -> dict[str, Any] | None:
        found = client.resource(id_)
        return None if found["status"] in {"queued", "in_progress"} else found

    found: dict[str, Any] = service.wait_until(resource)
    return found


def text_of(resource: dict[str, Any]) -> str:
    return "".join(part["text"] for item in resource["output"] for part in item.get("content", []))
