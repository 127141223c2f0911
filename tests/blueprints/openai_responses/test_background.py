"""`background`: the answer goes on without a reader, and is read later."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.blueprints.openai_responses.response_schema import check_events
from tests.blueprints.openai_responses.stored import MINE, Client, ended, service_of, text_of
from tests.support.reader import Reading, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, ToolCall, Upstream, openai_wire

WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    with service_of(upstream) as running:
        yield running


@pytest.fixture
def mine(service: Service) -> Client:
    return Client(service)


class TestBackground:
    def test_is_answered_at_once_and_read_later(self, service: Service, mine: Client, upstream: Upstream) -> None:
        gates = Gate("begun"), Gate("ends")
        upstream.answer("later", openai_wire.answer(gates[0], "Hel", gates[1], "lo"))
        id_ = mine.begin("later", metadata={"chat": "7"}, instructions="Be brief.")
        upstream.wait_for(lambda: upstream.requests("later")[0].at_gate)
        assert mine.resource(id_)["output"] == []
        upstream.open_gate("begun")
        growing = service.wait_until(lambda: text_of(found := mine.resource(id_)) == "Hel" and found)
        assert (growing["status"], growing["output"][0]["status"]) == ("in_progress", "in_progress")
        assert (growing["background"], growing["store"], growing["completed_at"]) == (True, True, None)
        upstream.open_gate("ends")
        whole = ended(service, mine, id_)
        assert (whole["status"], text_of(whole), whole["output"][0]["status"]) == ("completed", "Hello", "completed")
        assert (whole["metadata"], whole["instructions"]) == ({"chat": "7"}, "Be brief.")
        assert whole["usage"]["total_tokens"] > 0
        assert "background" not in upstream.requests("later")[0].body

    def test_goes_on_when_its_reader_leaves_and_is_the_same_for_the_next(
        self, service: Service, mine: Client, upstream: Upstream
    ) -> None:
        upstream.answer("left", openai_wire.answer("one ", Gate("left"), "two"))
        url, headers = service.url + "/v1/responses", {"Authorization": f"Bearer {MINE}"}
        body = {"model": "openai/left", "input": "hi", "background": True, "stream": True}
        with Reading(url, body, headers=headers) as reading:
            first = reading.until(b"one ")
        id_ = "resp_" + (reading._response.getheader("Headrace-Stream-Id") or "")
        assert f'"id":"{id_}"'.encode() in first
        # Longer than its grace time: another stream, which is not in the background, ends meanwhile.
        upstream.answer("short", openai_wire.answer("one ", Gate("never")))
        with Reading(
            url, {**body, "model": "openai/short", "background": False, "resumable": True}, headers=headers
        ) as r:
            r.until(b"one ")
        upstream.wait_for(lambda: upstream.requests("short")[0].ended is Ended.ABORTED)
        upstream.open_gate("left")
        assert text_of(ended(service, mine, id_)) == "one two"
        followed = mine.get(id_, "?stream=true")
        check_events([data for _, data in followed.frames])
        assert followed.body.startswith(first)

    def test_of_a_failing_model_is_failed(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("failing", openai_wire.failing_after(2))
        resource = ended(service, mine, mine.begin("failing"))
        assert (resource["status"], text_of(resource)) == ("failed", "0 1 ")
        assert resource["error"]["code"].startswith("upstream_")
        assert resource["output"][0]["status"] == "incomplete"

    def test_that_fails_before_its_answer_is_failed(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("refused", openai_wire.error(400))
        resource = ended(service, mine, mine.begin("refused"))
        assert (resource["status"], resource["output"]) == ("failed", [])
        assert resource["error"]["code"] == "upstream_invalid_request"

    def test_that_was_cut_is_incomplete(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("cut", openai_wire.answer("One", finish="length"))
        resource = ended(service, mine, mine.begin("cut"))
        assert (resource["status"], resource["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})

    def test_has_reasoning_and_calls(self, service: Service, mine: Client, upstream: Upstream) -> None:
        call = ToolCall("c1", "get_weather", ('{"location":', '"Rome"}'))
        upstream.answer("calls", openai_wire.answer(Reasoning("hm"), "Well.", call, finish="tool_calls"))
        resource = ended(service, mine, mine.begin("calls", tools=[WEATHER]))
        assert [item["type"] for item in resource["output"]] == ["reasoning", "message", "function_call"]
        assert json.loads(resource["output"][-1]["arguments"]) == {"location": "Rome"}

    def test_says_what_its_model_does_not_receive(self, mine: Client, upstream: Upstream) -> None:
        upstream.answer("without", openai_wire.answer("One"))
        answer = mine.ask("without", background=True, tools=[{"type": "web_search"}])
        assert answer.headers["headrace-ignored"] == "tools[0] (web_search)"
        assert answer.headers["headrace-stream-id"] == answer.json["id"].removeprefix("resp_")

    def test_and_not_stored_is_refused(self, mine: Client) -> None:
        answer = mine.ask("any", background=True, store=False)
        assert answer.status == 400
        assert "background is true and store is false" in answer.error["message"]

    def test_counts_to_the_streams_that_its_owner_may_have_open(
        self, service: Service, mine: Client, upstream: Upstream
    ) -> None:
        upstream.answer("many", openai_wire.answer("one", Gate("many")))
        service.wait_until(lambda: send(service.url + "/healthz", method="GET").json["streams"] == 0)
        ids = [mine.begin("many") for _ in range(4)]
        assert mine.ask("many", background=True).status == 429
        for id_ in ids:
            assert mine.cancel(id_).json["status"] == "cancelled"
        service.wait_until(lambda: send(service.url + "/healthz", method="GET").json["streams"] == 0)
        assert mine.ask("many", background=True).status == 200

    def test_that_is_sent_again_with_its_key_joins(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("joined", openai_wire.answer("Hello"))
        again = {"headers": {"Idempotency-Key": "background"}, "background": True}
        id_ = mine.ask("joined", **again).json["id"]
        assert ended(service, mine, id_)["status"] == "completed"
        assert mine.ask("joined", **again).json == mine.resource(id_)
        assert len(upstream.requests("joined")) == 1

    def test_needs_an_event_loop_that_requests_share(self) -> None:
        app = Flask("host")
        Headrace(app)
        client = app.test_client()
        for answer in (
            client.post("/v1/responses", json={"model": "local/smollm2", "input": "hi", "background": True}),
            client.get("/v1/responses/resp_any"),
            client.post("/v1/responses/resp_any/cancel"),
            client.delete("/v1/responses/resp_any"),
        ):
            assert (answer.status_code, answer.json["error"]["code"]) == (501, "not_supported")
