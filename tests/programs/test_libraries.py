"""Libraries as they are published, each with the protocol that fits the kind of upstream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.desk import Desk
from tests.programs.kinds import KINDS, Kind
from tests.programs.library import Library, Running, running
from tests.programs.task import LAST_WORDS, WORD, results, task
from tests.support.service import Service
from tests.support.upstream import Gate, Script, ToolCall, Upstream

LIBRARIES = (
    Library("with_anthropic.py"),
    Library("with_openai.py", None, ("work", "fill", "leave")),
    Library("with_openai_agents.py"),
    Library("with_langchain.py", None, ("work", "fill", "leave")),
    Library("with_langchain.mjs", None, ("work", "fill", "leave")),
    Library("with_litellm.py", "agents"),
    Library("with_pydantic_ai.py", "agents", ("work", "fill", "leave")),
    Library("with_haystack.py", "agents"),
    Library("with_instructor.py", "indexes", ("fill", "leave")),
    Library("with_llama_index.py", "indexes"),
)
FORM = {"kind": "overshot", "blades": 12}
CALLS = [("read_note", {}), ("write_answer", {"word": WORD})]


def each(task: str) -> pytest.MarkDecorator:
    """Give a test each library that does a task."""
    libraries = [library for library in LIBRARIES if task in library.does]
    return pytest.mark.parametrize("library", libraries, ids=lambda library: library.script, scope="module")


@pytest.fixture(scope="module")
def desk(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def script(library: Library, desk: Desk) -> Iterator[Running]:
    with running(library, desk) as process:
        yield process


def given(service: Service, kind: Kind) -> dict[str, str]:
    return {"url": service.url, "model": kind.model, "api": kind.api}


def filled(kind: Kind, library: Library) -> Script:
    """Return the answer that fills in the form: as text, or as the call that instructor asks for."""
    if library.script == "with_instructor.py":
        call = ToolCall("call_1", "Wheel", ('{"kind": "over', 'shot", "blades": 12}'))
        return kind.wire.answer(call, finish=kind.wire.FINISHES[2])
    return kind.wire.answer('{"kind": "over', 'shot", "blades": 12}')


def half(kind: Kind, library: Library, gate: str) -> Script:
    """Return an answer that waits in its middle."""
    if library.script == "with_instructor.py":
        return kind.wire.answer(ToolCall("call_1", "Wheel", ('{"kind": "overshot", ', '"bl')), Gate(gate), "never")
    return kind.wire.answer(LAST_WORDS[0], Gate(gate), "never")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestALibrary:
    @each("work")
    def test_does_a_task_with_two_tools(self, service, upstream: Upstream, library, script, desk, kind: Kind) -> None:
        (desk.folder / "answer.txt").unlink(missing_ok=True)
        before = len(upstream.requests(kind.known_as))
        upstream.answer(kind.known_as, task(kind, CALLS))
        assert script.do("work", **given(service, kind)) == "".join(LAST_WORDS)
        assert desk.answer() == WORD
        assert [results(request.body) for request in upstream.requests(kind.known_as)[before:]] == [0, 1, 2]

    @each("fill")
    def test_fills_in_a_form(self, service, upstream: Upstream, library, script, kind: Kind) -> None:
        upstream.answer(kind.known_as, filled(kind, library))
        assert script.do("fill", **given(service, kind)) == FORM

    @each("leave")
    def test_that_leaves_stops_the_model(self, service, upstream: Upstream, library, script, kind: Kind) -> None:
        before = len(upstream.requests(kind.known_as))
        upstream.answer(kind.known_as, half(kind, library, f"never {library.script} {kind.name}"))
        first, deltas = ("overshot", 2) if library.script == "with_instructor.py" else (LAST_WORDS[0], 1)
        assert script.do("leave", **given(service, kind)) == first
        assert upstream.closed(kind.known_as, before, 20).deltas_sent == deltas
