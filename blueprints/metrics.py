"""What `GET /metrics` tells: the open streams of this worker, and how the models of its chains are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ..providers.breaker import State
from .service import Service

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Present(Collector):
    """Reads the numbers where they are kept, at the moment in which they are asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("headrace_streams", "Open streams.", len(self._service.streams))
        state = GaugeMetricFamily(
            "headrace_breaker_state", "1 for the state that a model's circuit breaker is in.", labels=["model", "state"]
        )
        attempts = CounterMetricFamily(
            "headrace_attempts",
            "Attempts to ask a model of a chain: that began to answer, were slow to, or failed, by the error's code.",
            labels=["model", "outcome"],
        )
        for model, breaker in self._service.catalogue.breakers().items():
            for name in get_args(State):
                state.add_metric([model, name], breaker.state == name)
            for outcome, count in breaker.outcomes.items():
                attempts.add_metric([model, outcome], count)
        yield from (state, attempts)


def exposition(service: Service) -> bytes:
    """Return the present numbers of a service, in the text that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_Present(service))
    return generate_latest(registry)
