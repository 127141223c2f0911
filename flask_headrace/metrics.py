"""Prometheus metrics of streams: how many, how they ended, how long they took and what they cost.

The metrics are those of this process. If PROMETHEUS_MULTIPROC_DIR is set, as gunicorn.conf.py does for several workers,
they are those of all workers together.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
from functools import cache
from typing import get_args

from .providers.fallback.circuit_breaker import BreakerState, CircuitBreaker
from .server import shared_metrics
from .server.process_count import count_processes
from .signals import StreamEndedInfo

MAX_MODELS = 200
"""Maximum number of model labels; further models share one label. Labels are stored until the process ends."""

OTHER_MODELS = "other"

UNSHARED = f"set {shared_metrics.VARIABLE} to an empty folder before the start, for those of all processes."
"""Why the metrics are those of one process, if nothing else prevents that they are shared."""

log = logging.getLogger("flask_headrace")

_create_lock = threading.Lock()

BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """The metrics of this process, shared by all applications in it; see `get_metrics`.

    Attributes:
        are_partial: Whether other processes of the server have metrics of their own.
    """

    def __init__(self) -> None:
        self.are_partial = not os.environ.get(shared_metrics.VARIABLE) and count_processes().running > 1
        shared_metrics.install()
        # Imported late: at import, it decides by the environment whether it is in multiprocess mode.
        from prometheus_client import Counter, Gauge, Histogram  # noqa: PLC0415

        self._models: set[str] = set()
        self._lock = threading.Lock()
        self._open = Gauge("headrace_open_streams", "Streams that are open.", multiprocess_mode="livesum")
        self._ends = Counter("headrace_streams", "Streams that have ended.", ["model", "end", "reason"])
        self._tokens = Counter("headrace_tokens", "Tokens that models read and wrote.", ["model", "kind"])
        self._cost = Counter("headrace_cost_dollars", "What answers cost, where the price is known.", ["model"])
        self._first = Histogram(
            "headrace_first_token_seconds",
            "From a stream's opening to its first event.",
            ["model"],
            buckets=BUCKETS_SECONDS,
        )
        self._attempts = Counter(
            "headrace_attempts", "How attempts to ask a model of a chain went.", ["model", "outcome"]
        )
        self._breakers = Gauge(
            "headrace_breaker_state",
            "Workers whose circuit breaker for a model of a chain is in a state.",
            ["model", "state"],
            multiprocess_mode="livesum",
        )
        self._seconds = Histogram(
            "headrace_stream_seconds", "From a stream's opening to its end.", ["model"], buckets=BUCKETS_SECONDS
        )

    def record_stream_start(self) -> None:
        """Count a stream as open."""
        self._open.inc()

    def record_stream_end(self, end: StreamEndedInfo, was_open: bool) -> None:  # of a callback
        """Count the end of a stream, with its tokens, cost and durations; `was_open` if this process had counted it."""
        model = self._model_label(end.model)
        if was_open:
            self._open.dec()
        self._ends.labels(model, end.end, end.reason).inc()
        self._seconds.labels(model).observe(end.seconds)
        if end.first_token_seconds is not None:
            self._first.labels(model).observe(end.first_token_seconds)
        for attempt in end.usage.attempts:
            label = self._model_label(attempt.model)
            self._tokens.labels(label, "input").inc(attempt.input_tokens)
            self._tokens.labels(label, "output").inc(attempt.output_tokens)
            if attempt.cost:
                self._cost.labels(label).inc(attempt.cost)

    def watch_circuit_breaker(self, model: str, breaker: CircuitBreaker) -> None:
        """From now on, count the outcomes of attempts at `model` and record its circuit breaker's state."""

        def update(outcome: str | None) -> None:
            if outcome is not None:
                self._attempts.labels(model, outcome).inc()
            with self._lock:  # otherwise a thread could write an outdated state last
                now = breaker.state
                for state in get_args(BreakerState):
                    self._breakers.labels(model, state).set(now == state)

        breaker.on_change = update
        update(None)

    def _model_label(self, model: str) -> str:
        with self._lock:
            if model not in self._models:
                if len(self._models) >= MAX_MODELS:
                    return OTHER_MODELS
                self._models.add(model)
        return model


def get_metrics() -> Metrics:
    """Return the metrics of this process; create them at the first call."""
    with _create_lock:  # prometheus_client allows each name once
        return _process_metrics()


@cache
def _process_metrics() -> Metrics:
    return Metrics()


def render_metrics() -> tuple[bytes, str]:
    """Return all metrics in Prometheus' text format, and the content type.

    If the metrics of all workers cannot be read, the text has this process's metrics after a comment that says so.
    """
    from prometheus_client import CONTENT_TYPE_LATEST  # noqa: PLC0415

    if os.environ.get(shared_metrics.VARIABLE):
        return _render_shared(), CONTENT_TYPE_LATEST
    return _render_own(UNSHARED if get_metrics().are_partial else None), CONTENT_TYPE_LATEST


def _render_shared() -> bytes:
    problem = shared_metrics.unshared_reason()
    try:
        if problem is None:
            return _render_all_processes()
    except (OSError, ValueError, RuntimeError, struct.error) as error:
        problem = str(error)
        log.warning("The metrics of all workers cannot be read: %s", problem)
    return _render_own(problem)


def _render_own(problem: str | None) -> bytes:
    from prometheus_client import REGISTRY, generate_latest  # noqa: PLC0415

    if problem is None:
        return generate_latest(REGISTRY)
    comment = " ".join(f"These are the metrics of process {os.getpid()} only: {problem}".split())
    return f"# {comment}\n".encode() + generate_latest(REGISTRY)


def _render_all_processes() -> bytes:
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client is partly typed
    return generate_latest(registry)
