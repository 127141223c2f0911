"""Answers that are to be one JSON document: held to their schema when they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from ...core.errors import AnswerTooLarge, SchemaValidationError
from ...core.events import AnswerRestarted, Completed, Event, Failed, StreamMetadata, TextDelta
from ...core.text_buffer import MAX_TEXT_CHARS, TextBuffer
from ..producer import Source
from .validator import SchemaValidator


def validate_output(schema: SchemaValidator, source: Source, model: str) -> Source:
    """Return a source that ends with a failure where the answer does not fit a schema.

    Args:
        schema: The schema.
        source: Where the answer comes from.
        model: How the failure names the model.
    """
    return lambda: _checked(schema, source, model)


def _checked(schema: SchemaValidator, source: Source, model: str) -> Iterator[list[Event] | StreamMetadata]:
    text = TextBuffer()
    with closing(source()) as batches:  # type: ignore[type-var]  # sources are generators
        for events in batches:
            if isinstance(events, StreamMetadata):
                yield events
                continue
            if any(isinstance(event, AnswerRestarted) for event in events):
                text.clear()
            text.append(*[event.text for event in events if isinstance(event, TextDelta)])
            if text.size > MAX_TEXT_CHARS:
                raise AnswerTooLarge(
                    f"The answer has more than {MAX_TEXT_CHARS} characters, too many to be held to a schema."
                )
            last = events[-1] if events else None
            # Calls of tools, and refusals, are no document, and are not meant to be one.
            if isinstance(last, Completed) and last.finish_reason not in {"tool_calls", "content_filter"}:
                yield [*events[:-1], _end(last, schema.validation_error(str(text)), model)]
            else:
                yield events


def _end(done: Completed, mistake: str | None, model: str) -> Completed | Failed:
    if mistake is None:
        return done
    cut = " It was cut at max_tokens." if done.finish_reason == "length" else ""
    error = SchemaValidationError(f"The answer of {model} does not fit the schema: {mistake}.{cut}")
    return Failed(error.code, error.message, error.retryable)
