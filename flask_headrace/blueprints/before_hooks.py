"""The application's functions that see each question before a model does: they change, answer or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from flask import request
from msgspec import Struct, ValidationError, convert, structs

from ..core.events import Event, Usage
from ..providers.chat_request import ChatRequest, Message, Tool
from ..providers.custom_events import SourceItem, event_batches
from ..providers.source_type import close_unread
from ..streaming.producer import Source

REPLY_PROVIDER = "app"
"""The provider of a stream that the application answers itself."""

_FIELD_TYPES = {field.name: field.type for field in structs.fields(ChatRequest)} | {"model": str | None}
_ITEM_TYPES: dict[str, type[Struct]] = {"messages": Message, "tools": Tool}

PROTOCOLS_BY_BLUEPRINT = {
    "headrace_chat": "native",
    "headrace_openai": "openai",
    "headrace_responses": "openai-responses",
    "headrace_anthropic": "anthropic",
    "headrace_ai_sdk": "ai-sdk",
    "headrace_ai_object": "ai-sdk",
    "headrace_ai_completion": "ai-sdk",
    "headrace_ai_v4_chat": "ai-sdk-v4",
    "headrace_ai_text": "text",
}
"""The protocols of the endpoints, by the names of their blueprints."""


class Question(Struct, frozen=True, kw_only=True):
    """A question before a model is asked.

    Args:
        model: The model as the client named it; None for the default model.
        request: The conversation, the tools and the settings.
        owner: The id of the user who asks; empty for no owner.
        protocol: The protocol of the request: `native`, `openai`, `openai-responses`, `anthropic`, `ai-sdk`,
            `ai-sdk-v4` or `text`.
        endpoint: Flask's name of the endpoint, such as `headrace_openai.complete` or a view of the application.
    """

    model: str | None
    request: ChatRequest
    owner: str
    protocol: str
    endpoint: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far, oldest message first; system messages are among them."""
        return self.request.messages

    @property
    def text(self) -> str:
        """The text of the last user message; empty if there is none."""
        return next((message.text() for message in reversed(self.messages) if message.role == "user"), "")

    def replace(self, **changes: Any) -> Question:  # noqa: ANN401  # the fields of a ChatRequest
        """Return this question with other values of some fields.

        Args:
            changes: `model` (as a client names it), and fields of the `ChatRequest`, such as `messages` or
                `temperature`.

        Messages, tools and other values may also be mappings, with the fields of a `Message`, a `Tool`, ….

        Raises:
            TypeError: a `ChatRequest` has no such field, or a value has a wrong type, such as a message that is none.
        """
        checked = {name: _checked(name, value) for name, value in changes.items()}
        model = checked.pop("model", self.model)
        return structs.replace(self, model=model, request=structs.replace(self.request, **checked))

    def with_system(self, text: str) -> Question:
        """Return this question with one more system message, which stands behind those that it has."""
        place = next((i for i, message in enumerate(self.messages) if message.role not in {"system", "developer"}), 0)
        said = {"role": "system", "content": text}
        return self.replace(messages=(*self.messages[:place], said, *self.messages[place:]))


def question_of_request(
    model: str | None, chat_request: ChatRequest, owner: str, protocol: str | None = None
) -> Question:
    """Return the question of the current request, in a view's `protocol` or, if that is None, in the endpoint's."""
    protocol = protocol or PROTOCOLS_BY_BLUEPRINT.get(request.blueprint or "", "native")
    return Question(model=model, request=chat_request, owner=owner, protocol=protocol, endpoint=request.endpoint or "")


Reply: TypeAlias = str | Event | Iterable[SourceItem]
"""An answer of the application in place of a model's: text, an event, or an iterable of both."""

BeforeHook: TypeAlias = Callable[[Question], "Question | Reply | None"]
"""Returns the question to ask, an answer to send at once, or None to leave the question as it is."""


class Asked(NamedTuple):
    """What the application's functions have made of a question: the question to ask, and the answer if there is one."""

    question: Question
    reply: Iterable[SourceItem] | None


def run_before_hooks(hooks: Sequence[BeforeHook], question: Question) -> Asked:
    """Call the application's functions with a question, each with what the one before has returned.

    The first function that returns an answer is the last that is called.

    Args:
        hooks: The functions, in the order in which they were added.
        question: The question as the client asks it.

    Raises:
        TypeError: a function has returned something else than a question, an answer or None.
    """
    for hook in hooks:
        match hook(question):
            case None:
                pass
            case Question(model=str() | None, request=ChatRequest()) as changed:
                question = changed
            case str() | Event() as reply:
                return Asked(question, [reply])
            case other:
                if not isinstance(other, Iterable) or isinstance(other, (bytes, dict)):
                    raise TypeError(
                        f"{_name(hook)} returned {other!a:.200}: return the question, another one (question.replace), "
                        "text or events to answer at once, or None."
                    )
                return Asked(question, other)
    return Asked(question, None)


def reply_source(reply: Iterable[SourceItem]) -> Source:
    """Return the source of a stream for an answer of the application, which costs nothing unless it says so."""
    return lambda: event_batches(_costless(reply), "the answer of a before hook")


def _costless(reply: Iterable[SourceItem]) -> Iterator[SourceItem]:
    try:
        yield Usage(0, 0, cost=0.0)
        yield from reply
    finally:
        close_unread(reply)


def _checked(name: str, value: Any) -> Any:  # noqa: ANN401  # whatever the application gives
    """Return the new value of a field of a question.

    Raises:
        TypeError: there is no such field, or the value has a wrong type.
    """
    if name not in _FIELD_TYPES:
        raise TypeError(f"question.replace({name}=…): a question has no such field, but {', '.join(_FIELD_TYPES)}.")
    try:
        if name not in _ITEM_TYPES:
            return convert(value, _FIELD_TYPES[name])
        kind = _ITEM_TYPES[name]
        return tuple([item if isinstance(item, kind) else convert(item, kind) for item in value])
    except (ValidationError, TypeError) as error:
        raise TypeError(f"question.replace({name}={value!a:.100}) has a value of a wrong type: {error}.") from None


def _name(hook: BeforeHook) -> str:
    return getattr(hook, "__qualname__", repr(hook))
