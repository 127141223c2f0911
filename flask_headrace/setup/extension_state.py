"""Builds the extension's state for one application: providers, stream registry, store, and the rules of access."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from flask import Flask

from ..blueprints.body_memory import BodyMemory
from ..blueprints.http.auth import LOOPBACK_NAMES, bearer_auth, metrics_auth, require_owner
from ..blueprints.http.event_loop import has_one_loop
from ..blueprints.state import ExtensionState
from ..metrics import Metrics, get_metrics
from ..providers.custom import CustomProvider, adapt_provider
from ..providers.registry import ModelRegistry
from ..settings import Settings
from ..signals import EndReporter, report_start
from ..streaming.registry import StreamRegistry
from ..streaming.resumable_streams import ResumableStreams
from ..streaming.resume.orphans import read_recording, start_finishing_orphans
from ..streaming.resume.store_writer import StoreWriter
from ..streaming.resume.worker_process import WorkerProcess
from ..streaming.session import StreamSession
from ..streaming.stored_streams import StoredStreams
from ..streaming.stores.availability import StoreAvailability
from .offered_tools import build_offered_tools
from .options import ExtensionOptions
from .providers import build_registry
from .schemas import load_schemas
from .stores import open_configured_store, unknown_stream_warning, warn_of_separate_memories

STORE_TIMEOUT = 2.0
"""Seconds for which the functions of `on_end` wait until the store has the end of a resumable stream. If the worker is
killed before, another one ends the stream and tells it: in this order, no end is told twice."""


def build_state(app: Flask, settings: Settings, options: ExtensionOptions) -> ExtensionState:
    """Return the extension's state for an application.

    Args:
        app: The application, which is the sender of the signals.
        settings: The settings.
        options: What the application passes to the extension.

    Raises:
        ConfigurationError: a provider, a schema or the store cannot be used as the settings name it.
    """
    authorize = options.authorize
    metrics = get_metrics()
    registry = _build_registry(settings, options.providers, metrics)
    store_writer = StoreWriter(open_configured_store(settings, f"{app.root_path} {app.import_name}"))
    reporter = EndReporter(
        app, options.end_hooks, metrics.record_stream_end, partial(store_writer.flush_stream, seconds=STORE_TIMEOUT)
    )
    on_start = report_start(app, metrics.record_stream_start)
    streams = _build_streams(settings, store_writer, reporter, on_start)
    availability = StoreAvailability(store_writer.store)
    process = WorkerProcess(store_writer, partial(_begin_process, store_writer, availability, reporter))
    resumable_streams = ResumableStreams(streams, store_writer)
    resumable_streams.lookup.on_unknown = unknown_stream_warning(store_writer.store)
    is_open = authorize is None and not settings.api_keys
    return ExtensionState(
        streams=streams,
        resumable_streams=resumable_streams,
        stored_streams=StoredStreams(resumable_streams, store_writer),
        registry=registry,
        authorize=bearer_auth(settings.api_keys) if authorize is None else require_owner(authorize),
        authorize_scraper=None if settings.metrics_token is None else metrics_auth(settings.metrics_token),
        max_content_length=settings.max_content_length,
        max_text_length=settings.max_text_length,
        body_memory=BodyMemory(settings.max_body_memory, settings.max_content_length),
        body_timeout=settings.body_timeout,
        cors_origins=settings.cors_origins,
        is_open=is_open,
        trusted_hosts=_trusted_hosts(settings, options.trusted_hosts, is_open=is_open),
        schemas=load_schemas(settings),
        holds_requests=options.holds_requests,
        offered_models=options.models,
        before_hooks=options.before_hooks,
        offered_tools=build_offered_tools(app, settings, options, store_writer.store),
        max_cost=settings.max_cost,
        wants_answers=lambda: reporter.wants_answers,
        drain_timeout=settings.drain,
        store_availability=availability,
        process=process,
    )


def _begin_process(store_writer: StoreWriter, availability: StoreAvailability, reporter: EndReporter) -> None:
    warn_of_separate_memories(store_writer.store)
    if has_one_loop() and not availability.is_process_local:
        start_finishing_orphans(store_writer, lambda: reporter.wants_answers)


def _build_streams(
    settings: Settings, store_writer: StoreWriter, reporter: EndReporter, on_start: Callable[[StreamSession], None]
) -> StreamRegistry:
    limits = settings.limits()
    store_writer.orphan_reports.on_end = lambda record, ending: reporter.report_orphan(
        record, read_recording(store_writer, record, limits.max_stored_bytes), ending
    )
    return StreamRegistry(
        limits,
        settings.max_streams,
        max_streams_per_owner=settings.max_streams_per_owner,
        on_start=on_start,
        on_end=reporter.report,
        after_end=reporter.tell_application,
        store_writer=store_writer,
    )


def _build_registry(settings: Settings, providers: Sequence[CustomProvider], metrics: Metrics) -> ModelRegistry:
    registry = build_registry(settings, [adapt_provider(provider) for provider in providers])
    for model, breaker in registry.circuit_breakers().items():
        metrics.watch_circuit_breaker(model, breaker)
    return registry


def _trusted_hosts(settings: Settings, names: Sequence[str] | None, *, is_open: bool) -> tuple[str, ...] | None:
    if names is not None:
        return tuple(name.lower() for name in names)
    return (*LOOPBACK_NAMES, *(name.lower() for name in settings.trusted_hosts)) if is_open else None
