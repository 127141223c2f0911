"""Builds the extension's state for one application: providers, stream registry, store, and the rules of access."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Flask

from ..blueprints.http.auth import LOOPBACK_NAMES, bearer_auth, require_owner
from ..blueprints.state import ExtensionState
from ..metrics import Metrics, get_metrics
from ..providers.custom import CustomProvider, adapt_provider
from ..providers.registry import ModelRegistry
from ..settings import Settings
from ..signals import report_end, report_start
from ..streaming.registry import StreamRegistry
from ..streaming.resumable_streams import ResumableStreams
from ..streaming.resume.store_writer import StoreWriter
from ..streaming.stored_streams import StoredStreams
from ..streaming.stores.availability import StoreAvailability
from .providers import build_registry
from .schemas import load_schemas
from .stores import open_configured_store


def build_state(  # noqa: PLR0913  # by name
    app: Flask,
    settings: Settings,
    *,
    authorize: Callable[[], str] | None,
    trusted_hosts: Sequence[str] | None,
    providers: Sequence[CustomProvider],
    hold_request: bool,
) -> ExtensionState:
    """Return the extension's state for an application.

    Args:
        app: The application, which is the sender of the signals.
        settings: The settings.
        authorize: See `Headrace`.
        trusted_hosts: See `Headrace`.
        providers: See `Headrace`.
        hold_request: See `Headrace`.

    Raises:
        ConfigurationError: a provider, a schema or the store cannot be used as the settings name it.
    """
    metrics = get_metrics()
    registry = _build_registry(settings, providers, metrics)
    store = open_configured_store(settings)
    store_writer = StoreWriter(store)
    streams = StreamRegistry(
        settings.limits(),
        settings.max_streams,
        max_streams_per_owner=settings.max_streams_per_owner,
        on_start=report_start(app, metrics.record_stream_start),
        on_end=report_end(app, metrics.record_stream_end),
        store_writer=store_writer,
    )
    resumable_streams = ResumableStreams(streams, store_writer)
    is_open = authorize is None and not settings.api_keys
    return ExtensionState(
        streams=streams,
        resumable_streams=resumable_streams,
        stored_streams=StoredStreams(resumable_streams, store_writer),
        registry=registry,
        authorize=bearer_auth(settings.api_keys) if authorize is None else require_owner(authorize),
        max_content_length=settings.max_content_length,
        body_timeout=settings.body_timeout,
        cors_origins=settings.cors_origins,
        is_open=is_open,
        trusted_hosts=_trusted_hosts(settings, trusted_hosts, is_open=is_open),
        schemas=load_schemas(settings),
        holds_requests=hold_request,
        drain_timeout=settings.drain,
        store_availability=StoreAvailability(store),
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
