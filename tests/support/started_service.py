"""A service that has loaded what it loads once, so that what follows can be timed; and one that has little to load."""

from __future__ import annotations

from collections.abc import Iterable

from tests.conftest import upstreams
from tests.support.reader import ask
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}


def openai_alone(upstream: Upstream) -> dict[str, str]:
    """Return the settings of a service that asks `upstream` as OpenAI: it is ready sooner."""
    return {name: value for name, value in upstreams(upstream).items() if not name.startswith("ANTHROPIC")}


def warm_up(service: Service, upstream: Upstream, providers: Iterable[str] = WIRES) -> None:
    """Ask until every provider answers: the SDKs take their time to be imported."""
    for provider in providers:
        upstream.answer("warm", WIRES[provider].answer("warm"))
        service.wait_until(lambda provider=provider: ask(service.url, f"{provider}/warm").status == 200, 30)
