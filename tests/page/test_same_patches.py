"""The parser in JavaScript beside the one in Python, over texts that nobody wrote down."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

from flask_headrace.core.partial_json import JSONError, PartialJSON
from tests.conftest import require
from tests.support.json_documents import KINDS, answers, cuts, damaged, rubbish, texts

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent / "same-patches.mjs"


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


def test_both_parsers_give_the_same_patches_for_the_same_pieces():
    node = require("node", "apt-get install nodejs (20 or later)")
    cases = []

    @settings(max_examples=600)
    @given(cuts(texts | damaged() | rubbish | answers()))
    def collect(pieces: list[str]) -> None:
        cases.append(case_of(pieces))

    collect()  # one Node for all of them
    done = subprocess.run(
        [node, SCRIPT], input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr or done.stdout[:2000]
    assert len(cases) > 500
