"""The application's functions that see each question before a model does: they change, answer or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from flask import request
from msgspec import Struct, ValidationError, convert, structs

from ..core.events import Event, Usage
from ..providers.chat_request import ChatRequest, Message
from ..providers.custom_events import SourceItem, event_batches
from ..streaming.producer import Source

REPLY_PROVIDER = "app"
"""The provider of a stream that the application answers itself."""

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

        Messages may also be mappings, with the fields of a `Message`.

        Raises:
            TypeError: a `ChatRequest` has no such field, or a message is no message.
        """
        model = changes.pop("model", self.model)
        if "messages" in changes:
            changes["messages"] = tuple([_message(message) for message in changes["messages"]])
        return structs.replace(self, model=model, request=structs.replace(self.request, **changes))

    def with_system(self, text: str) -> Question:
        """Return this question with one more system message, which stands behind those that it has."""
        place = next((i for i, message in enumerate(self.messages) if message.role not in {"system", "developer"}), 0)
        said = Message("system", text)
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
            case Question() as changed:
                question = changed
            case str() | Event() as reply:
                return Asked(question, [reply])
            case other:
                if not isinstance(other, Iterable) or isinstance(other, (bytes, dict)):
                    raise TypeError(
                        f"{_name(hook)} returned {other!a:.100}: return the question, another one (question.replace), "
                        "text or events to answer at once, or None."
                    )
                return Asked(question, other)
    return Asked(question, None)


def reply_source(reply: Iterable[SourceItem]) -> Source:
    """Return the source of a stream for an answer of the application, which costs nothing unless it says so."""
    return lambda: event_batches(chain([Usage(0, 0, cost=0.0)], reply), "the answer of a before hook")


def _message(value: Any) -> Message:  # noqa: ANN401  # whatever the application gives
    try:
        return value if isinstance(value, Message) else convert(value, Message)
    except ValidationError as error:
        raise TypeError(f"{value!a:.100} is no message: {error}.") from None


def _name(hook: BeforeHook) -> str:
    return getattr(hook, "__qualname__", repr(hook))
