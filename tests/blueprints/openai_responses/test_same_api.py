"""A client of the Responses API whose model's provider speaks the same API: all goes on, and all comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import FINISH, Chunk, Upstream, responses_wire, script

EVENT = TypeAdapter(ResponseStreamEvent)
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
CITATION = {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "t", "url": "https://a/b"}
LOGPROBS = [{"token": "hi", "logprob": -0.10, "bytes": [104, 105], "top_logprobs": []}]
PATCH = {"id": "ct_1", "type": "custom_tool_call", "call_id": "c1", "name": "p", "input": "raw", "status": "completed"}
CLOSE = {
    "id": "fc_1", "type": "function_call", "call_id": "c2", "name": "close", "namespace": "agents", "arguments": "{}",
    "status": "completed",
}  # fmt: skip
THOUGHT = {
    "id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "th"}], "encrypted_content": "ENC",
}  # fmt: skip


def event(kind: str, **fields: Any) -> Chunk:
    return responses_wire.frame(f"response.{kind}", **fields)


def item(item: dict[str, Any], index: int, *between: Chunk) -> list[Chunk]:
    """Return the frames of an item, which begins without its content."""
    empty = {"content": [], "summary": [], "input": "", "arguments": ""}
    begun = {name: empty.get(name, value) for name, value in item.items() if name != "encrypted_content"}
    added = event("output_item.added", output_index=index, item=begun)
    return [added, *between, event("output_item.done", output_index=index, item=item)]


def message(index: int, text: str, **fields: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": f"msg_{index}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
        **fields,
    }


def delta(text: str, index: int, **fields: Any) -> Chunk:
    place = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    return event("output_text.delta", **place, **{"delta": text, "logprobs": [], **fields})


def ended(**fields: Any) -> Chunk:
    response = {"status": "completed", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1}, **fields}
    return event("completed", response=response)


class SameApi:
    """A service with one upstream, and what it sends."""

    def __init__(self, service: Service, upstream: Upstream) -> None:
        self.url, self._upstream, self._count = service.url, upstream, 0

    def answering(self, *frames: Chunk) -> str:
        """Return a model that answers with these frames."""
        self._count += 1
        name = f"same{self._count}"
        self._upstream.answer(name, script(responses_wire.HEAD, *frames, FINISH))
        return f"resp/{name}"

    def ask(self, *frames: Chunk, headers: dict[str, str] | None = None, **body: Any) -> Answer:
        sent = {"model": self.answering(*frames), "input": "hi", "stream": True, **body}
        return send(self.url + "/v1/responses", sent, headers=headers or {})

    @property
    def request(self) -> Any:
        return self._upstream.requests(f"same{self._count}")[-1]


@pytest.fixture(scope="module")
def api(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SameApi]:
    config: Path = tmp_path_factory.mktemp("same") / "headrace.toml"
    table = f'kind = "openai-responses"\nbase_url = "{upstream.url}/v1"\napi_key_env = "ACME_KEY"\n'
    config.write_text(f"[upstreams.resp]\n{table}[upstreams.kept]\n{table}state = true\n")
    with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789") as running:
        yield SameApi(running, upstream)


def frames_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the frames, after a check that they are OpenAI's and are numbered without a gap."""
    frames = [data for _, data in answer.frames]
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    assert [name for name, _ in answer.frames] == [frame["type"] for frame in frames]
    return frames


def output_of(answer: Answer) -> list[dict[str, Any]]:
    last = frames_of(answer)[-1]
    assert last["type"] == "response.completed", last
    return last["response"]["output"]


ANSWERS: dict[str, tuple[list[Chunk], list[dict[str, Any]]]] = {
    "a search and its citation": (
        [
            *item(SEARCH, 0, event("web_search_call.searching", output_index=0, item_id="ws_1")),
            *item(
                message(1, "hi", phase="final_answer"), 1, delta("hi", 1),
                event("output_text.annotation.added", item_id="msg_1", output_index=1, content_index=0,
                      annotation_index=0, annotation=CITATION),
            ),
        ],
        [SEARCH, message(1, "hi", phase="final_answer")
         | {"content": [{"type": "output_text", "text": "hi", "annotations": [CITATION], "logprobs": []}]}],
    ),
    "a citation that is only in the whole message": (
        item(message(0, "hi") | {"content": [{"type": "output_text", "text": "hi", "annotations": [CITATION]}]}, 0,
             delta("hi", 0)),
        [message(0, "hi") | {"content": [{"type": "output_text", "text": "hi", "annotations": [CITATION],
                                          "logprobs": []}]}],
    ),
    "log probabilities": (
        item(message(0, "hi!"), 0, delta("hi", 0, logprobs=LOGPROBS), delta("!", 0)),
        [message(0, "hi!") | {"content": [{"type": "output_text", "text": "hi!", "annotations": [],
                                           "logprobs": LOGPROBS}]}],
    ),
    "two messages of one answer": (
        [*item(message(0, "hm", phase="commentary"), 0, delta("hm", 0)),
         *item(message(1, "hi", phase="final_answer"), 1, delta("hi", 1))],
        [message(0, "hm", phase="commentary"), message(1, "hi", phase="final_answer")],
    ),
    "signed reasoning": (
        [*item(THOUGHT, 0, event("reasoning_summary_text.delta", item_id="rs_1", output_index=0, summary_index=0,
                                 delta="th")),
         *item(message(1, "hi"), 1, delta("hi", 1))],
        [THOUGHT, message(1, "hi")],
    ),
    "reasoning of which there is only a signature": (
        [*item({**THOUGHT, "summary": []}, 0), *item(message(1, "hi"), 1, delta("hi", 1))],
        [{**THOUGHT, "summary": []}, message(1, "hi")],
    ),
    "reasoning of which nothing is shown": (
        [*item({"id": "rs_1", "type": "reasoning", "summary": []}, 0), *item(message(1, "hi"), 1, delta("hi", 1))],
        [{"id": "rs_1", "type": "reasoning", "summary": []}, message(1, "hi")],
    ),
    "reasoning as text": (
        item(
            {"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "th"}]},
            0,
            event("reasoning_text.delta", item_id="rs_1", output_index=0, content_index=0, delta="th"),
        ),
        [{"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "th"}]}],
    ),
    "calls": (
        [*item(PATCH, 0, event("custom_tool_call_input.delta", item_id="ct_1", output_index=0, delta="raw")),
         *item(CLOSE, 1, event("function_call_arguments.delta", item_id="fc_1", output_index=1, delta="{}"))],
        [PATCH, CLOSE],
    ),
    "an item that nobody knows": (
        item({"id": "x_1", "type": "novel_call", "call_id": "c", "x": {"y": 0.10}}, 0),
        [{"id": "x_1", "type": "novel_call", "call_id": "c", "x": {"y": 0.10}}],
    ),
}  # fmt: skip
answers = pytest.mark.parametrize(("frames", "output"), ANSWERS.values(), ids=ANSWERS)


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


class TestAQuestion:
    def test_goes_on_as_it_came(self, api: SameApi) -> None:
        sent = {
            "input": [{"role": "user", "content": [{"type": "novel", "x": 1}]}, THOUGHT, CLOSE, SEARCH],
            "tools": [{"type": "web_search", "x": {"y": 0.10}}], "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "k", "reasoning": {"summary": "auto"}, "store": True, "novel": [1.0],
            "client_metadata": {"a": "b"}, "truncation": "auto", "max_tool_calls": 3, "service_tier": "priority",
            "tool_choice": {"type": "web_search"}, "top_logprobs": 2, "stream_options": {"include_obfuscation": False},
        }  # fmt: skip
        answer = api.ask(*item(message(0, "hi"), 0, delta("hi", 0)), ended(), headers={"OpenAI-Beta": "x=y"}, **sent)
        assert answer.status == 200
        assert "headrace-ignored" not in answer.headers
        body = dict(api.request.body)
        assert body.pop("model").startswith("same")
        assert body == {**sent, "stream": True}
        assert api.request.headers["openai-beta"] == "x=y"

    def test_comes_back_with_the_answer_s_items(self, api: SameApi) -> None:
        frames, _ = ANSWERS["calls"]
        history = [{"role": "user", "content": "q"}, *output_of(api.ask(*frames, ended()))]
        history += [
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
        ]
        api.ask(*item(message(0, "hi"), 0, delta("hi", 0)), ended(), input=history)
        assert api.request.body["input"] == history

    @pytest.mark.parametrize("field", [{"previous_response_id": "r"}, {"conversation": "c"}, {"prompt": {"id": "p"}}])
    def test_that_names_what_the_provider_keeps_is_refused_unless_it_may(
        self, api: SameApi, upstream: Upstream, field: dict[str, Any]
    ) -> None:
        refused = api.ask(**field)
        assert refused.status == 400
        assert refused.error["message"].startswith(f"{next(iter(field))} names what a provider's server keeps")
        upstream.answer(
            "kept", script(responses_wire.HEAD, *item(message(0, "hi"), 0, delta("hi", 0)), ended(), FINISH)
        )
        body = {"model": "kept/kept", "input": [{"role": "user", "content": "hi"}], **field}
        assert send(api.url + "/v1/responses", body).status == 200
        assert upstream.requests("kept")[-1].body | field == upstream.requests("kept")[-1].body
