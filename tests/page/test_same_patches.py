"""The parser in JavaScript beside the one in Python, over texts that nobody wrote down."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from flask_headrace.core.partial_json import Add, Append, Close, JSONError, PartialJSON, apply
from tests.conftest import require
from tests.support.json_documents import KINDS, answers, cuts, damaged, long_answers, rubbish, texts

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent / "same-patches.mjs"
DOCUMENTS_SCRIPT = Path(__file__).parent / "same-documents.mjs"


def case_of(pieces: list[str]) -> dict:
    """Return what the parser in Python says to each piece, and why it refuses the text, if it does."""
    parser, patches = PartialJSON(), []
    kind = at = None
    try:
        patches.extend(map(parser.feed, pieces))
        patches.append(parser.end())
    except JSONError as error:
        patches.append(error.patches)
        kind, at = KINDS[type(error)], error.at
    return {"pieces": pieces, "ops": json.loads(msgspec.json.encode(patches)), "kind": kind, "at": at}


def differences(script: Path, cases: list[dict]) -> str:
    """Return the cases in which a script does otherwise, one a line. One Node runs all of them."""
    node = require("node", "apt-get install nodejs (20 or later)")
    done = subprocess.run(
        [node, script], input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout[:2000]


def test_both_parsers_give_the_same_patches_for_the_same_pieces():
    cases = []

    @settings(max_examples=600)
    @given(cuts(texts | damaged() | rubbish | answers()) | cuts(long_answers()))
    def collect(pieces: list[str]) -> None:
        cases.append(case_of(pieces))

    collect()
    assert differences(SCRIPT, cases) == ""
    assert len(cases) > 500


keys = ["a", "b", "", "length", "__proto__", "constructor", "toString", "value", "~0", "~1", "~2", "~", "~01"]
indexes = ["0", "1", "2", "9", "-", "-0", "-1", "01", "1.0", "+1", " 1", "1_0", "\u0661", "1e0", "9" * 5000]
far_paths = st.lists(st.sampled_from([*keys, *indexes]), max_size=3).map(
    lambda path: "".join(f"/{key}" for key in path)
)
near_paths = st.sampled_from(["", "/-", "/0", "/1", "/2", "/a", "/b", "/b/0", "/b/-", "/b/2"])
paths = near_paths | near_paths | far_paths | st.sampled_from(["a", "0", "a/b", "-", "/"])
values = st.sampled_from([1, None, "", "x", [], {}, [1, "y"], {"a": "z", "": [], "b": [{}, []]}])
patches = st.lists(
    st.builds(Add, paths, values) | st.builds(Append, paths, st.sampled_from(["", "more"])) | st.builds(Close, paths),
    max_size=6,
)


def document_case_of(document: object, patches: list[Add | Append | Close]) -> dict:
    """Return what each patch makes of a document in Python: the document, or null for the first one without a place."""
    case = {"document": None if document is UNSET else [document], "ops": json.loads(msgspec.json.encode(patches))}
    case = json.loads(json.dumps(case))
    documents = []
    for patch in patches:
        try:
            document = apply(document, [patch])
        except LookupError:
            documents.append(None)
            break
        documents.append([json.loads(json.dumps(document))])
    return {**case, "documents": documents}


def test_both_documents_accept_and_refuse_the_same_patches():
    cases = []

    @settings(max_examples=1500)
    @given(st.just(UNSET) | values.map(json.dumps).map(json.loads), patches)
    def collect(document: object, drawn: list[Add | Append | Close]) -> None:
        cases.append(document_case_of(document, drawn))

    collect()
    assert differences(DOCUMENTS_SCRIPT, cases) == ""
    refused = sum(None in case["documents"] for case in cases)
    assert 100 < refused < len(cases) - 50
