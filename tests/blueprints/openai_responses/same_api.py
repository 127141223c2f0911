"""A service whose provider speaks the Responses API, and answers of that provider with the items that a client has."""

from __future__ import annotations

from typing import Any

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
    "a refusal": (
        item(
            {**message(0, ""), "content": [{"type": "refusal", "refusal": "No."}]},
            0,
            event("refusal.delta", item_id="msg_0", output_index=0, content_index=0, delta="No."),
        ),
        [{**message(0, ""), "content": [{"type": "refusal", "refusal": "No."}]}],
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
