"""How each protocol asks for a JSON answer, and where its answers have their reasoning and their text."""

from __future__ import annotations

from typing import Any

from tests.support.reader import QUESTION, Answer

SCHEMA = {"type": "object", "properties": {"mill": {"type": "string"}}, "required": ["mill"]}


class Native:
    """Headrace's own protocol."""

    path = "/api/chat"
    schema = {"schema": SCHEMA}  # noqa: RUF012
    body = {"messages": QUESTION}  # noqa: RUF012

    def streamed(self, answer: Answer) -> tuple[str, str]:
        return "".join(frame["delta"] for frame in answer.named("reasoning")), answer.text

    def whole(self, answer: Any) -> tuple[str, str]:
        return "", answer["text"]  # a whole answer of this protocol has no reasoning


class ChatCompletions:
    """OpenAI's chat completions."""

    path = "/v1/chat/completions"
    schema = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}}  # noqa: RUF012
    body = {"messages": QUESTION}  # noqa: RUF012

    def streamed(self, answer: Answer) -> tuple[str, str]:
        choices = [choice for _, data in answer.frames if data != "[DONE]" for choice in data["choices"]]
        deltas = [choice["delta"] for choice in choices]
        reasoning, text = (
            "".join(delta.get(name) or "" for delta in deltas) for name in ("reasoning_content", "content")
        )
        return reasoning, text

    def whole(self, answer: Any) -> tuple[str, str]:
        message = answer["choices"][0]["message"]
        return message.get("reasoning_content", ""), message["content"]


class Responses:
    """OpenAI's Responses API."""

    path = "/v1/responses"
    schema = {"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}}}  # noqa: RUF012
    body = {"input": "hi"}  # noqa: RUF012

    def streamed(self, answer: Answer) -> tuple[str, str]:
        ended = answer.frames[-1][1]["response"]
        deltas = {
            kind: "".join(frame["delta"] for frame in answer.named(f"response.{kind}.delta"))
            for kind in ("reasoning_summary_text", "output_text")
        }
        assert tuple(deltas.values()) == self.whole(ended)
        return self.whole(ended)

    def whole(self, answer: Any) -> tuple[str, str]:
        types = [item["type"] for item in answer["output"]]
        assert types in (["reasoning", "message"], ["message"], ["reasoning"])
        ids = [item["id"] for item in answer["output"]]
        assert len(set(ids)) == len(ids)
        summaries = [part["text"] for item in answer["output"] for part in item.get("summary", ())]
        texts = [part["text"] for item in answer["output"] for part in item.get("content") or ()]
        return "".join(summaries), "".join(texts)


class Messages:
    """Anthropic's Messages API."""

    path = "/v1/messages"
    schema = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}  # noqa: RUF012
    body = {"messages": QUESTION, "max_tokens": 100}  # noqa: RUF012

    def streamed(self, answer: Answer) -> tuple[str, str]:
        started = [frame["content_block"]["type"] for frame in answer.named("content_block_start")]
        assert started in (["thinking", "text"], ["text"], ["thinking"])
        deltas = [frame["delta"] for frame in answer.named("content_block_delta")]
        reasoning, text = ("".join(delta.get(name, "") for delta in deltas) for name in ("thinking", "text"))
        return reasoning, text

    def whole(self, answer: Any) -> tuple[str, str]:
        types = [block["type"] for block in answer["content"]]
        assert types in (["thinking", "text"], ["text"], ["thinking"])
        reasoning, text = ("".join(block.get(name, "") for block in answer["content"]) for name in ("thinking", "text"))
        return reasoning, text


PROTOCOLS = {protocol.path: protocol for protocol in (Native(), ChatCompletions(), Responses(), Messages())}
