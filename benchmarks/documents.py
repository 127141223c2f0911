"""The cost of a growing JSON document: patches, beside parsing all of it again at each delta."""

from __future__ import annotations

import gc
import importlib.metadata
import json
import random
import subprocess
import time
from collections.abc import Callable

import jiter
import partial_json_parser
from msgspec import UNSET

from benchmarks import work
from benchmarks.comparison import LogProgress
from benchmarks.figures import Rows
from benchmarks.growth import Growth
from benchmarks.peers import install
from benchmarks.processes import on_cores
from benchmarks.relays import ROOT, TestBed
from benchmarks.scale import Scale
from flask_headrace.core.partial_json import PartialJSON, apply

DELTA = 4
"""Characters."""

SIZES = {"document_100": 100_000, "document_200": 200_000, "document_400": 400_000}
"""Characters of the documents, by their figures."""

PATCHES = "Headrace, patches"
VALUES = "Headrace, patches and their document"
SCRIPT = "Headrace in JavaScript, the same"
LIBRARY = "partial-json-parser"
JITER = "jiter"
AI_SDK = "AI SDK, parsePartialJson"

WORDS = ("the", "answer", "of", "a", "model", '"in"', "so", "many", "words", "—", "naïve,", "水", "and", "😀", "then\n")


def documents(test_bed: TestBed, scale: Scale, log_progress: LogProgress) -> Growth:
    """Measure documents of three sizes, with every parser."""
    texts = {key: document(size) for key, size in SIZES.items()}
    left_out: dict[str, str] = {}
    with on_cores(test_bed.cores.relay):
        rows = {name: _each(name, texts, one, scale, log_progress) for name, one in _readers(scale.samples).items()}
        try:
            found = _under_node(texts, scale, log_progress)
        except (install.InstallError, subprocess.SubprocessError) as error:
            left_out["a growing document under Node"] = str(error)
        else:
            rows = {PATCHES: rows[PATCHES], VALUES: rows[VALUES], SCRIPT: found[SCRIPT]} | rows | found
    for row in rows.values():
        row["document_delta"] = row["document_200"] / (SIZES["document_200"] / DELTA) * 1e6
        row["document_times"] = row["document_200"] / rows[VALUES]["document_200"]
    columns = (*SIZES, "document_delta", "document_times")
    return Growth("documents", "A growing JSON document", _about(scale), "reader", columns, rows, left_out)


def against_others(rows: Rows) -> work.Row:
    """Return the figures that the goals name."""
    own = rows[VALUES]
    row = {
        "document_growth": own["document_400"] / own["document_100"] / 4,
        "document_library": own["document_200"] / rows[LIBRARY]["document_200"],
        "document_jiter": own["document_200"] / rows[JITER]["document_200"],
    }
    if AI_SDK in rows:
        row["document_ai_sdk"] = rows[SCRIPT]["document_200"] / rows[AI_SDK]["document_200"]
    return row


def document(size: int) -> str:
    """Return the text of a document of so many characters, such as a model writes: always the same."""
    chance = random.Random(size)
    items: list[object] = []
    written = 0
    while written < size - 1000:
        items.append(_item(len(items), chance))
        written += len(json.dumps(items[-1])) + 2
    whole = {"items": items, "note": ""}
    whole["note"] = "x" * (size - len(json.dumps(whole)))
    return json.dumps(whole)


def patches(text: str, *, with_document: bool) -> float:
    """Return the seconds to parse a document delta by delta, with its value after each delta or without."""
    deltas = [text[at : at + DELTA] for at in range(0, len(text), DELTA)]
    parser, value = PartialJSON(), UNSET
    began = time.perf_counter()
    for delta in deltas:
        changes = parser.feed(delta)
        if with_document:
            value = apply(value, changes)
    parser.end()
    return time.perf_counter() - began


def parse_again(read: Callable[[str], object], text: str, samples: int) -> float:
    """Return the seconds that parsing all of a document again at each of its deltas would take.

    It is parsed at `samples` evenly spaced places; the average counts for each delta.
    """
    cuts = [text[: int(len(text) * (at + 0.5) / samples)] for at in range(samples)]
    read(cuts[0])
    began = time.perf_counter()
    for cut in cuts:
        read(cut)
    return (time.perf_counter() - began) / samples * (len(text) / DELTA)


def _readers(samples: int) -> dict[str, Callable[[str], float]]:
    def by_jiter(text: str) -> object:
        return jiter.from_json(text.encode(), partial_mode="trailing-strings")

    return {
        PATCHES: lambda text: patches(text, with_document=False),
        VALUES: lambda text: patches(text, with_document=True),
        JITER: lambda text: parse_again(by_jiter, text, samples),
        LIBRARY: lambda text: parse_again(partial_json_parser.parse_json, text, samples),
    }


def _each(
    name: str, texts: dict[str, str], one: Callable[[str], float], scale: Scale, log_progress: LogProgress
) -> work.Row:
    log_progress(f"a growing document: {name}")
    gc.collect()
    return work.median({key: one(text) for key, text in texts.items()} for _ in range(scale.repeat))


def _under_node(texts: dict[str, str], scale: Scale, log_progress: LogProgress) -> dict[str, work.Row]:
    folder = install.node()
    log_progress("a growing document: under Node")
    question = {"texts": texts, "delta": DELTA, "samples": scale.samples, "repeat": scale.repeat}
    argv = ["node", folder / "growing.mjs", ROOT / "flask_headrace/static/json/partial-json.js"]
    done = subprocess.run(argv, input=json.dumps(question), capture_output=True, text=True, check=True)
    runs = json.loads(done.stdout)
    return {SCRIPT: work.median(runs["patches"]), AI_SDK: work.median(runs["again"])}


def _about(scale: Scale) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in (LIBRARY, JITER))
    return (
        f"Objects, strings and numbers, in deltas of {DELTA} characters; after each delta the document so far is "
        "available as a value, except in the first row. Headrace parses the deltas one after the other. The others "
        f"parse all of the text again at each delta: they are timed at {scale.samples} evenly spaced places, and the "
        f"average counts for each delta. {versions}; the AI SDK that `benchmarks/peers/` names."
    )


def _item(number: int, chance: random.Random) -> dict[str, object]:
    return {
        "id": number,
        "title": " ".join(chance.choices(WORDS, k=5)),
        "summary": " ".join(chance.choices(WORDS, k=30)),
        "price": round(chance.uniform(1, 1000), 2),
        "tags": chance.choices(WORDS, k=3),
        "available": chance.random() < 0.5,
    }
