"""Services that have finished their imports, so that tests can time what follows, or that import little."""

from __future__ import annotations

from collections.abc import Iterable

from tests.conftest import upstreams
from tests.support.reader import ask
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire

WIRES = {"openai": openai_wire, "anthropic": anthropic_wire}


def openai_alone(upstream: Upstream) -> dict[str, str]:
    """Return the settings of a service with `upstream` as OpenAI only: it starts faster."""
    return {name: value for name, value in upstreams(upstream).items() if not name.startswith("ANTHROPIC")}


def warm_up(service: Service, upstream: Upstream, providers: Iterable[str] = WIRES) -> None:
    """Send requests until every provider responds: importing the SDKs takes time."""
    for provider in providers:
        upstream.answer("warm", WIRES[provider].answer("warm"))
        service.wait_until(lambda provider=provider: ask(service.url, f"{provider}/warm").status == 200, 30)
