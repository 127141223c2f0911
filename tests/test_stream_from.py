"""`headrace.stream_from` checks its source at the call, and closes a source that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.reader import Reading, send

APP = '''
import asyncio
from types import MappingProxyType

from flask import Flask, jsonify, request
from flask_headrace import Headrace, TextDelta

app = Flask("host")
app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MAX_STREAMS=1)
closed = []


def words():
    yield "a "
    yield "b"


async def later():
    yield "a"


async def answer():
    return ["a"]


class Chain:
    """A source with a connection that is open before its first item is read, like a stream of an SDK."""

    def __init__(self, name):
        self.name = name

    def __iter__(self):
        return iter(["a ", "b"])

    def close(self):
        closed.append(self.name)


class AsyncStream:
    async def __anext__(self):
        return "a"

    def __aiter__(self):
        return self

    async def close(self):
        pass


class Both(Chain):
    async def __aiter__(self):
        yield "wrong"


SOURCES = {
    "async generator": lambda: later(),
    "coroutine": lambda: answer(),
    "async stream": lambda: AsyncStream(),
    "future": lambda: asyncio.Future(loop=asyncio.new_event_loop()),
    "str": lambda: "letters",
    "bytes": lambda: b"letters",
    "bytearray": lambda: bytearray(b"letters"),
    "None": lambda: None,
    "dict": lambda: {"a": 1},
    "mapping": lambda: MappingProxyType({"a": 1}),
    "int": lambda: 7,
    "float": lambda: 0.5,
    "bool": lambda: True,
    "function": lambda: words,
    "async function": lambda: later,
    "class": lambda: Chain,
    "event": lambda: TextDelta("a"),
    "object": lambda: object(),
    "response": lambda: headrace.stream_from(words()),
    "generator": lambda: words(),
    "list": lambda: ["a ", "b"],
    "tuple": lambda: ("a ", TextDelta("b")),
    "iterator": lambda: map(str, ["a ", "b"]),
    "chain": lambda: Chain("chain"),
    "both": lambda: Both("both"),
}
VALUES = {
    "bytes": b"b", "None": None, "int": 7, "tuple": ("b",), "dict": {"b": 1}, "function": words,
    "event type": TextDelta,
}


class Odd:
    name = "odd"

    def stream(self, request):
        return SOURCES[request.model]()


class OddValues:
    name = "values"

    def stream(self, request):
        yield "a "
        yield VALUES[request.model]


headrace = Headrace(app, providers=[Odd(), OddValues()])


@app.route("/own/<kind>", methods=["GET", "POST"])
def own(kind):
    return headrace.stream_from(SOURCES[kind]())


@app.post("/value/<kind>")
def value(kind):
    return headrace.stream_from(iter(["a ", VALUES[kind]]))


@app.get("/closed")
def what_is_closed():
    return jsonify(closed)


@app.post("/slow")
def slow():
    import gevent

    def waiting():
        yield "a"
        gevent.sleep(30)

    return headrace.stream_from(waiting())
'''

WRONG = {
    "async generator": ("async_generator", "written with `def`"),
    "coroutine": ("coroutine", "must be awaited first"),
    "async stream": ("AsyncStream", "only `async for`"),
    "future": ("Future", "must be awaited first"),
    "str": ("str", "letter by letter, so put it into a list"),
    "bytes": ("bytes", "decode bytes"),
    "bytearray": ("bytearray", "decode bytes"),
    "None": ("NoneType", "cannot be iterated"),
    "dict": ("dict", "only the keys"),
    "mapping": ("mappingproxy", "only the keys"),
    "int": ("int", "cannot be iterated"),
    "float": ("float", "cannot be iterated"),
    "bool": ("bool", "cannot be iterated"),
    "function": ("function", "so call it"),
    "async function": ("function", "so call it"),
    "class": ("type", "so call it"),
    "event": ("TextDelta", "put a single event into a list"),
    "object": ("object", "cannot be iterated"),
    "response": ("StreamedResponse", "cannot be iterated"),
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), APP) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left_open(host: Host) -> Iterator[None]:
    yield
    host.wait_until(lambda: send(host.url + "/healthz", method="GET").json["streams"] == 0)
    assert "never awaited" not in host.log()


def path(kind: str) -> str:
    return kind.replace(" ", "%20")


@pytest.mark.parametrize(
    "kind", [kind for kind in WRONG if kind not in {"async generator", "coroutine", "async stream"}]
)
def test_a_source_of_a_wrong_type_is_a_type_error_at_the_call(host: Host, kind: str) -> None:
    type_name, advice = WRONG[kind]
    before = len(host.log())
    answer = send(f"{host.url}/own/{path(kind)}")
    assert answer.status == 500
    assert "headrace-stream-id" not in answer.headers  # the host's own page, not an answer of the extension's
    log = host.log()[before:]
    (sentence,) = [line for line in log.splitlines() if line.startswith("TypeError: stream_from got ")]
    assert f", of type {type_name}: pass a generator, or a list, of text or events; " in sentence
    assert advice in sentence
    assert "in own\n    return headrace.stream_from(" in log  # the traceback names the line of the view


@pytest.mark.parametrize("kind", ["generator", "list", "tuple", "iterator", "chain", "both"])
def test_every_iterable_is_a_source(host: Host, kind: str) -> None:
    answer = send(f"{host.url}/own/{kind}")
    assert (answer.text, answer.is_done) == ("a b", True)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind != "response"])
def test_a_provider_that_returns_one_fails_with_a_sentence_for_reader_and_log(
    host: Host, kind: str, stream: bool
) -> None:
    body = {"model": f"odd/{kind}", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    answer = send(host.url + "/api/chat", body)
    type_name, advice = WRONG[kind]
    named = "odd gives None: " if kind == "None" else f"odd gives an object of type {type_name}: "
    assert (answer.status, answer.error["code"]) == (500, "invalid_source")
    message = answer.error["message"]
    assert message.startswith(named + "return a generator, or a list, of text or events; ")
    assert advice in message
    reference = message.rpartition(" ")[2].rstrip(".")
    host.wait_until(lambda: advice in host.log().partition(f"reference {reference}")[2])


VALUES = {
    "bytes": "bytes", "None": None, "int": "int", "tuple": "tuple", "dict": "dict", "function": "function",
    "event type": "StructMeta",
}  # fmt: skip


@pytest.mark.parametrize("name", ["the source of a stream", "values"])
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_that_is_no_event_fails_with_a_sentence_for_reader_and_log(host: Host, kind: str, name: str) -> None:
    question = {"model": f"values/{kind}", "messages": [{"role": "user", "content": "hi"}]}
    answer = send(host.url + ("/api/chat" if name == "values" else f"/value/{path(kind)}"), question)
    assert answer.text == "a "
    (error,) = answer.named("error")
    assert error["code"] == "invalid_source"
    what = "None" if VALUES[kind] is None else f"an object of type {VALUES[kind]}"
    assert error["message"].startswith(f"{name} gives {what}: yield text, or events other than ResponseStarted. ")
    reference = error["message"].rpartition(" ")[2].rstrip(".")
    host.wait_until(lambda: f"{name} gives " in host.log().partition(f"reference {reference}")[2])


def test_a_source_that_a_limit_refuses_is_closed(host: Host) -> None:
    before = closed(host)
    with Reading(host.url + "/slow") as reading:
        reading.until(b"a")
        assert send(host.url + "/own/chain").error["code"] == "too_many_streams"
        assert closed(host) == [*before, "chain"]


def test_a_source_of_a_response_that_nobody_reads_is_closed(host: Host) -> None:
    before = closed(host)
    assert send(host.url + "/own/both", method="HEAD").status == 200
    assert closed(host) == [*before, "both"]


def closed(host: Host) -> list[str]:
    return send(host.url + "/closed", method="GET").json
