"""A model asked within a generator of the application: the events of its answer, as the generator's own."""

from __future__ import annotations

from collections.abc import Generator

from ..core.errors import FallbackMismatch
from ..core.events import AnswerRestarted, Completed, Event
from ..core.source_link import SourceLink
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest
from .question import ModelQuestion, QuestionLimits, failure_of


def ask(
    provider: Provider, request: ChatRequest, model: str, link: SourceLink, limits: QuestionLimits
) -> Generator[Event, None, Completed]:
    """Yield the events of a model's answer, and return how the model has ended it.

    Args:
        provider: The provider of the model.
        request: The request; its `model` is the provider's name of the model.
        model: The model's id, `provider/name`.
        link: The link of the stream that the answer belongs to.
        limits: The limits of the question.

    Raises:
        HeadraceError: no model has answered, or the answer broke off.
    """
    question = ModelQuestion(provider, request, model, link, limits)
    for batch in question.batches():
        for event in batch if isinstance(batch, list) else ():
            if isinstance(event, AnswerRestarted):
                # The generator may have used what it got: it cannot be taken back.
                raise FallbackMismatch(f"{event.model} began the answer again ({event.reason}). Ask again.")
            yield event
    if (failure := failure_of(question.end, model)) is not None:
        raise failure
    assert isinstance(question.end, Completed)
    return question.end
