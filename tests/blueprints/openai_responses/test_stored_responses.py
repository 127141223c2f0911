"""The endpoints of stored responses, at one worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.blueprints.openai_responses.response_schema import check_response
from tests.blueprints.openai_responses.stored import THEIRS, Client, ended, service_of, text_of
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Reasoning, Upstream, openai_wire


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    with service_of(upstream) as running:
        yield running


@pytest.fixture
def mine(service: Service) -> Client:
    return Client(service)


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

    @pytest.mark.parametrize("fields", [{"resumable": True}, {"headers": {"Idempotency-Key": "large"}}])
    def test_has_no_more_of_its_request_than_is_kept(
        self, mine: Client, upstream: Upstream, fields: dict[str, Any]
    ) -> None:
        upstream.answer("large", openai_wire.answer("Hello"))
        answer = mine.ask("large", instructions="Be brief. " * 30_000, metadata={"chat": "7"}, **fields)
        resource = mine.resource("resp_" + answer.headers["headrace-stream-id"])
        assert (resource["instructions"], resource["metadata"]) == (None, {"chat": "7"})

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
