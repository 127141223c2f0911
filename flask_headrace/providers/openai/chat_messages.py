"""Builds the messages of a chat completion request from those of a `ChatRequest`. Pure.

What goes where:

| in a `ChatRequest`                        | in chat completions                                                      |
|-------------------------------------------|--------------------------------------------------------------------------|
| text of a system, user or other message   | text; of an assistant or a tool, one text                                |
| image                                     | `image_url`                                                              |
| document with text                        | its name and its text                                                    |
| other document                            | `file` with `file_data`                                                  |
| recording                                 | `input_audio`                                                            |
| reasoning                                 | `reasoning_content`; left out for OpenAI's own servers                   |
| call of a custom tool                     | `custom` for OpenAI's own servers, else a function call with `input`     |
| image, document, recording in a result    | in a user message behind all results of the turn; the result says so     |
| message between a call and its results    | behind all results of the turn                                           |
| consecutive assistant messages with calls | one message                                                              |
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from ..chat_request import AudioPart, FilePart, ImagePart, Json, Message, Part, ReasoningPart, TextPart, ToolCall
from ..decoding.request_fields import drop_none, encode_arguments
from .chat_server import ChatServer

_TEXT_TYPE = re.compile(r"text/.+|application/(.+\+)?(json|xml|yaml|toml|javascript)")

_MEDIA = (AudioPart, FilePart, ImagePart)


class MessageBuilder:
    """Builds messages for one server.

    Args:
        server: The server.
        custom_tools: Names of the tools that are sent as custom tools.
    """

    def __init__(self, server: ChatServer, custom_tools: Collection[str] = ()) -> None:
        self._server, self._custom_tools = server, custom_tools

    def build(self, messages: Sequence[Message]) -> list[Json]:
        """Return the messages in the form of chat completions, and in the order that the API requires."""
        built: list[Json] = []
        for turn in _turns(messages):
            results = [message for message in turn if message.role == "tool"]
            built += [self._result(result) for result in results]
            if results and (media := self._media(results)):
                built.append({"role": "user", "content": media})
            built += [self._message(message) for message in turn if message.role != "tool"]
        return built

    def _message(self, message: Message) -> Json:
        is_assistant = message.role == "assistant"
        fields: Json = {"role": message.role, "content": message.text() if is_assistant else self._content(message)}
        if is_assistant and not self._server.is_official and (reasoning := _reasoning(message)):
            fields["reasoning_content"] = reasoning
        if message.tool_calls:
            fields["tool_calls"] = [self._call(call) for call in message.tool_calls]
            fields["content"] = fields["content"] or None
        if message.name is not None:
            fields["name"] = message.name
        return fields

    def _content(self, message: Message) -> str | list[Json]:
        if isinstance(message.content, str):
            return message.content
        return [
            _part(part) for part in message.content if not isinstance(part, ReasoningPart) and _text(part) != ""
        ] or ""

    def _call(self, call: ToolCall) -> Json:
        call_id = self._server.call_id(call.id)
        text = call.arguments.get("input")
        if call.name in self._custom_tools and isinstance(text, str):
            return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": text}}
        function = {"name": call.name, "arguments": encode_arguments(call)}
        return {"id": call_id, "type": "function", "function": function}

    def _result(self, message: Message) -> Json:
        texts = [text for part in message.parts() if (text := _text(part)) is not None]
        if count := len(_media_parts(message)):
            texts.append(f"[{count} {'attachment' if count == 1 else 'attachments'} in the user message that follows]")
        content = "\n".join(texts) if count else "".join(texts)
        return {"role": "tool", "content": content, "tool_call_id": self._server.call_id(message.tool_call_id or "")}

    def _media(self, results: list[Message]) -> list[Json]:
        parts: list[Json] = []
        for result in results:
            if media := _media_parts(result):
                call_id = self._server.call_id(result.tool_call_id or "")
                parts.append({"type": "text", "text": f"[From the result of the tool call {call_id}:]"})
                parts += [_part(part) for part in media]
        return parts


def _turns(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Yield the assistant's messages one by one, and between them all others with the results first in place.

    Consecutive assistant messages become one if the first has calls: their results follow all of them.
    """
    others: list[Message] = []
    assistant: Message | None = None
    for message in messages:
        if message.role != "assistant":
            if assistant is not None:
                yield [assistant]
                assistant = None
            others.append(message)
        elif assistant is not None and assistant.tool_calls:
            assistant = _merged(assistant, message)
        else:
            if others:
                yield others
                others = []
            if assistant is not None:
                yield [assistant]
            assistant = message
    yield from [turn for turn in ([assistant] if assistant is not None else [], others) if turn]


def _merged(first: Message, second: Message) -> Message:
    content = (*first.parts(), *second.parts())
    return msgspec.structs.replace(first, content=content, tool_calls=(*first.tool_calls, *second.tool_calls))


def _reasoning(message: Message) -> str:
    return "".join([part.text for part in message.parts() if isinstance(part, ReasoningPart)])


def _media_parts(message: Message) -> list[Part]:
    return [part for part in message.parts() if isinstance(part, _MEDIA) and _text(part) is None]


def _part(part: Part) -> Json:
    if (text := _text(part)) is not None:
        return {"type": "text", "text": text}
    match part:
        case ImagePart(url, detail):
            return {"type": "image_url", "image_url": drop_none(url=url, detail=detail or None)}
        case FilePart(url) if url.startswith("data:image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        case FilePart(url, name):
            return {"type": "file", "file": {"filename": name or "document.pdf", "file_data": url}}
        case AudioPart(data, audio_format):
            return {"type": "input_audio", "input_audio": {"data": data, "format": audio_format}}
        case _:
            raise AssertionError(part)  # reasoning is a field of its message


def _text(part: Part) -> str | None:
    """Return the text of a part: of a text, or of a document that is text; None for other parts."""
    if isinstance(part, TextPart):
        return part.text
    if not isinstance(part, FilePart) or (text := _document_text(part.url)) is None:
        return None
    return f"{part.name}:\n\n{text}" if part.name else text


def _document_text(url: str) -> str | None:
    head, separator, data = url.partition(",")
    media_type, *parameters = head.removeprefix("data:").split(";")
    if not separator or not _TEXT_TYPE.fullmatch(media_type):
        return None
    try:
        raw = base64.b64decode(data, validate=True) if "base64" in parameters else unquote_to_bytes(data)
        return raw.decode()
    except (binascii.Error, ValueError):
        return None
