"""Validates answers against their JSON Schema at their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from ...core.errors import AnswerTooLarge, SchemaValidationError
from ...core.events import AnswerRestarted, Completed, Event, Failed, StreamMetadata, TextDelta
from ...core.text_buffer import MAX_TEXT_CHARS, TextBuffer
from ..producer import Source
from .validator import SchemaValidator


def validate_output(schema: SchemaValidator, source: Source, model: str) -> Source:
    """Return a source that yields the same events, but ends with `Failed` if the answer does not match the schema.

    Args:
        schema: The schema.
        source: The source of the answer.
        model: The model's id for the error's message, `provider/name`.
    """
    return lambda: _validate(schema, source, model)


def _validate(schema: SchemaValidator, source: Source, model: str) -> Iterator[list[Event] | StreamMetadata]:
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
                    f"The answer has more than {MAX_TEXT_CHARS} characters, too many to be checked against a schema."
                )
            last = events[-1] if events else None
            # Tool calls and refusals are not meant to be documents.
            if isinstance(last, Completed) and last.finish_reason not in {"tool_calls", "content_filter"}:
                yield [*events[:-1], _validated_end(last, schema.validation_error(str(text)), model)]
            else:
                yield events


def _validated_end(completed: Completed, problem: str | None, model: str) -> Completed | Failed:
    if problem is None:
        return completed
    cut = " It was truncated at max_tokens." if completed.finish_reason == "length" else ""
    error = SchemaValidationError(f"The answer of {model} does not match the schema: {problem}.{cut}")
    return Failed(error.code, error.message, error.retryable)
