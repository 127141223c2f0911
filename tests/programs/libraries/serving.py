"""What the scripts of the libraries share: they do what the lines of their input say, with two tools on the folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUESTION = "Read the note, write the word in it as the answer, and tell me when it is done."


def read_note() -> str:
    """Read the note."""
    return Path("note.txt").read_text(encoding="utf-8").strip()


def write_answer(word: str) -> str:
    """Write the answer, which is one word."""
    Path("answer.txt").write_text(word, encoding="utf-8")
    return "written"


TOOLS: dict[str, Callable[..., str]] = {"read_note": read_note, "write_answer": write_answer}
NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
ONE_WORD: dict[str, Any] = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
SCHEMAS = {"read_note": NO_PARAMETERS, "write_answer": ONE_WORD}


def serve(*tasks: Callable[..., Any]) -> None:
    """Do a task for each line of the input, which names it and holds what it is given; print what came of it."""
    known = {task.__name__: task for task in tasks}
    for line in sys.stdin:
        given = json.loads(line)
        try:
            told = {"result": known[given.pop("task")](**given)}
        except Exception as error:  # noqa: BLE001  # told to the test, which fails with it
            told = {"error": f"{type(error).__name__}: {error}"}
        print("\n" + json.dumps(told), flush=True)
