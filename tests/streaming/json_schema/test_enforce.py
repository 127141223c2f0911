"""Answers with a schema: which match, which fail and why, and that no schema can block the worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest

from flask_headrace.core.errors import AnswerTooLarge, InvalidRequest
from flask_headrace.core.events import AnswerRestarted, Completed, Failed, TextDelta, Usage
from flask_headrace.core.exact_json import ExactFloat
from flask_headrace.core.text_buffer import MAX_TEXT_CHARS
from flask_headrace.streaming.json_schema import sandbox
from flask_headrace.streaming.json_schema.enforce import validate_output
from flask_headrace.streaming.json_schema.validator import SchemaValidator

MILL = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^\\p{Lu}"}, "wheels": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}


def deep(levels: int) -> dict:
    """Return a schema of nested arrays."""
    schema: dict = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@contextmanager
def ticking() -> Iterator[list[float]]:
    """Provide a list that grows every hundredth of a second while the event loop runs."""
    ticks: list[float] = []

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(time.monotonic())

    greenlet = gevent.spawn(tick)
    try:
        yield ticks
    finally:
        greenlet.kill()


class TestSchema:
    @pytest.mark.parametrize(
        "text",
        ['{"name": "Salz"}', ' {"name":"\\u00c4", "wheels": 2}\n', 'Here:\n```json\n{"name": "Salz"}\n```\nFine?'],
    )
    def test_takes_what_fits(self, text: str) -> None:
        assert SchemaValidator(MILL).validation_error(text) is None

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('{"name": 7}', 'at $.name, 7 is not of type "string"'),
            ('{"wheels": 1}', 'at the top of the document, "name" is a required property'),
            ("{", "it is not JSON: The text ends inside the document, at character 1"),
            ('{"name": "Salz", "height": 3}', "height"),
            ('{"name": "salz"}', "does not match"),
            ('{"name": "Sal', "it is not JSON"),
            ("There is no mill.", "it is not JSON"),
            ("", "it is not JSON"),
            ('{"name": "\ud800"}', "it is not JSON"),
            ("[" * 5000, "it is not JSON"),
        ],
    )
    def test_says_what_does_not(self, text: str, says: str) -> None:
        assert says in (SchemaValidator(MILL).validation_error(text) or "")

    @pytest.mark.parametrize(
        ("schema", "says"),
        [
            ({"type": "mill"}, "at $.type"),
            ({"items": {"pattern": "("}}, 'at $.items.pattern, "(" is not a "regex"'),
            ({"pattern": "((a{100}){100}){100}"}, 'is not a "regex"'),
            ({"$schema": 5}, "$schema"),
            ({"$schema": ["http://json-schema.org/draft-07/schema#"]}, "$schema"),
            ({"$schema": "http://127.0.0.1:9/mill"}, "Unknown meta-schema"),
            (deep(5000), "nested too deep"),
        ],
    )
    def test_that_is_none_is_refused(self, monkeypatch: pytest.MonkeyPatch, schema: dict, says: str) -> None:
        monkeypatch.setattr(sandbox, "CHECK_TIMEOUT", 60.0)
        with pytest.raises(InvalidRequest, match="schema") as raised:
            SchemaValidator(schema)
        assert says in raised.value.message

    def test_lets_others_run_while_it_is_checked(self) -> None:
        with ticking() as ticks:
            for _ in range(50):
                SchemaValidator({"properties": {f"p{number}": {"type": "string"} for number in range(500)}})
            assert ticks

    @pytest.mark.parametrize(
        ("text", "fits"),
        [
            ('[1, 2, "1", true, {"a": 1}, {"a": 2}, [1], []]', True),
            ('[{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}]', False),
            ("[1, 1.0]", False),
            ("[0, false]", True),
            ("[[true], [1]]", True),
        ],
    )
    def test_knows_items_that_come_twice(self, text: str, fits: bool) -> None:
        assert (SchemaValidator({"uniqueItems": True}).validation_error(text) is None) is fits

    def test_takes_numbers_of_any_size(self) -> None:
        assert SchemaValidator({"type": "integer", "maximum": 10**30}).validation_error("1" + "0" * 29) is None
        assert SchemaValidator({"multipleOf": 0.1}).validation_error("1" + "0" * 400) is None

    @pytest.mark.parametrize(
        ("schema", "text", "says"),
        [
            ({"type": "number"}, "1e400", None),
            ({"type": "number", "maximum": ExactFloat("1e400")}, "1e399", None),
            (
                {"type": "number", "maximum": ExactFloat("1e400")},
                "1e401",
                "1e+401 is greater than the maximum of 1e+400",
            ),
            ({"type": "number"}, "Here: ```\n1e400\n", None),
            ({"exclusiveMaximum": 1}, "0.99999999999999999999", None),
            ({"exclusiveMinimum": 1}, "1.00000000000000000000", "less than or equal to"),
            ({"const": 9007199254740993}, "9007199254740992", "9007199254740993 was expected"),
            ({"const": 9007199254740993}, "9007199254740992.0", "9007199254740993 was expected"),
            ({"enum": [0.1]}, "0.1000000000000000055511151231257827", "not one of"),
            ({"type": "integer"}, "1E5", None),
            ({"const": 1.5}, "1.50", None),
            ({"const": 0}, "-0", None),
            ({"type": "number"}, "1e99999999999999999999", "cannot be checked"),
        ],
    )
    def test_checks_all_digits(self, schema: dict, text: str, says: str | None) -> None:
        error = SchemaValidator(schema).validation_error(text)
        assert error is None if says is None else says in (error or "")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('{"name": "Salz"} {"name": "Muhle"}', "A second document differs from the first one, at character 27"),
            ('Maybe {"name": "Salz"}? No:\n```json\n{"name": "Muhle"}\n```', "A second document differs"),
            ('{"name": "Salz"}}', "stands where the end of the text should"),
            ('{"name": "Salz"}\n```\nThat is all.', None),
            ('{"name": "Salz"}\n{"name":"Salz"}', None),
        ],
    )
    def test_takes_one_document(self, text: str, says: str | None) -> None:
        error = SchemaValidator(MILL).validation_error(text)
        assert error is None if says is None else says in (error or "")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('{"a1": 1, "a2": 2, "name": "x", "b": true}', None),
            ('{"a1": "x"}', 'at $.a1, "x" is not of type "integer"'),
            ('{"a": 1}', 'at $.a, 1 is not of type "boolean"'),
            ('{"n": 1}', None),
            ('{"never": 1}', "does not allow 1"),
            ("7", 'at the top of the document, 7 is not of type "object"'),
        ],
    )
    def test_may_tell_properties_by_patterns(self, text: str, says: str | None) -> None:
        patterns = {r"^a\d$": {"type": "integer"}, "^n$": True, "^never$": False}
        schema = {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "patternProperties": patterns,
            "additionalProperties": {"type": "boolean"},
        }
        error = SchemaValidator(schema).validation_error(text)
        assert error is None if says is None else says in (error or "")

    def test_closed_by_patterns_alone_says_what_is_too_much(self) -> None:
        schema = SchemaValidator({"patternProperties": {"^a": {}}, "additionalProperties": False})
        assert schema.validation_error('{"abc": 1}') is None
        assert "('b' was unexpected)" in (schema.validation_error('{"abc": 1, "b": 2}') or "")

    @pytest.mark.parametrize(
        ("pattern", "text", "fits"),
        [
            ("^a$", "a\\n", False),
            (r"^\cC$", "\\u0003", True),
            (r"^(?<y>a)\k<y>$", "aa", True),
            ("^[^]$", "\\n", True),
            ("^a[]|b$", "b", True),
            (r"^[\b\0]\0$", "\\b\\u0000", True),
            (r"^\((x)(?<y>[(a)])(?:b)(?<=b)\k<y>$", "(xaba", True),
            (r"^\d$", "\u0665", False),
        ],
    )
    def test_reads_patterns_as_javascript_does(self, pattern: str, text: str, fits: bool) -> None:
        assert (SchemaValidator({"pattern": pattern}).validation_error(f'"{text}"') is None) is fits

    def test_that_refers_to_itself_is_followed(self) -> None:
        schema = SchemaValidator(
            {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
        )
        assert schema.validation_error('{"next": {"next": {}}}') is None
        assert "at $.next.next" in (schema.validation_error('{"next": {"next": 1}}') or "")


def ends(*batches, schema=MILL):
    """Return the events of a source whose answer is validated."""
    source = validate_output(SchemaValidator(schema), lambda: iter_of(batches), "acme/tiny")
    return [event for batch in source() for event in batch]


def iter_of(batches):
    yield from batches


class TestHeldTo:
    def test_passes_on_what_fits_as_it_is(self) -> None:
        batches = [TextDelta('{"name":')], [TextDelta(' "Salz"}'), Usage(1, 2), Completed("stop")]
        assert ends(*batches) == [event for batch in batches for event in batch]

    def test_turns_the_end_of_what_does_not_into_a_failure_and_keeps_its_usage(self) -> None:
        *rest, failed = ends([TextDelta('{"name": 7}')], [Usage(1, 2), Completed("stop")])
        assert rest == [TextDelta('{"name": 7}'), Usage(1, 2)]
        assert isinstance(failed, Failed)
        assert (failed.code, failed.retryable) == ("answer_invalid", True)
        assert "acme/tiny" in failed.message
        assert "at $.name" in failed.message

    def test_says_that_it_was_cut(self) -> None:
        failed = ends([TextDelta('{"name": "Sal'), Completed("length")])[-1]
        assert "truncated at max_tokens" in failed.message

    def test_forgets_what_is_void(self) -> None:
        answer = ends(
            [TextDelta('{"na')], [AnswerRestarted("broke", "acme/big")], [TextDelta('{"name": "S"}'), Completed("stop")]
        )
        assert answer[-1] == Completed("stop")

    @pytest.mark.parametrize("reason", ["tool_calls", "content_filter"])
    def test_lets_be_what_is_meant_to_be_no_document(self, reason) -> None:
        assert ends([TextDelta("Sorry."), Completed(reason)])[-1] == Completed(reason)

    def test_ends_with_a_failure_where_the_answer_is_too_long_to_be_kept(self) -> None:
        piece = TextDelta("x" * (MAX_TEXT_CHARS // 8))
        batches = validate_output(SchemaValidator(MILL), lambda: iter_of([[piece]] * 9), "acme/tiny")()
        for _ in range(8):
            next(batches)
        with pytest.raises(AnswerTooLarge, match="too many to be checked against a schema"):
            next(batches)

    def test_closes_its_source(self) -> None:
        closed = []

        def source():
            try:
                yield [TextDelta("{")]
                yield [TextDelta("}")]
            finally:
                closed.append(True)

        batches = validate_output(SchemaValidator(MILL), source, "acme/tiny")()
        next(batches)
        batches.close()
        assert closed == [True]
