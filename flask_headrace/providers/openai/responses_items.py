"""Builds the input items of a Responses API request from the messages of a `ChatRequest`. Pure.

What goes where:

| in a `ChatRequest`                     | in the Responses API                                                        |
|----------------------------------------|-----------------------------------------------------------------------------|
| text of an assistant                   | a message with one text; of others with `input_text` parts                  |
| reasoning that this API has signed     | a `reasoning` item with `encrypted_content`, before what follows it         |
| other reasoning                        | left out: the API accepts no reasoning of other providers                   |
| image, document, recording             | `input_image`, `input_file`, `input_audio`; also in the output of a call    |
| call of a custom tool                  | `custom_tool_call` and `custom_tool_call_output`                            |
| other calls and their results          | `function_call` and `function_call_output`                                  |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...core.custom_tool_input import input_of
from ...core.reasoning_signature import encrypted_content_of, is_openai_signature
from ..chat_request import AudioPart, FilePart, ImagePart, Json, Message, Part, ReasoningPart, TextPart, ToolCall
from ..decoding.request_fields import drop_none, encode_arguments


class ItemBuilder:
    """Builds the items of one conversation.

    Args:
        custom_tools: Names of the tools that are custom tools.
    """

    def __init__(self, custom_tools: Collection[str]) -> None:
        self._custom_tools = custom_tools
        self._custom_calls: set[str] = set()  # the ids of the calls of custom tools

    def build(self, messages: Sequence[Message]) -> list[Json]:
        """Return the items of messages, in their order."""
        return [item for message in messages for item in self._items(message)]

    def _items(self, message: Message) -> list[Json]:
        if message.role == "tool":
            kind = "custom_tool_call_output" if message.tool_call_id in self._custom_calls else "function_call_output"
            return [{"type": kind, "call_id": message.tool_call_id, "output": _content(message)}]
        if message.role != "assistant":
            return [{"role": message.role, "content": _content(message)}]
        items = _answer_items(message)
        # An assistant message with nothing but tool calls has no item of its own.
        if not items and not message.tool_calls:
            items = [{"role": "assistant", "content": ""}]
        return items + [self._call(call) for call in message.tool_calls]

    def _call(self, call: ToolCall) -> Json:
        if call.name in self._custom_tools:
            self._custom_calls.add(call.id)
            return {
                "type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": input_of(call.arguments),
            }  # fmt: skip
        return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": encode_arguments(call)}


def _answer_items(message: Message) -> list[Json]:
    items: list[Json] = []
    for part in message.parts():
        match part:
            case ReasoningPart(text, str(signature)) if is_openai_signature(signature):
                summary = [{"type": "summary_text", "text": text}] if text else []
                content = encrypted_content_of(signature)
                items.append({"type": "reasoning", "summary": summary, "encrypted_content": content})
            case TextPart(text) if text:
                if items and "role" in items[-1]:
                    items[-1]["content"] += text
                else:
                    items.append({"role": "assistant", "content": text})
    return items


def _content(message: Message) -> str | list[Json]:
    if isinstance(message.content, str):
        return message.content
    return [_part(part) for part in message.content if not isinstance(part, ReasoningPart)] or ""


def _part(part: Part) -> Json:
    match part:
        case ImagePart(url, detail):
            return {"type": "input_image", "image_url": url, "detail": detail or "auto"}
        case FilePart(url, name):
            place = "file_data" if part.is_embedded else "file_url"
            # The API requires a name of a document that the request contains, and accepts none beside a URL.
            return {
                "type": "input_file",
                place: url,
                **drop_none(filename=(name or "document") if part.is_embedded else None),
            }
        case AudioPart(data, audio_format):
            return {"type": "input_audio", "input_audio": {"data": data, "format": audio_format}}
        case _:
            return {"type": "input_text", "text": part.text}
