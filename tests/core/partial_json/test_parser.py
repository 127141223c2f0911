"""The incremental parser: the same for any pieces, equal to a snapshot at every prefix, and linear in time."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from flask_headrace.core.partial_json import (
    MAX_DEPTH,
    MAX_PATH,
    MAX_SIZE,
    Add,
    Append,
    Close,
    Incomplete,
    JSONError,
    Malformed,
    PartialJSON,
    Patch,
    TooLong,
    apply,
    snapshot,
)
from tests.support.json_documents import (
    SHARED,
    answers,
    cuts,
    damaged,
    long_answers,
    prefixes,
    result,
    rubbish,
    shown,
    texts,
)

LIMITS = {"depth": "max_depth", "path": "max_path", "size": "max_size"}


def named(group: str) -> pytest.MarkDecorator:
    """Parametrize a test with the cases that the JavaScript parser must pass, too."""
    return pytest.mark.parametrize("case", SHARED[group], ids=lambda case: case["name"])


def every_cut(text: str) -> list[list[str]]:
    return [[text], list(text), *([text[:at], text[at:]] for at in range(1, len(text)))]


def grown(text: str) -> object:
    """Return the document that a parser has built from a text so far."""
    return apply(UNSET, PartialJSON().feed(text))


class TestBothLanguages:
    @named("patches")
    def test_give_these_patches(self, case: dict) -> None:
        parser = PartialJSON()
        given_ = [json.loads(msgspec.json.encode(parser.feed(piece))) for piece in case["pieces"]]
        assert given_ == case["ops"]
        assert parser.end() == []

    @named("documents")
    def test_read_this_document_however_it_is_cut(self, case: dict) -> None:
        for pieces in every_cut(case["text"]):
            document, refusal = result(pieces)
            assert refusal is None, (pieces, refusal)
            assert document == case["value"], pieces

    @named("refused")
    def test_refuse_this_text_at_that_character_however_it_is_cut(self, case: dict) -> None:
        limits = {LIMITS[name]: limit for name, limit in case.get("limits", {}).items()}
        for pieces in every_cut(case["text"]):
            document, refusal = result(pieces, **limits)
            assert refusal == (case["kind"], case["at"]), pieces
            assert shown(document) == shown(case.get("value", UNSET)), pieces


class TestPrefixes:
    @settings(max_examples=150)
    @given(texts)
    def test_are_what_a_snapshot_of_them_is(self, text: str) -> None:
        parser, document = PartialJSON(), UNSET
        for prefix in prefixes(text):
            document = apply(document, parser.feed(prefix[-1]))
            assert shown(document) == shown(snapshot(prefix)), prefix
        assert shown(apply(document, parser.end())) == shown(json.loads(text))

    @settings(max_examples=100)
    @given(texts)
    def test_are_reached_by_one_piece_as_by_many(self, text: str) -> None:
        parser, document = PartialJSON(), UNSET
        for prefix in prefixes(text):
            document = apply(document, parser.feed(prefix[-1]))
            assert shown(document) == shown(grown(prefix)), prefix


class TestCuts:
    @settings(max_examples=300)
    @given(long_answers(), st.data())
    def test_of_long_fences_words_and_numbers_give_the_same(self, text: str, data: st.DataObject) -> None:
        whole = result([text])
        at = data.draw(st.integers(0, len(text)))
        assert result([text[:at], text[at:]]) == whole
        size = data.draw(st.integers(1, 80))
        assert result(text[start : start + size] for start in range(0, len(text), size)) == whole

    @given(cuts(texts))
    def test_of_a_document_give_the_same_document(self, pieces: list[str]) -> None:
        document, refusal = result(pieces)
        assert refusal is None
        assert shown(document) == shown(json.loads("".join(pieces)))

    @given(cuts(damaged() | rubbish | answers()))
    def test_of_any_text_give_the_same_document_and_the_same_refusal(self, pieces: list[str]) -> None:
        document, refusal = result(pieces)
        whole, same_refusal = result(["".join(pieces)])
        assert refusal == same_refusal
        assert shown(document) == shown(whole)


class TestRefusals:
    @given(damaged())
    @example(']"{{a":true}')
    def test_come_where_and_only_where_the_standard_library_refuses_a_document_too(self, text: str) -> None:
        document, refusal = result(["[", text, "]"])  # inside an array nothing is prose
        try:
            value = json.loads(f"[{text}]")
            shown(value).encode()
        except ValueError:
            assert refusal is not None
        else:
            if refusal is None:
                assert shown(document) == shown(value)
            else:
                assert "\\ud" in text.lower(), "only half a surrogate pair is refused here and not there"

    @given(damaged() | answers())
    def test_name_the_first_character_after_which_no_document_can_come(self, text: str) -> None:
        _, refusal = result([text])
        if refusal is not None and refusal[0] == "malformed":
            before = PartialJSON()
            before.feed(text[: refusal[1]])
            with pytest.raises(Malformed):
                PartialJSON().feed(text[: refusal[1] + 1])

    def test_are_final(self) -> None:
        parser = PartialJSON()
        with pytest.raises(Malformed) as first:
            parser.feed("[1,x")
        for again in (lambda: parser.feed("2]"), parser.end):
            with pytest.raises(Malformed) as later:
                again()
            assert later.value is first.value

    def test_name_what_was_found_what_should_be_there_and_the_place(self) -> None:
        with pytest.raises(Malformed, match="'x' stands where a value should, at character 3"):
            PartialJSON().feed("[1,x")
        parser = PartialJSON()
        parser.feed('{"a":["b')
        with pytest.raises(Incomplete, match="inside the value at '/a/0', at character 8"):
            parser.end()

    def test_carry_what_the_piece_brought_before(self) -> None:
        with pytest.raises(Malformed) as refusal:
            PartialJSON().feed('["a\nb"]')
        assert refusal.value.patches == [Add("", []), Add("/-", "a")]

    def test_meet_half_a_surrogate_pair_that_is_not_escaped(self) -> None:
        for half in ("\ud83d", "\ude00"):
            parser = PartialJSON()
            parser.feed('["a')
            with pytest.raises(Malformed, match="at character 3"):
                parser.feed(half)


class TestLimits:
    def test_of_depth_leaves_room_for_as_many_as_it_says(self) -> None:
        text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
        assert result([text])[1] is None
        assert result([f"[{text}]"])[1] == ("too deep", MAX_DEPTH)

    def test_of_a_path_counts_the_slashes_and_the_escapes(self) -> None:
        assert result([json.dumps({"~" * (MAX_PATH // 2 - 1): 1})])[1] is None
        assert result([json.dumps({"~" * (MAX_PATH // 2): 1})])[1] == ("too long", 2 + MAX_PATH // 2)

    def test_of_size_is_exact(self) -> None:
        parser = PartialJSON(max_size=4)
        parser.feed("[1,")
        parser.feed("2")
        with pytest.raises(TooLong, match="more than 4 characters"):
            parser.feed("]")

    def test_of_size_holds_for_prose_and_after_the_document(self) -> None:
        for text in ("prose " * 4, '``` {"a":1} ' + " " * 12):
            with pytest.raises(TooLong):
                PartialJSON(max_size=20).feed(text)
        assert MAX_SIZE >= 1024 * 1024

    def test_of_a_number_holds_however_it_is_cut(self) -> None:
        digits = "1" * 1025
        for pieces in (["[", digits], ["[", *digits]):
            assert result(pieces) == ([], ("too long", 1025))

    def test_of_a_number_allows_what_a_float_can_be(self) -> None:
        assert result(["[" + "9" * 308 + "]"]) == ([int("9" * 308)], None)
        assert result(["[" + "9" * 310 + "]"]) == ([], ("malformed", 311))


class TestPatches:
    def test_are_values_that_encode_to_the_ops_of_the_protocol(self) -> None:
        patches: list[Patch] = [Add("/a", 1), Append("/b", "c"), Close("")]
        encoded = msgspec.json.encode(patches)
        assert (
            encoded
            == b'[{"op":"add","path":"/a","value":1},{"op":"append","path":"/b","value":"c"},{"op":"close","path":""}]'
        )
        assert msgspec.json.decode(encoded, type=list[Patch]) == patches

    def test_close_each_string_and_container_once_and_nothing_else(self) -> None:
        patches = PartialJSON().feed('{"a":["b",1,{}],"c":null}')
        assert [patch.path for patch in patches if isinstance(patch, Close)] == ["/a/0", "/a/2", "/a", ""]

    def test_may_be_applied_to_two_documents(self) -> None:
        patches = PartialJSON().feed('{"a":[1')
        first, second = apply(UNSET, patches), apply(UNSET, patches)
        apply(first, [Add("/a/-", 2)])
        assert (first, second) == ({"a": [2]}, {"a": []})

    @pytest.mark.parametrize(
        "patch", [Append("/b", "c"), Append("/a", "c"), Add("/b/c", 1), Add("/a/9/c", 1), Append("/a/9", "")]
    )
    def test_that_have_no_place_say_so(self, patch: Patch) -> None:
        with pytest.raises(LookupError, match=patch.path):
            apply({"a": [1]}, [patch])

    def test_may_begin_with_a_snapshot(self) -> None:
        first = Add("", snapshot('{"a":{"b":[1,"c'))
        assert apply(UNSET, [first, Append("/a/b/1", "d"), Close("/a/b/1")]) == {"a": {"b": [1, "cd"]}}
        assert first.value == {"a": {"b": [1, "c"]}}

    def test_go_on_from_a_snapshot(self) -> None:
        text = '{"items": [{"title": "Hello world", "n": 12 }, "x"]}'
        for at in range(1, len(text)):
            parser = PartialJSON()
            parser.feed(text[:at])
            assert apply(snapshot(text[:at]), parser.feed(text[at:])) == json.loads(text)


class TestEnd:
    def test_may_be_told_twice(self) -> None:
        parser = PartialJSON()
        assert parser.feed("12") == []
        assert not parser.is_complete
        assert parser.end() == [Add("", 12)]
        assert parser.end() == []
        assert parser.is_complete

    def test_of_half_a_document_is_an_error_with_its_place(self) -> None:
        parser = PartialJSON()
        parser.feed("[tru")
        with pytest.raises(JSONError, match="ends inside the document, at character 4"):
            parser.end()
        assert repr(parser) == "<PartialJSON The text ends inside the document, at character 4, 4 characters>"
