"""The answers of the running service, of every operation: /openapi.json describes each of them, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.blueprints.anthropic_messages import answers as everything
from tests.blueprints.openapi.documented import EVENT_STREAM, JSON, Document
from tests.support.reader import QUESTION, Reading, send
from tests.support.service import Service
from tests.support.upstream import Gate, Reasoning, ToolCall, Upstream, anthropic_wire, openai_wire
from tests.support.upstream.plain import json_body

CALL = ToolCall("call_1", "find", ('{"wor', 'd": "mill"}'))
ANSWERS = {  # of the models: pieces, and the finish reasons of OpenAI and of Anthropic
    "text": ((Reasoning("hm"), "Hel", "lo"), "stop", "end_turn"),
    "cut": (("Hel",), "length", "max_tokens"),
    "call": ((CALL,), "tool_calls", "tool_use"),
    "json": (('{"word": ', '"mill"}'), "stop", "end_turn"),
}
SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TOOL = {"name": "find", "parameters": {"type": "object"}}
OPENAI_TOOL = {"type": "function", "function": TOOL}
CUSTOM_TOOL = {"type": "custom", "custom": {"name": "find"}}
PROMPT = {"role": "user", "parts": [{"type": "text", "text": "hi"}]}
ANTHROPIC = {"anthropic-version": "2023-06-01"}
UNKNOWN = "documented-000000000"
OF_ONE_FAMILY = {("/v1/chat/completions", "openai"), ("/v1/messages", "anthropic")}


class Asked(NamedTuple):
    """A request. `path` is the document's, `url` the request's, which may need another request first."""

    method: str
    path: str
    content_type: str
    body: Any = None
    url: str | Callable[[Service, Upstream], str] = ""
    headers: dict[str, str] | None = None
    status: int = 200


def chat(content_type: str, **fields: Any) -> Asked:
    body = {"messages": QUESTION, "stream": content_type == EVENT_STREAM, **fields}
    return Asked("POST", "/api/chat", content_type, body)


def completion(content_type: str, **fields: Any) -> Asked:
    body = {"messages": QUESTION, "stream": content_type == EVENT_STREAM, **fields}
    return Asked("POST", "/v1/chat/completions", content_type, body)


def response(content_type: str, **fields: Any) -> Asked:
    return Asked(
        "POST", "/v1/responses", content_type, {"input": "hi", "stream": content_type == EVENT_STREAM, **fields}
    )


def message(content_type: str, **fields: Any) -> Asked:
    body = {"messages": QUESTION, "max_tokens": 64, "stream": content_type == EVENT_STREAM, **fields}
    return Asked("POST", "/v1/messages", content_type, body)


def stream(protocol: str) -> Asked:
    def url(service: Service, _: Upstream) -> str:
        answer = send(service.url + "/api/chat", {"messages": QUESTION, "model": "openai/text", "resumable": True})
        return f"/api/streams/{answer.headers['headrace-stream-id']}?protocol={protocol}"

    return Asked("GET", "/api/streams/{id}", EVENT_STREAM, url=url)


def stored(method: str, content_type: str, end: str = "", query: str = "") -> Asked:
    def url(service: Service, _: Upstream) -> str:
        body = {"input": "hi", "model": "openai/text", "background": True}
        return f"/v1/responses/{send(service.url + '/v1/responses', body).json['id']}{end}{query}"

    return Asked(method, "/v1/responses/resp_{stream_id}" + end, content_type, url=url)


def ui_chat(**fields: Any) -> Asked:
    return Asked("POST", "/ai/chat", EVENT_STREAM, {"messages": [PROMPT], **fields})


def ui_chat_again(service: Service, upstream: Upstream) -> str:
    body = {"id": "documented", "messages": [PROMPT], "model": "openai/slow", "resumable": True}
    with Reading(service.url + "/ai/chat", body) as reading:
        reading.until(b"Hel")
    upstream.open_gate("documented")
    return "/ai/chat/documented/stream"


def listed_model(service: Service, _: Upstream) -> str:
    # The service may have cached the list before this module's models were there.
    return f"/v1/models/{send(service.url + '/v1/models', method='GET').json['data'][0]['id']}"


BOTH = (JSON, EVENT_STREAM)
ASKED = [
    *[
        chat(kind, model=f"{provider}/{name}")
        for kind in BOTH
        for provider in ("openai", "anthropic")
        for name in ANSWERS
    ],
    *[chat(kind, model="openai/json", schema=SCHEMA) for kind in BOTH],
    *[chat(kind, model="openai/call", tools=[TOOL], partials=True) for kind in BOTH],
    *[chat(EVENT_STREAM, model=f"openai/{name}", resumable=True) for name in ANSWERS],
    chat(EVENT_STREAM, model="openai/broken"),
    chat(JSON, model="openai/broken")._replace(status=502),
    chat(JSON, model="openai/refused")._replace(status=429),
    chat(JSON, temperature="hot")._replace(status=400),
    Asked("GET", "/api/models", JSON),
    *[stream(protocol) for protocol in ("native", "openai", "openai-responses", "anthropic", "ui-messages")],
    Asked("GET", "/api/streams/{id}", JSON, url=f"/api/streams/{UNKNOWN}", status=404),
    *[completion(kind, model=f"openai/{name}") for kind in BOTH for name in ANSWERS],
    *[completion(kind, model="anthropic/text", stream_options={"include_usage": True}) for kind in BOTH],
    *[completion(kind, model="openai/call", tools=[tool]) for kind in BOTH for tool in (OPENAI_TOOL, CUSTOM_TOOL)],
    *[completion(kind, model="openai/call", functions=[TOOL]) for kind in BOTH],
    completion(EVENT_STREAM, model="openai/broken"),
    completion(JSON, model="openai/refused")._replace(status=429),
    *[
        response(kind, model=f"{provider}/{name}")
        for kind in BOTH
        for provider in ("openai", "anthropic")
        for name in ANSWERS
    ],
    *[response(kind, model="openai/call", tools=[{"type": "custom", "name": "find"}]) for kind in BOTH],
    *[response(kind, model="openai/text", instructions="Be brief.", metadata={"a": "b"}, top_p=0.5) for kind in BOTH],
    response(EVENT_STREAM, model="openai/broken"),
    response(JSON, model="openai/text", background=True),
    response(JSON, model="openai/refused")._replace(status=429),
    Asked("POST", "/v1/responses/compact", JSON, {"model": "openai/text", "input": "hi"}),
    stored("GET", JSON),
    stored("GET", EVENT_STREAM, query="?stream=true"),
    stored("POST", JSON, "/cancel"),
    stored("DELETE", JSON),
    Asked("GET", "/v1/responses/resp_{stream_id}", JSON, url=f"/v1/responses/resp_{UNKNOWN}", status=404),
    *[
        message(kind, model=f"{provider}/{name}")
        for kind in BOTH
        for provider in ("openai", "anthropic")
        for name in ANSWERS
    ],
    *[message(kind, model="anthropic/everything") for kind in BOTH],
    message(EVENT_STREAM, model="anthropic/broken"),
    message(JSON, model="openai/refused")._replace(status=429),
    Asked("POST", "/v1/messages/count_tokens", JSON, {"messages": QUESTION, "model": "anthropic/counted"}),
    *[Asked("GET", "/v1/models", JSON, headers=headers) for headers in (None, ANTHROPIC)],
    *[
        Asked("GET", "/v1/models/{id}", JSON, url=url, headers=headers, status=status)
        for headers in (None, ANTHROPIC)
        for url, status in ((listed_model, 200), ("/v1/models/unlisted", 404))
    ],
    *[ui_chat(model=f"openai/{name}", tools=[TOOL]) for name in ANSWERS],
    *[ui_chat(model="openai/broken", ai=version) for version in (None, 7)],
    Asked("GET", "/ai/chat/{id}/stream", EVENT_STREAM, url=ui_chat_again),
    Asked("POST", "/ai/completion", EVENT_STREAM, {"prompt": "hi", "model": "openai/text"}),
    Asked("GET", "/healthz", JSON),
    Asked("GET", "/readyz", JSON),
]


class Documents(NamedTuple):
    """The document; `open` for clients of the provider's own protocol, who also get fields that only it has."""

    closed: Document
    open: Document


@pytest.fixture(scope="module")
def documents(service: Service, upstream: Upstream) -> Documents:
    for name, (pieces, finish, finish_of_anthropic) in ANSWERS.items():
        upstream.answer(name, openai_wire.answer(*pieces, finish=finish))
        upstream.answer(f"claude-{name}", anthropic_wire.answer(*pieces, finish=finish_of_anthropic))
    upstream.answer("broken", openai_wire.failing_after(2))
    upstream.answer("claude-everything", everything.frames(*everything.ANSWER))
    upstream.answer("claude-broken", anthropic_wire.failing_after(2))
    upstream.answer("claude-counted", json_body({"input_tokens": 5}))
    upstream.answer("refused", openai_wire.error(429))
    upstream.answer("slow", openai_wire.answer("Hel", Gate("documented"), "lo"))
    document = send(service.url + "/openapi.json", method="GET").json
    return Documents(Document(document), Document(document, is_open=True))


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked.method} {asked.path}")
def test_an_answer_is_as_documented(service: Service, upstream: Upstream, documents: Documents, asked: Asked) -> None:
    body = asked.body
    model = str(body.get("model")) if isinstance(body, dict) else ""
    if model.startswith("anthropic/"):
        body = {**body, "model": model.replace("/", "/claude-")}
    url = asked.url(service, upstream) if callable(asked.url) else asked.url or asked.path
    answer = send(service.url + url, body, method=asked.method, headers=asked.headers)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (asked.status, asked.content_type)
    is_of_one_family = (asked.path, model.partition("/")[0]) in OF_ONE_FAMILY
    document = documents.open if is_of_one_family else documents.closed
    document.check(asked.path, answer, asked.method.lower())


def test_all_answers_of_the_document_are_asked_for(service: Service) -> None:
    paths = send(service.url + "/openapi.json", method="GET").json["paths"]
    documented = {
        (method.upper(), path, content_type)
        for path, operations in paths.items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        for content_type in answer.get("content", {})
        if status != "default" and content_type in BOTH
    }
    assert documented <= {(asked.method, asked.path, asked.content_type) for asked in ASKED}
