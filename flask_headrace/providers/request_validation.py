"""Checks that a chat request is consistent, and that its numbers are in range. Pure."""

from __future__ import annotations

from .chat_request import ChatRequest, Message, NamedTool
from .reasoning_state import decode_state

MAX_MESSAGES = 1000
"""Messages that one chat request may have."""


def validation_error(request: ChatRequest) -> str | None:
    """Return a sentence that says what is invalid in a request and how to correct it; None if the request is valid."""
    return (
        _count_error(request.messages)
        or _message_error(request.messages)
        or _range_error(request)
        or _tool_error(request)
    )


def _count_error(messages: tuple[Message, ...]) -> str | None:
    if not messages:
        return "messages is empty: send at least one message, such as a user's."
    if len(messages) > MAX_MESSAGES:
        return f"messages has {len(messages)} entries: send {MAX_MESSAGES} at most."
    return None


def _message_error(messages: tuple[Message, ...]) -> str | None:
    called: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.tool_calls and message.role != "assistant":
            return f"{where} has tool_calls and the role {message.role!r}: only an assistant message may have them."
        called |= {call.id for call in message.tool_calls}
        if message.role == "tool" and message.tool_call_id not in called:
            return (
                f"{where} has the tool_call_id {message.tool_call_id!r:.100}, which no earlier message has: "
                "use the id of a call in an earlier assistant message's tool_calls."
            )
        if message.role != "tool" and message.tool_call_id is not None:
            return f"{where} has a tool_call_id and the role {message.role!r}: only a tool message may have one."
        if message.reasoning_state is not None and (problem := _state_error(message, where)):
            return problem
    return None


def _state_error(message: Message, where: str) -> str | None:
    if message.role != "assistant":
        return f"{where} has a reasoning_state and the role {message.role!r}: only an assistant message may have one."
    try:
        decode_state(message.reasoning_state or "")
    except ValueError:
        return (
            f"{where}.reasoning_state is {message.reasoning_state!r:.100}, which is none of an answer: send it as the "
            "answer had it, or omit it."
        )
    return None


_RANGES: dict[str, tuple[float, float]] = {
    "max_tokens": (1, float("inf")),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (1, float("inf")),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}


def _range_error(request: ChatRequest) -> str | None:
    for name, (minimum, maximum) in _RANGES.items():
        value = getattr(request, name)
        if value is not None and not minimum <= value <= maximum:
            bounds = f"{minimum:g} or more" if maximum == float("inf") else f"between {minimum:g} and {maximum:g}"
            written = f"{value:g}" if abs(value) < 1.7e308 else f"{value!r:.20}…"  # larger integers overflow `g`
            return f"{name} is {written}: it must be {bounds}."
    return None


def _tool_error(request: ChatRequest) -> str | None:
    names: dict[str, None] = {}
    for tool in request.tools:
        if tool.name in names:
            return f"tools has {tool.name!r:.100} twice: give each tool its own name."
        names[tool.name] = None
    if request.tool_choice not in (None, "none", "auto") and not names:
        return "tool_choice requires a tool call, and tools is empty: add the tools that the model may call."
    if isinstance(request.tool_choice, NamedTool) and request.tool_choice.name not in names:
        return f"tool_choice is {request.tool_choice.name!r:.100}: it must be one of {', '.join(names):.1000}."
    return None
