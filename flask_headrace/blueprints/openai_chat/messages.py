"""Turns the messages of a chat completion request into those of a `ChatRequest`. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

from ...core.errors import InvalidRequest
from ...providers.chat_request import (
    AudioPart,
    FilePart,
    ImagePart,
    Json,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
)
from ..http.request_body import convert
from ..openai_shared.request import parse_tool_arguments, to_data_url
from .body import (
    CONTENT_PARTS,
    AudioContentPart,
    ChatCompletionMessageParam,
    ContentPart,
    FileContentPart,
    FunctionCall,
    ImageContentPart,
    RefusalContentPart,
    TextContentPart,
    ToolCallParam,
)
from .untranslated import Untranslated

T = TypeVar("T")


class MessageReader:
    """Reads the messages of one request, in their order.

    Args:
        untranslated: Receives what the messages of a `ChatRequest` do not contain.
    """

    def __init__(self, untranslated: Untranslated) -> None:
        self._untranslated = untranslated
        self._count = 0  # number of calls in the older API
        self._function_calls: dict[str, str] = {}  # the id of the latest call of each function, in the older API

    def read(self, message: ChatCompletionMessageParam, path: str) -> Message:
        """Return a message as a `ChatRequest` has it.

        Raises:
            InvalidRequest: the message is invalid; the error names the field.
        """
        if message.content is None and message.role != "assistant":
            raise InvalidRequest(f"{path} has the role {message.role!r} and no content: add content.")
        if message.audio is not None:
            self._untranslated.add_state(f"{path}.audio")
        if message.role == "function":
            return self._function_result(message, path)
        return Message(
            message.role,
            self._content(message, path),
            tool_calls=self._calls(message, path),
            tool_call_id=message.tool_call_id,
            # The tool call's id identifies the tool.
            name=None if message.role == "tool" else message.name,
        )

    def _function_result(self, message: ChatCompletionMessageParam, path: str) -> Message:
        call_id = self._function_calls.get(message.name or "")
        if call_id is None:
            raise InvalidRequest(
                f"{path} has the role 'function' and the name {message.name!r:.100}: it must be the name of a function "
                "that an earlier message calls."
            )
        return Message("tool", self._content(message, path), tool_call_id=call_id)

    def _calls(self, message: ChatCompletionMessageParam, path: str) -> tuple[ToolCall, ...]:
        calls = [_to_tool_call(call, f"{path}.tool_calls[{n}]") for n, call in enumerate(message.tool_calls or ())]
        if (function := message.function_call) is not None:
            # The older API has no ids. These stay the same from request to request.
            call_id = self._function_calls[function.name] = f"call_{self._count}_{function.name}"
            self._count += 1
            calls.append(ToolCall(call_id, function.name, _arguments(function, f"{path}.function_call")))
        return tuple(calls)

    def _content(self, message: ChatCompletionMessageParam, path: str) -> str | tuple[Part, ...]:
        reasoning = _reasoning(message)
        refusal: tuple[Part, ...] = (TextPart(message.refusal),) if message.refusal else ()
        if isinstance(message.content, str):
            if not reasoning and not refusal:
                return message.content
            # An empty text beside reasoning or calls is none.
            text: tuple[Part, ...] = (TextPart(message.content),) if message.content else ()
            return (*reasoning, *text, *refusal)
        parts = [self._part(part, message, f"{path}.content[{n}]") for n, part in enumerate(message.content or ())]
        return (*reasoning, *[part for part in parts if part is not None], *refusal)

    def _part(self, value: Json, message: ChatCompletionMessageParam, path: str) -> Part | None:
        part_type = value.get("type")
        known = CONTENT_PARTS.get(part_type) if isinstance(part_type, str) else None
        if known is None:
            if not isinstance(part_type, str):
                raise InvalidRequest(f"{path} has the type {part_type!r:.100}: give a type, such as 'text'.")
            self._untranslated.add_part(part_type, path, is_question=message.role == "user")
            self._untranslated.add_states(value, path)
            return None
        if known not in {TextContentPart, RefusalContentPart}:
            self._untranslated.add_states(value, path)
        return self._known_part(convert(value, known, path), path)

    def _known_part(self, part: ContentPart, path: str) -> Part | None:
        match part:
            case TextContentPart(text, cache_control):
                return TextPart(text, cache_control)
            case RefusalContentPart(text):
                return TextPart(text)
            case ImageContentPart(image, cache_control):
                return ImagePart(image.url, image.detail, cache_control)
            case AudioContentPart(audio):
                return AudioPart(audio.data, audio.format)
            case FileContentPart():
                return self._file(part, path)

    def _file(self, part: FileContentPart, path: str) -> Part | None:
        file = part.file
        if file.file_data is not None:
            return FilePart(to_data_url(file.file_data, file.filename), file.filename, part.cache_control)
        if not file.file_id:
            raise InvalidRequest(f"{path}.file has no file_data: add the document as a data: URL.")
        return None  # the provider's server keeps it


def _to_tool_call(call: ToolCallParam, path: str) -> ToolCall:
    if call.function is not None:
        return ToolCall(call.id, call.function.name, _arguments(call.function, f"{path}.function"))
    if call.custom is not None:
        return ToolCall(call.id, call.custom.name, {"input": call.custom.input})
    raise InvalidRequest(f"{path} has no {call.type}: add an object with the name of the tool that was called.")


def _arguments(function: FunctionCall, path: str) -> Json:
    return parse_tool_arguments(function.arguments, f"{path}.arguments")


def _reasoning(message: ChatCompletionMessageParam) -> tuple[Part, ...]:
    """Return the reasoning of an earlier answer, from the field that says the most about it."""
    if message.role != "assistant":
        return ()
    if blocks := [part for block in _objects(message.thinking_blocks) if (part := _thinking_part(block))]:
        return tuple(blocks)
    details = [part for detail in _objects(message.reasoning_details) if (part := _detail_part(detail))]
    if any(part.signature for part in details):
        return tuple(details)
    if text := message.reasoning_content or (message.reasoning if isinstance(message.reasoning, str) else ""):
        return (ReasoningPart(text),)
    return tuple(details)


def _objects(value: Any) -> list[Json]:  # noqa: ANN401  # any JSON
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _thinking_part(block: Json) -> ReasoningPart | None:
    """Return a block of Anthropic's, as LiteLLM has it in `thinking_blocks`."""
    match block:
        case {"type": "thinking", "thinking": str(text), "signature": str(signature)}:
            return ReasoningPart(text, signature or None)
        case {"type": "thinking", "thinking": str(text)}:
            return ReasoningPart(text)
        case {"type": "redacted_thinking", "data": str(data)}:
            return ReasoningPart("", data, is_redacted=True)
    return None


def _detail_part(detail: Json) -> ReasoningPart | None:
    """Return an entry of OpenRouter's `reasoning_details`, with its signature if it is one of Anthropic's."""
    text = detail.get("text") or detail.get("summary")
    signature, form = detail.get("signature"), detail.get("format") or "anthropic"
    is_anthropic = isinstance(form, str) and form.startswith("anthropic")
    signed = signature if isinstance(signature, str) and signature and is_anthropic else None
    return ReasoningPart(text, signed) if isinstance(text, str) and (text or signed) else None
