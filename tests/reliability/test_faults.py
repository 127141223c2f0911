"""Every fault of an upstream, in both APIs, streamed and not: one correct terminal event; the next request works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.conftest import upstreams
from tests.support.reader import Answer, ask, asking, send
from tests.support.service import Service
from tests.support.upstream import (
    Accept,
    Close,
    Gate,
    Hang,
    Head,
    Script,
    Upstream,
    addresses,
    anthropic_wire,
    faults,
    oddities,
    openai_wire,
    script,
)

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}
PLACES = {"after a delta": "Hello", "in a frame": "Hello", "after all deltas": "Hello world"}
DELIVERED = {
    **{f"{way} {place}": text for way in ("closed", "reset", "half-closed", "ended") for place, text in PLACES.items()},
    "error in the stream after two deltas": "0 1 ",
    **dict.fromkeys(("invalid JSON", "JSON of another shape", "invalid UTF-8", "frame without end"), "Hello"),
}
"""The text that a client has received before the answer breaks off; with all other faults, none."""

WHOLE = "shorter than its content-length"
"""The one fault that does not matter to a client: the terminal event arrives before the body breaks off."""

CODES = {
    "openai: error in the stream": "upstream_failed",
    "anthropic: error in the stream": "upstream_overloaded",
}
"""Faults, by the beginning of their names, whose code is not `upstream_broken`."""

REFUSED = {
    400: (400, "upstream_invalid_request"),
    401: (401, "upstream_unauthorized"),
    403: (403, "upstream_forbidden"),
    404: (404, "upstream_not_found"),
    429: (429, "rate_limited"),
    529: (529, "upstream_overloaded"),
}
"""Status and code for an upstream's error status; for all others 502 and `upstream_failed`."""


def table(scripts) -> list:
    """Return the parameters (provider, fault, script) of a function that gives a wire's scripts by name."""
    return [
        pytest.param(provider, name, script, id=f"{provider}: {name}")
        for provider, wire in WIRES.items()
        for name, script in scripts(wire).items()
    ]


def closing(script: Script) -> Script:
    """Close the connection after an answer, so that each request has its own."""
    head, *rest = script.steps
    assert isinstance(head, Head)
    return Script((replace(head, headers=(*head.headers, ("connection", "close"))), *rest))


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[Service]:
    for wire in WIRES.values():
        upstream.answer(f"fine {wire.__name__}", closing(wire.answer("fine")))
    with Service(**upstreams(upstream), HEADRACE_FIRST_TOKEN_TIMEOUT="15", HEADRACE_STALL_TIMEOUT="15") as running:
        yield running


def check_next_works(service: Service, provider: str) -> None:
    """Check that no stream is open, and that the next request is answered."""
    answer = ask(service.url, f"{provider}/fine {WIRES[provider].__name__}")
    assert (answer.text, answer.is_done) == ("fine", True)
    service.wait_until(lambda: send(service.url + "/healthz", method="GET").json["streams"] == 0)


def check_status(answer: Answer, code: str) -> None:
    """Check the error status of an answer without any output."""
    assert (answer.status, answer.error["code"]) == (529 if code == "upstream_overloaded" else 502, code)


def check_end(answer: Answer, text: str, code: str, *, is_exact: bool = True) -> None:
    """Check a stream that broke off: text, usage, one error, no other event; or an error status without output."""
    if answer.status != 200:
        assert not text or not is_exact
        check_status(answer, code)
        return
    names = [name for name, _ in answer.frames]
    assert names == ["start", *["message"] * (len(names) - 3), "usage", "error"]
    assert answer.text == text or (not is_exact and text.startswith(answer.text))
    assert answer.named("error")[0]["code"] == code
    assert answer.named("usage")[0]["estimated"]
    assert b"[DONE]" not in answer.body
    assert answer.body.endswith(b"\n\n")


@pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
class TestFault:
    @pytest.mark.parametrize(("provider", "fault", "script"), table(faults.broken))
    def test_has_one_end_and_harms_no_other(self, service, upstream, provider, fault, script, is_streamed) -> None:
        name = f"{provider} {fault} {is_streamed}"
        upstream.answer(name, script)
        answer = ask(service.url, f"{provider}/{name}", stream=is_streamed)
        code = next((code for start, code in CODES.items() if f"{provider}: {fault}".startswith(start)), None)
        if fault == WHOLE:
            assert (answer.text if is_streamed else answer.json["text"]) == "Hello world"
            assert answer.is_done or not is_streamed
        elif is_streamed:
            # What came before an RST may be lost with it.
            check_end(answer, DELIVERED.get(fault, ""), code or "upstream_broken", is_exact="reset" not in fault)
        else:
            check_status(answer, code or "upstream_broken")
        check_next_works(service, provider)
        seen = upstream.requests(name)
        assert len(seen) == 1
        if Hang() in script.steps:
            upstream.closed(name)
        else:
            upstream.ended(name)

    @pytest.mark.parametrize(("provider", "fault", "script"), table(faults.refusals))
    def test_by_status_is_a_status(self, service, upstream, provider, fault, script, is_streamed) -> None:
        name = f"{provider} {fault} {is_streamed}"
        upstream.answer(name, script)
        answer = ask(service.url, f"{provider}/{name}", stream=is_streamed)
        expected = REFUSED.get(int(fault.split()[0]), (502, "upstream_failed"))
        assert (answer.status, answer.error["code"]) == expected
        assert answer.headers["content-type"] == "application/json"
        assert "<" not in answer.error["message"]
        assert answer.headers.get("retry-after") == ("7" if "Retry-After" in fault else None)
        assert len(upstream.requests(name)) == 1
        check_next_works(service, provider)

    @pytest.mark.parametrize(("provider", "oddity", "script"), table(oddities.odd))
    def test_is_not_what_only_looks_odd(self, service, upstream, provider, oddity, script, is_streamed) -> None:
        name = f"{provider} {oddity} {is_streamed}"
        upstream.answer(name, Script(script.steps))
        answer = ask(service.url, f"{provider}/{name}", stream=is_streamed)
        assert answer.status == 200
        if is_streamed:
            assert (answer.text, answer.is_done) == (oddities.TEXT, True)
            assert len(answer.named("usage")) == 1
            assert not {name for name, _ in answer.frames} - {"start", "message", "usage", "end"}
        else:
            assert (answer.json["text"], answer.json["finish_reason"]) == (oddities.TEXT, "stop")
        check_next_works(service, provider)


class TestNoConnection:
    """Faults before there is an HTTP response."""

    @pytest.fixture(scope="class")
    def nowhere(self) -> Iterator[Service]:
        with (
            addresses.refusing() as refusing,
            Service(
                OPENAI_BASE_URL=addresses.UNRESOLVABLE + "/v1",
                ANTHROPIC_BASE_URL=refusing,
                HEADRACE_CONNECT_TIMEOUT="10",
            ) as running,
        ):
            yield running

    @pytest.mark.parametrize("is_streamed", [True, False], ids=["streamed", "whole"])
    @pytest.mark.parametrize("provider", WIRES)
    def test_to_a_name_or_port_that_leads_nowhere(self, nowhere: Service, provider: str, is_streamed: bool) -> None:
        answer = ask(nowhere.url, f"{provider}/x", stream=is_streamed)
        assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
        assert answer.error["message"].startswith(f"{provider} could not be reached")
        nowhere.wait_until(lambda: send(nowhere.url + "/healthz", method="GET").json["streams"] == 0)

    @pytest.mark.parametrize("how", [Accept.CLOSE, Accept.RESET])
    @pytest.mark.parametrize("provider", WIRES)
    def test_that_lasts(self, service: Service, upstream: Upstream, provider: str, how: Accept) -> None:
        check_next_works(service, provider)
        upstream.accept([how, Accept.SERVE])
        answer = ask(service.url, f"{provider}/fine {WIRES[provider].__name__}")
        # An RST that comes early enough makes the connecting itself fail.
        early = {"upstream_unreachable"} if how is Accept.RESET else set()
        assert answer.status == 502
        assert answer.error["code"] in {"upstream_broken"} | early
        check_next_works(service, provider)

    def test_is_kept_for_more_than_one_further_attempt(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("kept", openai_wire.answer(Gate("kept"), "ok"))
        readings = [asking(service.url, "openai/kept") for _ in range(8)]
        upstream.wait_for(
            lambda: all(r.at_gate for r in upstream.requests("kept")) and len(upstream.requests("kept")) == 8
        )
        upstream.open_gate("kept")
        for reading in readings:
            reading.until(b"[DONE]")
        upstream.answer("gone", script(Close()))
        answer = ask(service.url, "openai/gone")
        assert (answer.status, answer.error["code"]) == (502, "upstream_broken")
        assert len(upstream.requests("gone")) == 2
        check_next_works(service, "openai")
