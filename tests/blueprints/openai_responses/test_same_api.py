"""An answer of a provider of the Responses API to a client of the same API: all of it comes back."""

from __future__ import annotations

from typing import Any

import pytest
from openai import OpenAI
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.blueprints.openai_responses.same_api import (
    ANSWERS,
    PATCH,
    SEARCH,
    SameApi,
    delta,
    ended,
    event,
    frames_of,
    item,
    message,
    output_of,
)
from tests.blueprints.openapi.documented import Document
from tests.support.reader import send
from tests.support.upstream import FINISH, Chunk, Upstream, responses_wire, script

EVENT = TypeAdapter(ResponseStreamEvent)
answers = pytest.mark.parametrize(("frames", "output"), ANSWERS.values(), ids=ANSWERS)
documented = pytest.mark.parametrize(  # the document lists the types of items
    ("frames", "output"), [answer for answer in ANSWERS.values() if "novel" not in str(answer)]
)


class TestAnAnswer:
    @answers
    def test_has_the_items_of_the_provider(self, api: SameApi, frames: list[Chunk], output: Any) -> None:
        assert output_of(api.ask(*frames, ended())) == output

    @answers
    def test_has_them_in_one_piece_too(self, api: SameApi, frames: list[Chunk], output: Any) -> None:
        whole = api.ask(*frames, ended(), stream=False).json
        assert (whole["status"], whole["output"]) == ("completed", output)

    @answers
    def test_has_frames_that_fit_each_other(self, api: SameApi, frames: list[Chunk], output: Any) -> None:
        got = frames_of(api.ask(*frames, ended()))
        for frame in got:
            if "novel" not in str(frame):
                EVENT.validate_python(frame)
        items = {frame["output_index"]: frame["item"] for frame in got if frame["type"] == "response.output_item.done"}
        assert [items[index] for index in range(len(items))] == output
        for frame in got:
            if "item_id" in frame:
                assert frame["item_id"] == output[frame["output_index"]]["id"]

    @pytest.mark.parametrize("is_streamed", [True, False])
    @documented
    def test_is_as_the_openapi_document_says(
        self, api: SameApi, frames: list[Chunk], output: Any, is_streamed: bool
    ) -> None:
        document = Document(send(api.url + "/openapi.json", method="GET").json, is_open=True)
        document.check("/v1/responses", api.ask(*frames, ended(), stream=is_streamed))

    @pytest.mark.filterwarnings("ignore:Pydantic serializer")  # it knows no items but OpenAI's
    @answers
    def test_is_read_by_openai_s_sdk(self, api: SameApi, frames: list[Chunk], output: Any) -> None:
        with OpenAI(base_url=api.url + "/v1", api_key="any", max_retries=0) as client:
            with client.responses.stream(model=api.answering(*frames, ended()), input="hi") as stream:
                heard = [event.type for event in stream]
            final = stream.get_final_response()
        assert (heard[0], heard[-1]) == ("response.created", "response.completed")
        assert [(item.type, item.id) for item in final.output] == [(item["type"], item["id"]) for item in output]

    @answers
    def test_is_the_same_when_it_is_read_again(self, api: SameApi, frames: list[Chunk], output: Any) -> None:
        first = api.ask(*frames, ended(), resumable=True)
        again = send(
            f"{api.url}/api/streams/{first.headers['headrace-stream-id']}?protocol=openai-responses", method="GET"
        )
        assert frames_of(again) == frames_of(first)

    def test_has_the_events_of_the_provider_s_own_work(self, api: SameApi) -> None:
        busy = [event(f"web_search_call.{how}", output_index=3, item_id="ws_1") for how in ("in_progress", "searching")]
        got = frames_of(api.ask(*item(SEARCH, 3, *busy), ended()))
        assert [frame["type"] for frame in got[2:-1]] == [
            "response.output_item.added", "response.web_search_call.in_progress", "response.web_search_call.searching",
            "response.output_item.done",
        ]  # fmt: skip
        assert {frame["output_index"] for frame in got[2:-1]} == {0}

    def test_has_a_refusal_behind_a_text_as_an_item_of_its_own(self, api: SameApi) -> None:
        refused = event("refusal.delta", item_id="msg_0", output_index=0, content_index=1, delta="No.")
        parts = [{"type": "output_text", "text": "hi"}, {"type": "refusal", "refusal": "No."}]
        said = item({**message(0, ""), "content": parts}, 0, delta("hi", 0), refused)
        first, second, third = output_of(api.ask(*said, *item(message(1, "so"), 1, delta("so", 1)), ended()))
        assert [part["content"][0]["type"] for part in (first, second, third)] == [
            "output_text",
            "refusal",
            "output_text",
        ]
        assert second["content"][0]["refusal"] == "No."

    def test_has_what_the_provider_reports_of_the_response(self, api: SameApi) -> None:
        reported = {"service_tier": "flex", "temperature": 0.7, "moderation": None, "access_programs": {"cyber": "x"}}
        last = frames_of(api.ask(*item(message(0, "hi"), 0, delta("hi", 0)), ended(**reported), temperature=0.5))[-1]
        response = last["response"]
        assert (response["service_tier"], response["temperature"]) == ("flex", 0.7)
        assert response["access_programs"] == {"cyber": "x"}

    def test_has_the_client_s_names_of_calls_that_were_not_declared(self, api: SameApi) -> None:
        got = frames_of(api.ask(*item(PATCH, 0), ended()))
        assert [frame["type"].removeprefix("response.") for frame in got[2:-1]] == [
            "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done",
        ]  # fmt: skip

    def test_leaves_it_out_for_clients_of_other_apis(self, api: SameApi, upstream: Upstream) -> None:
        frames = [*item(SEARCH, 0), *item(message(1, "hi", phase="x"), 1, delta("hi", 1)), ended()]
        upstream.answer("other", script(responses_wire.HEAD, *frames, FINISH))
        body = {"model": "resp/other", "messages": [{"role": "user", "content": "hi"}]}
        assert send(api.url + "/v1/chat/completions", body).json["choices"][0]["message"]["content"] == "hi"

    def test_that_fails_before_its_first_text_is_an_error(self, api: SameApi) -> None:
        begun = item(message(0, "hi"), 0)[0]
        answer = api.ask(begun, responses_wire.failed("no"))
        assert (answer.status, answer.error["message"]) == (502, "resp failed in the middle of its answer: no")
