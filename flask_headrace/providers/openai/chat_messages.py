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
| state of the server's own reasoning       | the fields in which the server sent it, in place of other reasoning      |
| call of a custom tool                     | `custom` for OpenAI's own servers, else a function call with `input`     |
| image, document, recording in a result    | in a user message behind all results of the turn; the result says so     |
| message between a call and its results    | behind all results of the turn                                           |
| consecutive assistant messages with calls | one message                                                              |
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from ...core.data_url import document_text, titled_text
from ..chat_request import AudioPart, FilePart, ImagePart, Json, Message, Part, ReasoningPart, TextPart, ToolCall
from ..decoding.request_fields import drop_none, encode_arguments
from ..reasoning_state import ReasoningState
from .chat_server import ChatServer

_MEDIA = (AudioPart, FilePart, ImagePart)


class MessageBuilder:
    """Builds messages for one server.

    Args:
        server: The server.
        custom_tools: Names of the tools that are sent as custom tools.
        states: The states of earlier answers that the server wants back, by their texts; see `own_states`.
    """

    def __init__(
        self,
        server: ChatServer,
        custom_tools: Collection[str] = (),
        states: Mapping[str, ReasoningState] = MappingProxyType({}),  # immutable
    ) -> None:
        self._server, self._custom_tools, self._states = server, custom_tools, states

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
        states = [self._states[text] for text in _state_texts(message) if text in self._states]
        if any(state.fields for state in states):
            fields |= next(state.fields for state in states if state.fields)
        elif is_assistant and not self._server.is_official and (reasoning := _reasoning(message)):
            fields["reasoning_content"] = reasoning
        if message.tool_calls:
            others = {call_id: fields for state in states for call_id, fields in state.calls.items()}
            fields["tool_calls"] = [{**self._call(call), **others.get(call.id, {})} for call in message.tool_calls]
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
    return msgspec.structs.replace(
        first,
        content=(*first.parts(), *second.parts()),
        tool_calls=(*first.tool_calls, *second.tool_calls),
        reasoning_state="\n".join([*_state_texts(first), *_state_texts(second)]) or None,
    )


def _state_texts(message: Message) -> list[str]:
    """Return the texts of the states of a message: that of several messages which became one has one a line."""
    return (message.reasoning_state or "").splitlines()


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
    if not isinstance(part, FilePart) or (text := document_text(part.url)) is None:
        return None
    return titled_text(part.name, text)
