"""A request for a response, read into a question.

Knows what OpenAI's fields and items mean, and which of them nobody here can honour. Knows neither models nor what a
provider can do. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.errors import InvalidRequest
from ...providers.chat_request import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from ..openai_shared.body import AllowedTools, JsonObject
from ..openai_shared.request import arguments_in, reject_unsupported
from .body import Choice, Content, Format, FunctionChoice, FunctionTool, InputImage, Item, Refusal, ResponseBody
from .output_items import REDACTED

MEANINGLESS: dict[str, tuple[Any, ...]] = {
    "background": (False,),
    "context_management": ([],),
    "conversation": (),
    "max_tool_calls": (),
    "moderation": (),
    "previous_response_id": (),
    "prompt": (),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "truncation": ("disabled",),
}
"""Fields that nobody here can honour, with the values of them that ask for nothing."""

_WHOLE = "no answer is kept here, so send the whole conversation in input"
_INSTEAD = {
    "background": "use resumable",
    "conversation": _WHOLE,
    "previous_response_id": _WHOLE,
    "prompt": "write it into instructions and input",
}


def question_of(body: ResponseBody) -> ChatRequest:
    """Return what a request asks, without its model.

    Raises:
        InvalidRequest: it asks for something that nobody here can honour; the message names the field.
    """
    reject_unsupported(body, MEANINGLESS, _INSTEAD)
    return ChatRequest(
        model="",
        messages=_messages(body),
        max_tokens=body.max_output_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        tools=tuple([_tool(tool) for tool in body.tools or ()]),
        tool_choice=_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        response_format=_format(body),
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        verbosity=body.text.verbosity if body.text else None,
        user=body.user,
    )


def _messages(body: ResponseBody) -> tuple[Message, ...]:
    told = [] if body.instructions is None else [Message("system", body.instructions)]
    if isinstance(body.input, str):
        return (*told, Message("user", body.input))
    if not body.input:
        raise InvalidRequest("input is empty: it must hold at least one item, such as a user's turn.")
    return (*told, *_turns(body.input))


def _turns(items: list[Item]) -> Iterator[Message]:
    """Yield the turns: what a model thought, said and called in one answer are items here, and one turn elsewhere."""
    answer = _Answer()
    called: set[str] = set()
    for number, item in enumerate(items):
        where = f"input[{number}]"
        if item.type == "item_reference":
            raise InvalidRequest(
                f"{where} refers to the item {item.id!r:.100}, and no answer is kept here: send the items themselves, "
                "as clients do where store is false."
            )
        if not _is_models(item) or not answer.has_room_for(item):
            yield from answer.taken()
        if _is_models(item):
            answer.add(item, where)
            called |= {item.call_id} if item.type == "function_call" and item.call_id else set()
        elif item.type == "message":
            yield _turn(item, where)
        else:
            yield _output(item, where, called)
    yield from answer.taken()


def _is_models(item: Item) -> bool:
    return item.type in {"reasoning", "function_call"} or (item.type == "message" and item.role == "assistant")


class _Answer:
    """The items of one earlier answer, in the order in which a turn has them: thoughts, text, calls."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._calls: list[ToolCall] = []
        self._is_said = False

    def has_room_for(self, item: Item) -> bool:
        """Whether an item can follow those that are here."""
        if item.type == "function_call":
            return True
        return not (self._calls or self._is_said)

    def add(self, item: Item, where: str) -> None:
        """Take the next item."""
        match item.type:
            case "function_call":
                self._calls.append(_call(item, where))
            case "reasoning":
                self._parts.append(_thought(item))
            case _:
                said = _parts(_said(item, where), f"{where}.content")
                self._is_said = any(isinstance(part, TextPart) for part in said)
                self._parts += said

    def taken(self) -> Iterator[Message]:
        """Yield the turn, if there is one, and begin another."""
        parts, calls = self._parts, self._calls
        self._parts, self._calls, self._is_said = [], [], False
        if parts or calls:
            yield Message("assistant", tuple(parts), tool_calls=tuple(calls))


def _turn(item: Item, where: str) -> Message:
    said = _said(item, where)
    if item.role is None:
        raise InvalidRequest(f"{where} is a turn without a role: give it one, such as user.")
    return Message(item.role, said if isinstance(said, str) else tuple(_parts(said, f"{where}.content")))


def _said(item: Item, where: str) -> str | list[Content]:
    if item.content is None:
        raise InvalidRequest(f"{where} is a turn without content: give it what was said.")
    return item.content


def _output(item: Item, where: str, called: set[str]) -> Message:
    if item.call_id not in called:
        raise InvalidRequest(f"{where}.call_id is {item.call_id!r:.100}, and no function_call before it has that one.")
    if item.output is None:
        raise InvalidRequest(f"{where} has no output: give it what the tool has returned.")
    said = item.output
    content = said if isinstance(said, str) else tuple(_parts(said, f"{where}.output"))
    return Message("tool", content, tool_call_id=item.call_id)


def _thought(item: Item) -> ReasoningPart:
    known_by = item.encrypted_content
    if known_by is not None and known_by.startswith(REDACTED):
        return ReasoningPart("", known_by.removeprefix(REDACTED), is_redacted=True)
    return ReasoningPart("\n\n".join([part.text for part in item.summary]), known_by)


def _call(item: Item, where: str) -> ToolCall:
    if not item.call_id or not item.name:
        raise InvalidRequest(f"{where} is a function_call without call_id or name: give it both.")
    return ToolCall(item.call_id, item.name, arguments_in(item.arguments, f"{where}.arguments"))


def _parts(content: str | list[Content], where: str) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [_part(part, f"{where}[{number}]") for number, part in enumerate(content)]


def _part(part: Content, where: str) -> Part:
    match part:
        case InputImage(url, detail):
            if url is None:
                raise InvalidRequest(f"{where} has no image_url, and no files are kept here: give it one.")
            return ImagePart(url, detail)
        case Refusal(text):
            return TextPart(text)
        case _:
            return TextPart(part.text)


def _tool(tool: FunctionTool) -> Tool:
    return Tool(tool.name, tool.description, tool.parameters or {}, tool.strict)


def _choice(choice: Choice | None) -> ToolChoice | None:
    match choice:
        case FunctionChoice(name):
            return NamedTool(name)
        case AllowedTools():
            raise InvalidRequest("tool_choice is of the type 'allowed_tools': send only the allowed ones in tools.")
        case _:
            return choice


def _format(body: ResponseBody) -> ResponseFormat | None:
    wanted = body.text.format if body.text else None
    match wanted:
        case Format():
            return ResponseFormat(wanted.schema, wanted.name, wanted.strict, wanted.description)
        case JsonObject():
            return ResponseFormat(None)
        case _:
            return None
