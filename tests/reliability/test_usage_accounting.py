"""Every end has the same usage in frame, log and signal; the log has no secrets; internal errors are ends, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import upstreams
from tests.support.reader import Reading, ask, asking, send
from tests.support.service import Service
from tests.support.started_service import WIRES, warm_up
from tests.support.upstream import Close, Gate, Hang, Tokens, Upstream, faults, script
from tests.support.upstream.anthropic_wire import USAGE

HOST = """
from gevent import monkey

monkey.patch_all()

import gevent
import msgspec
from flask_headrace import Event, Failed, Headrace, TextDelta, Usage, create_app, stream_ended

app = create_app()
headrace = Headrace()
heard = []


@stream_ended.connect_via(app)
def hear(sender, stream):
    heard.append(msgspec.to_builtins(stream))


@stream_ended.connect_via(app)
def fail(sender, stream):
    if "deaf" in stream.model:
        raise RuntimeError("this receiver is broken")


class Unwritable(Event, frozen=True, tag="unwritable"):
    pass


def raising(*before):
    yield from before
    raise ZeroDivisionError("what a mistake says is for the log")


def timing_out():
    yield "one "
    raise gevent.Timeout(1)


@app.post("/told")
def told():
    return headrace.stream_from(iter(["one ", Usage(1000, 50, cost=0.5), Failed("mine", "so it is", False), "two"]))


@app.get("/heard")
def what_was_heard():
    return heard


@app.post("/mistakes/<name>")
def mistakes(name):
    sources = {
        "source at once": lambda: raising(),
        "source later": lambda: raising("one "),
        "wire at once": lambda: iter([Unwritable()]),
        "wire later": lambda: iter(["one ", Unwritable(), "two"]),
        "wire later, endless": lambda: iter(lambda: "one " if not heard_one() else Unwritable(), None),
        "no event": lambda: iter(["one ", 42]),
        "not an exception": lambda: timing_out(),
    }
    taken = []

    def heard_one():
        taken.append(1)
        return len(taken) > 3

    return headrace.stream_from(sources[name](), name="app")
"""
SECRETS = {
    "prompt": "the-question-itself",
    "answer": "the-answer-itself",
    "key of a provider": "sk-test-openai",
    "key of the other": "sk-ant-test",
    "key of a reader": "key-of-a-reader",
    "header": "worth-of-a-header",
}


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run an application that receives the signals, with full logging."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "host.py").write_text(HOST)
    settings = {**upstreams(upstream), "HEADRACE_STALL_TIMEOUT": "1.5", "HEADRACE_DRAIN": "1", "LOG_LEVEL": "debug"}
    with Service(arguments=("--pythonpath", str(folder), "host:app"), **settings) as running:
        warm_up(running, upstream)
        yield running


def log_and_signal(host: Service, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the log entry and the signal of the only stream of a model."""

    def lines() -> list[dict[str, Any]]:
        found = re.findall(r"stream_end (\{.*\})$", host.log(), re.MULTILINE)
        return [line for line in map(json.loads, found) if line["model"].endswith("/" + name)]

    host.wait_until(lines)
    (line,) = lines()
    (heard,) = (one for one in send(host.url + "/heard", method="GET").json if one["id"] == line["id"])
    return line, heard


def left(host: Service, upstream: Upstream, model: str) -> None:
    """Start a stream, and disconnect at the gate."""
    name = model.partition("/")[2]
    reading = asking(host.url, model)
    upstream.wait_for(lambda: upstream.requests(name)[0].at_gate)
    if upstream.requests(name)[0].deltas_sent:
        reading.until(b"Hello")
    reading.leave()


ENDS: dict[str, tuple[Callable[[Any, str], Any], str, str, tuple[int, int], bool]] = {
    # name: script, end, reason, (input, output) tokens, whether they are estimated; the question has two bytes
    "done": (lambda wire, _: wire.answer("Hello", usage=Tokens(90, 20)), "done", "stop", (90, 20), False),
    "cut": (lambda wire, _: faults.after(wire.answer("Hello"), 1, Close()), "failed", "upstream_broken", (1, 2), True),
    "refused": (lambda wire, _: wire.error(404), "failed", "upstream_not_found", (0, 0), False),
    "stalled": (
        lambda wire, _: faults.after(wire.answer("Hello"), 1, Hang()), "failed", "stall_timeout", (1, 2), True
    ),
    "left early": (lambda _, gate: script(Gate(gate), Hang()), "cancelled", "reader_left", (1, 0), True),
    "left late": (
        lambda wire, gate: faults.after(wire.answer("Hello"), 1, Gate(gate)), "cancelled", "reader_left", (1, 2), True
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("provider", WIRES)
def test_an_end_is_told_alike_to_reader_log_and_signal(host, upstream, provider, end) -> None:
    make, kind, reason, tokens, is_estimated = ENDS[end]
    if provider == "anthropic" and is_estimated and tokens[1]:
        tokens = (USAGE.input, tokens[1])  # this API tells the prompt's tokens at its answer's start
    name = f"{provider} {end}"
    upstream.answer(name, make(WIRES[provider], name))
    if kind == "cancelled":
        left(host, upstream, f"{provider}/{name}")
    else:
        answer = ask(host.url, f"{provider}/{name}")
        for usage in answer.named("usage") if answer.status == 200 else ():
            assert (usage["input_tokens"], usage["output_tokens"], usage["estimated"]) == (*tokens, is_estimated)
    line, heard = log_and_signal(host, name)
    assert (line["provider"], line["end"], line["reason"]) == (provider, kind, reason)
    assert (line["input_tokens"], line["output_tokens"], line["estimated"]) == (*tokens, is_estimated)
    assert (heard["end"], heard["reason"], heard["usage"]["estimated"]) == (kind, reason, is_estimated)
    assert (heard["usage"]["input_tokens"], heard["usage"]["output_tokens"]) == tokens
    assert line["seconds"] >= 0
    assert (line["first_token_seconds"] is None) == (tokens[1] == 0)


def test_the_whole_answer_is_accounted_for_as_the_stream_is(host: Service, upstream: Upstream) -> None:
    upstream.answer("whole", WIRES["openai"].answer("Hello", usage=Tokens(90, 20)))
    answer = ask(host.url, "openai/whole", stream=False)
    line, heard = log_and_signal(host, "whole")
    assert answer.json["usage"]["output_tokens"] == line["output_tokens"] == heard["usage"]["output_tokens"] == 20


def test_a_receiver_that_fails_harms_nobody(host: Service, upstream: Upstream) -> None:
    upstream.answer("deaf", WIRES["openai"].answer("Hello"))
    assert ask(host.url, "openai/deaf").is_done
    log_and_signal(host, "deaf")
    host.wait_until(lambda: "this receiver is broken" in host.log())
    assert ask(host.url, "openai/deaf").is_done


def test_the_log_keeps_every_secret_even_when_it_tells_all(host: Service, upstream: Upstream) -> None:
    headers = {"Authorization": f"Bearer {SECRETS['key of a reader']}", "X-Private": SECRETS["header"]}
    question = [{"role": "user", "content": SECRETS["prompt"]}]
    for provider, wire in WIRES.items():
        kept = SECRETS["answer"]
        answers = {
            "told": wire.answer(kept),
            "told and cut": faults.after(wire.answer(kept), 1, Close()),
            "told and failed": wire.failing_after(1, wire.error_frame(f"{kept} and {SECRETS['prompt']}")),
            "refused by name": wire.error(
                400, f"cannot answer {SECRETS['prompt']} with {SECRETS['key of a provider']}"
            ),
            "unreadable": faults.broken(wire)["invalid JSON"],
        }
        for name, one in answers.items():
            upstream.answer(f"{provider} {name}", one)
            for is_streamed in (True, False):
                body = {"model": f"{provider}/{provider} {name}", "messages": question, "stream": is_streamed}
                with Reading(host.url + "/api/chat", body, headers=headers) as reading:
                    reading.response().read()
    host.wait_until(lambda: host.log().count("unreadable") >= 4)
    assert "DEBUG" in host.log()
    for what, secret in SECRETS.items():
        assert secret not in host.log(), what


INVALID = {"wire at once", "wire later", "wire later, endless", "no event"}
"""Mistakes in what a source gives; the others are exceptions that it raises."""

BUGS = {
    "source at once": None,
    "source later": "one ",
    "wire at once": None,
    "wire later": "one ",
    "wire later, endless": "one one one ",
    "no event": "one ",
    "not an exception": "one ",
}


@pytest.mark.parametrize("name", BUGS)
def test_a_mistake_of_ours_is_an_end_with_a_reference_into_the_log(host: Service, name: str) -> None:
    text = BUGS[name]
    answer = send(f"{host.url}/mistakes/{name.replace(' ', '%20')}", {})
    if text is None:
        assert answer.status == 500
        error = answer.error
    else:
        assert answer.status == 200
        assert answer.text == text
        assert answer.frames[-1][0] == "error"
        assert not [name for name, _ in answer.frames[:-1] if name in {"error", "cancelled"}]
        (error,) = answer.named("error")
    code = "invalid_source" if name in INVALID else "internal"
    assert error["code"] == code
    assert "what a mistake says" not in answer.body.decode()
    reference = error["message"].rstrip(".").rsplit(" ", 1)[1]
    entry = host.log().partition(f"reference {reference}")[2]
    assert "Traceback" in entry[:200]
    host.wait_until(lambda: send(host.url + "/healthz", method="GET").json["streams"] == 0)
    last = send(host.url + "/heard", method="GET").json[-1]
    assert (last["end"], last["reason"], last["usage"]["estimated"]) == ("failed", code, True)


def test_what_a_generator_of_the_application_tells_is_what_stands_at_the_end(host: Service) -> None:
    answer = send(host.url + "/told", {})
    assert [name for name, _ in answer.frames] == ["start", "message", "usage", "error"]
    assert answer.named("error") == [{"code": "mine", "message": "so it is", "retryable": False}]
    (usage,) = answer.named("usage")
    assert (usage["input_tokens"], usage["output_tokens"], usage["cost"], usage["estimated"]) == (1000, 50, 0.5, False)
    host.wait_until(lambda: '"reason":"mine"' in host.log())
