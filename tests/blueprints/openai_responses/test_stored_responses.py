"""`background`, and the endpoints of stored responses, at one worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.blueprints.openai_responses.response_schema import check_events, check_response
from tests.conftest import upstreams
from tests.support.reader import Answer, Reading, send
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, ToolCall, Upstream, openai_wire

MINE, THEIRS = "one-key-of-16-chars", "two-key-of-16-chars"
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    """Return a service with keys, whose streams do not outlive their readers for long."""
    keys = {"HEADRACE_API_KEYS": f"{MINE},{THEIRS}", "HEADRACE_RESUME_GRACE": "0.1", "HEADRACE_RETENTION": "20"}
    with Service(**upstreams(upstream), **keys, HEADRACE_MAX_STREAMS="16") as running:
        yield running


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


@pytest.fixture
def mine(service: Service) -> Client:
    return Client(service)


def ended(service: Service, client: Client, id_: str) -> dict[str, Any]:
    def resource() -> dict[str, Any] | None:
        found = client.resource(id_)
        return None if found["status"] in {"queued", "in_progress"} else found

    found: dict[str, Any] = service.wait_until(resource)
    return found


def text_of(resource: dict[str, Any]) -> str:
    return "".join(part["text"] for item in resource["output"] for part in item.get("content", []))


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


class TestWhatIsStored:
    @pytest.mark.parametrize("fields", [{"resumable": True}, {"headers": {"Idempotency-Key": "stored"}}])
    @pytest.mark.parametrize("stream", [True, False])
    def test_also_is_what_can_be_resumed(
        self, mine: Client, upstream: Upstream, fields: dict[str, Any], stream: bool
    ) -> None:
        upstream.answer("resumable", openai_wire.answer("Hello"))
        answer = mine.ask("resumable", stream=stream, **fields)
        id_ = "resp_" + answer.headers["headrace-stream-id"]
        whole = answer.frames[-1][1]["response"] if stream else answer.json
        assert mine.resource(id_) == whole
        assert mine.get(id_, "?include[]=reasoning.encrypted_content&include=x&include_obfuscation=false").json == whole
        if stream:
            assert mine.get(id_, "?stream=true").body == answer.body
        refused = mine.cancel(id_)
        assert refused.status == 400
        assert f"'{id_}' was not requested with background: true" in refused.error["message"]

    def test_is_not_a_plain_one(self, mine: Client, upstream: Upstream) -> None:
        upstream.answer("plain", openai_wire.answer("Hello"))
        id_ = mine.ask("plain").json["id"]
        for answer in (mine.get(id_), mine.get(id_, "?stream=true"), mine.cancel(id_), mine.delete(id_)):
            assert answer.status == 404
            assert f"no stored response '{id_}' of yours" in answer.error["message"]
            assert (answer.error["code"], answer.error["type"]) == ("stream_not_found", "invalid_request_error")
            assert answer.headers["x-request-id"]

    def test_is_its_owners_alone(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("private", openai_wire.answer("Hello"))
        id_ = mine.begin("private")
        ended(service, mine, id_)
        theirs = Client(service, THEIRS)
        for answer in (theirs.get(id_), theirs.get(id_, "?stream=true"), theirs.cancel(id_), theirs.delete(id_)):
            assert answer.status == 404
        assert Client(service, "no such key").get(id_).status == 401
        assert mine.resource(id_)["status"] == "completed"

    def test_an_id_of_another_form_is_not_found_in_openais_form(self, mine: Client) -> None:
        answer = mine.get("msg_1")
        assert (answer.status, answer.error["type"]) == (404, "invalid_request_error")


class TestStartingAfter:
    @pytest.fixture(scope="class")
    def id_(self, service: Service, upstream: Upstream) -> str:
        upstream.answer("numbered", openai_wire.answer(Reasoning("hm"), "a", "b", "c"))
        client = Client(service)
        made = client.begin("numbered")
        ended(service, client, made)
        return made

    def test_any_number_gives_the_rest(self, mine: Client, id_: str) -> None:
        whole = mine.get(id_, "?stream=true").body
        frames = [frame + b"\n\n" for frame in whole.split(b"\n\n") if frame]
        assert len(frames) > 12
        for number in range(len(frames)):
            answer = mine.get(id_, f"?stream=true&starting_after={number}")
            assert (answer.status, answer.body) == (200, b"".join(frames[number + 1 :]))

    @pytest.mark.parametrize("given", ["-1", "x", "", "1.0", "9" * 16, "0x1", "%D9%A1"])
    def test_that_is_no_number_is_refused(self, mine: Client, id_: str, given: str) -> None:
        answer = mine.get(id_, f"?stream=true&starting_after={given}")
        assert answer.status == 400
        assert "it must be the sequence_number of an event" in answer.error["message"]

    def test_beyond_the_end_is_refused(self, mine: Client, id_: str) -> None:
        last = mine.get(id_, "?stream=true").frames[-1][1]["sequence_number"]
        answer = mine.get(id_, f"?stream=true&starting_after={last + 1}")
        assert answer.status == 400
        assert f"starting_after is {last + 1}" in answer.error["message"]
        assert f"Its last one is {last}" in answer.error["message"]

    def test_without_a_stream_changes_nothing(self, mine: Client, id_: str) -> None:
        assert mine.get(id_, "?starting_after=3").json == mine.resource(id_)

    def test_a_stream_that_is_neither_true_nor_false_is_refused(self, mine: Client, id_: str) -> None:
        answer = mine.get(id_, "?stream=maybe")
        assert (answer.status, "stream is 'maybe'" in answer.error["message"]) == (400, True)

    def test_while_the_model_sends_is_followed_to_the_end(self, mine: Client, upstream: Upstream) -> None:
        upstream.answer("sending", openai_wire.answer("one ", Gate("sending"), "two ", "three"))
        made = mine.begin("sending")
        with mine.following(made) as first:
            begun = first.until(b"one ")
        seen = max(int(part.partition(b"}")[0]) for part in begun.split(b'"sequence_number":')[1:])
        with mine.following(made, f"&starting_after={seen}") as rest:
            assert rest.response().status == 200
            upstream.open_gate("sending")
            got = b"".join(rest.chunks())
        assert begun + got == mine.get(made, "?stream=true").body


class TestCancel:
    def test_stops_the_model(self, mine: Client, upstream: Upstream) -> None:
        upstream.answer("stopped", openai_wire.answer("one", Gate("stopped"), "two"))
        id_ = mine.begin("stopped")
        with mine.following(id_) as following:
            following.until(b"one")
            answer = mine.cancel(id_)
            check_response(answer.json)
            assert (answer.status, answer.json["status"], text_of(answer.json)) == (200, "cancelled", "one")
            assert b"event: response.failed" in b"".join(following.chunks())
        upstream.wait_for(lambda: upstream.requests("stopped")[0].ended is Ended.ABORTED)
        assert mine.resource(id_)["status"] == "cancelled"
        assert mine.cancel(id_).json == answer.json

    def test_of_what_has_ended_changes_nothing(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("over", openai_wire.answer("Hello"))
        id_ = mine.begin("over")
        whole = ended(service, mine, id_)
        assert mine.cancel(id_).json == whole


class TestDelete:
    def test_stops_the_model_and_leaves_nothing(self, mine: Client, upstream: Upstream) -> None:
        upstream.answer("deleted", openai_wire.answer("one", Gate("deleted"), "two"))
        id_ = mine.begin("deleted")
        upstream.wait_for(lambda: upstream.requests("deleted")[0].at_gate)
        answer = mine.delete(id_)
        assert (answer.status, answer.json) == (200, {"id": id_, "object": "response", "deleted": True})
        upstream.wait_for(lambda: upstream.requests("deleted")[0].ended is Ended.ABORTED)
        for gone in (mine.get(id_), mine.get(id_, "?stream=true"), mine.cancel(id_), mine.delete(id_)):
            assert gone.status == 404

    def test_leaves_a_chosen_id_to_another_question(self, service: Service, mine: Client, upstream: Upstream) -> None:
        upstream.answer("chosen", openai_wire.answer("Hello"))
        chosen = "an-id-of-the-clients"
        id_ = mine.begin("chosen", id=chosen)
        assert id_ == f"resp_{chosen}"
        ended(service, mine, id_)
        assert mine.ask("chosen", id=chosen, background=True, temperature=0.5).status == 409
        assert mine.delete(id_).status == 200
        assert mine.begin("chosen", id=chosen, temperature=0.5) == id_
        assert ended(service, mine, id_)["temperature"] == 0.5
