"""Anthropic's protocol without an SDK: curl, pings, event ids and headers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import anthropic
import msgspec
import pytest
from anthropic.pagination import SyncPage
from anthropic.types import ModelInfo
from flask import Flask

from flask_headrace import Headrace
from flask_headrace.blueprints.anthropic_messages.endpoint import models_page
from flask_headrace.providers.registry import Model
from tests.clients.anthropic_messages.answers import CALLS, HI, PROVIDERS, TEXT, TOOLS, whole
from tests.clients.anthropic_messages.conftest import KEY
from tests.conftest import require
from tests.support.reader import Answer, Reading, send
from tests.support.service import Service
from tests.support.upstream import Gate, Upstream, openai_wire

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def body(model: str, **fields) -> dict:
    return {"model": model, "max_tokens": 9, "messages": HI, "stream": True, **fields}


def ids(client: anthropic.Anthropic, **page: int) -> list[str]:
    return [model.id for model in client.models.list(**page)]


def names(answer: Answer) -> list[str]:
    return re.findall("^event: (.*)$", answer.body.decode(), re.MULTILINE)


def test_is_read_by_curl(service: Service, upstream: Upstream) -> None:
    require("curl", "apt-get install curl")
    upstream.answer("default", whole(openai_wire))
    command = ["sh", Path(__file__).with_name("curl.sh"), service.url]
    output = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout.decode()
    assert "".join(re.findall(r'"text_delta","text":"([^"]*)"', output)) == TEXT
    assert output.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')


@pytest.mark.parametrize(("provider", "wire"), PROVIDERS)
class TestAStream:
    def test_is_an_event_stream_with_an_id_of_its_own(self, service, upstream, provider, wire) -> None:
        upstream.answer("headed", wire.answer("ok"))
        answer = send(service.url + "/v1/messages", body(f"{provider}/headed"))
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        assert '"id":"msg_' + answer.headers["headrace-stream-id"] in answer.body.decode()
        assert names(answer) == [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]

    def test_is_kept_alive_by_pings_before_its_first_token_and_after(self, guarded, upstream, provider, wire) -> None:
        gates = [f"{provider} {place}" for place in ("before", "between")]
        upstream.answer("slow", wire.answer(Gate(gates[0]), "one", Gate(gates[1]), "two"))
        with Reading(guarded.url + "/v1/messages", body(f"{provider}/slow"), headers={"x-api-key": KEY}) as reading:
            assert reading.until(PING) == PING
            upstream.open_gate(gates[0])
            reading.until(b'"one"')
            reading.until(PING)
            upstream.open_gate(gates[1])
            reading.until(b"event: message_stop")

    def test_that_can_be_resumed_is_numbered_and_stopped_from_anywhere(self, service, upstream, provider, wire) -> None:
        upstream.answer("resumable", wire.answer("one", Gate("never"), "two"))
        id_ = f"{provider}-0123456789abcdef"
        asked = body(f"{provider}/resumable", resumable=True, id=id_)
        with Reading(service.url + "/v1/messages", asked) as reading:
            assert reading.response().getheader("headrace-stream-id") == id_
            begun = reading.until(b'"one"')
            numbered = re.findall(rb"^id: (\d+)-[0-9a-f]{8}\nevent: (.*)$", begun, re.MULTILINE)
            assert numbered[-1][1] == b"content_block_delta"
            assert sorted(numbered, key=lambda frame: int(frame[0])) == numbered
            assert re.findall(rb"^event: (.*)$", begun, re.MULTILINE) == [
                b"message_start",
                b"content_block_start",
                b"content_block_delta",
            ]
            assert send(f"{service.url}/api/streams/{id_}", method="DELETE").status == 204
            rest = b"".join(reading.chunks())
        assert b"event: error\n" in rest
        assert b'"error_code":"cancelled"' in rest
        assert b"message_stop" not in rest
        whole = send(service.url + "/v1/messages", {**asked, "stream": False})
        assert (whole.status, whole.error["details"]) == (409, {"error_code": "cancelled"})
        assert whole.headers["x-should-retry"] == "false"

    def test_that_was_lost_goes_on_after_the_last_number(self, service, upstream, provider, wire) -> None:
        upstream.answer("lost", wire.answer("one", "two", *CALLS, finish=wire.FINISHES[2]))
        asked = body(f"{provider}/lost", tools=TOOLS, resumable=True)
        answer = send(service.url + "/v1/messages", asked)
        url = f"{service.url}/api/streams/{answer.headers['headrace-stream-id']}?protocol=anthropic"
        assert send(url, method="GET").body == answer.body
        positions = re.findall(r"^id: (\d+-[0-9a-f]{8})$", answer.body.decode(), re.MULTILINE)
        for position in positions[:-1]:
            rest = send(url, method="GET", headers={"Last-Event-ID": position}).body
            _, _, expected = answer.body.partition(b"id: %b\n" % position.encode())
            assert rest == expected.partition(b"\n\n")[2]
        assert send(url, method="GET", headers={"Last-Event-ID": positions[-1]}).status == 204


class TestARequest:
    @pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
    @pytest.mark.parametrize(
        ("sent", "says"),
        [(b"{", "is not JSON"), (b"{}", "`messages`"), (b'{"messages":[],"seed":1}', "messages is empty")],
    )
    def test_that_is_not_one_is_refused_in_the_protocols_form(self, service: Service, path, sent, says) -> None:
        answer = send(service.url + path, sent)
        assert (answer.status, answer.json["type"], answer.error["type"]) == (400, "error", "invalid_request_error")
        assert says in answer.error["message"]

    def test_of_another_site_is_forbidden(self, service: Service) -> None:
        answer = send(service.url + "/v1/messages", body("x"), headers={"Origin": "https://evil.example"})
        assert (answer.status, answer.error["type"]) == (403, "permission_error")

    def test_of_an_allowed_site_can_be_read_there(self, guarded: Service, upstream: Upstream) -> None:
        upstream.answer("cors", openai_wire.answer("ok"))
        origin = {"Origin": "https://app.example"}
        wanted = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-api-key,anthropic-version",
        }
        allowed = send(guarded.url + "/v1/messages", method="OPTIONS", headers=origin | wanted).headers
        assert allowed["access-control-allow-origin"] == "https://app.example"
        assert {"x-api-key", "anthropic-version"} <= set(allowed["access-control-allow-headers"].split(", "))
        answer = send(guarded.url + "/v1/messages", body("openai/cors"), headers=origin | {"x-api-key": KEY})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_the_endpoints_lie_under_an_applications_prefix(path: str) -> None:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    Headrace(app, url_prefix="/assistant", authorize=lambda: "somebody")
    refused = app.test_client().post("/assistant" + path, data="{")
    assert (refused.status_code, refused.json["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("POST", "/v1/models", 405, "invalid_request_error"),
        ("GET", "/v1/models/nobody", 404, "not_found_error"),
    ],
)
def test_what_is_not_there_is_refused_in_the_protocols_form(service: Service, method, path, status, kind) -> None:
    answer = send(service.url + path, b"{}", method=method, headers={"anthropic-version": "2023-06-01"})
    assert (answer.status, answer.json["type"], answer.error["type"]) == (status, "error", kind)
    assert path in answer.error["message"] or "nobody" in answer.error["message"]


class TestTheListOfModels:
    MODELS = (
        Model("openai/gpt-5", "openai", "gpt-5", embedded=False, default=True),
        Model("anthropic/claude-opus-4-7", "anthropic", "claude-opus-4-7", embedded=False, default=False),
    )

    def test_is_one_page_in_the_protocols_form(self) -> None:
        page = models_page(self.MODELS)
        assert [model["id"] for model in page["data"]] == ["openai/gpt-5", "anthropic/claude-opus-4-7"]
        assert [model["display_name"] for model in page["data"]] == ["gpt-5", "claude-opus-4-7"]
        assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "openai/gpt-5", page["data"][1]["id"])
        for model in page["data"]:
            ModelInfo.model_validate_json(msgspec.json.encode(model), strict=True)
        assert not SyncPage[ModelInfo].model_validate(page).has_next_page()

    def test_tells_what_is_known_of_a_model(self) -> None:
        known = Model(
            "acme/big", "acme", "big", embedded=False, default=False, display_name="Big", context_window=8192,
            max_output_tokens=512, capabilities={"image_input": True, "reasoning": False, "tools": True},
        )  # fmt: skip
        (model,) = models_page([known])["data"]
        assert (model["display_name"], model["max_input_tokens"], model["max_tokens"]) == ("Big", 8192, 512)
        assert model["context_window"] == 8192
        assert model["capabilities"] == {"image_input": {"supported": True}, "thinking": {"supported": False}}
        own = {"batch": {"supported": True}}
        (model,) = models_page([msgspec.structs.replace(known, anthropic_capabilities=own)])["data"]
        assert model["capabilities"] == own

    @pytest.mark.parametrize(
        ("asked", "ids", "has_more"),
        [
            ({}, "abcde", False),
            ({"limit": "2"}, "ab", True),
            ({"limit": "5"}, "abcde", False),
            ({"limit": "1000", "after_id": "acme/b"}, "cde", False),
            ({"limit": "2", "after_id": "acme/b"}, "cd", True),
            ({"after_id": "acme/e"}, "", False),
            ({"limit": "2", "before_id": "acme/d"}, "bc", True),
            ({"limit": "3", "before_id": "acme/d"}, "abc", False),
            ({"before_id": "acme/a"}, "", False),
        ],
    )
    def test_has_pages(self, asked: dict[str, str], ids: str, has_more: bool) -> None:
        models = [Model(f"acme/{name}", "acme", name, embedded=False, default=False) for name in "abcde"]
        page = models_page(models, **asked)
        wanted = [f"acme/{name}" for name in ids]
        assert ([model["id"] for model in page["data"]], page["has_more"]) == (wanted, has_more)
        assert (page["first_id"], page["last_id"]) == ((wanted[0], wanted[-1]) if wanted else (None, None))

    @pytest.mark.parametrize(
        ("query", "says"),
        [
            ("limit=0", "limit is '0'"),
            ("limit=1001", "from 1 to 1000"),
            ("limit=many", "limit is 'many'"),
            ("limit=%D9%A3", "limit is"),
            ("after_id=nobody/x", "after_id is 'nobody/x'"),
            ("before_id=", ""),
            ("before_id=a&after_id=b", "send one of them"),
        ],
    )
    def test_says_what_is_wrong_with_a_page(self, service: Service, query: str, says: str) -> None:
        answer = send(f"{service.url}/v1/models?{query}", method="GET", headers={"anthropic-version": "2023-06-01"})
        assert answer.status == (400 if says else 200)
        assert not says or says in answer.error["message"]

    def test_is_read_page_by_page_by_their_sdk(self, service: Service) -> None:
        with anthropic.Anthropic(base_url=service.url, api_key="any") as client:
            # The service may renew its list between two requests, with names that other tests have given the upstream.
            service.wait_until(lambda: ids(client, limit=1) == ids(client))
            every = ids(client)
            assert len(every) == len(set(every))
            assert client.models.retrieve(every[-1]).id == every[-1]

    def test_may_be_empty(self) -> None:
        assert models_page([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
