"""The state of the extension, which the views use. The extension creates it once, in `app.extensions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from flask import current_app

from ..providers.chat_request import Json
from ..providers.registry import ModelRegistry
from ..streaming.registry import StreamRegistry
from ..streaming.resumable_streams import ResumableStreams
from ..streaming.resume.worker_process import WorkerProcess
from ..streaming.stored_streams import StoredStreams
from ..streaming.stores.availability import StoreAvailability
from .before_hooks import BeforeHook
from .body_memory import BodyMemory
from .offered_tools import OfferedTools

EXTENSION = "headrace"


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """The parts of a running service.

    Args:
        streams: The open streams of this worker.
        resumable_streams: The streams that any worker can resume and stop.
        stored_streams: The same streams, to be looked at and deleted without being followed.
        registry: The available models.
        authorize: Called in each request. Returns the caller's name, or aborts.
        authorize_scraper: Called in each request for the metrics in place of `authorize`; None for `authorize`.
        max_content_length: Maximum size of a request body in bytes.
        max_text_length: Maximum size of a request body in bytes, without the files in it.
        body_memory: The memory for large request bodies.
        body_timeout: Seconds within which a request body must arrive; None for no limit.
        cors_origins: Origins of other web sites whose pages may send requests.
        is_open: Whether everybody may send requests: there are no keys and no `authorize` callback.
        trusted_hosts: Accepted host names of requests; None for any name.
        schemas: Configured JSON Schemas by name.
        holds_requests: Whether views wait until the status of their answer is known.
        offered_models: Patterns of the ids of the models that clients may name; None for all models.
        before_hooks: The application's functions that see each question before a model does.
        offered_tools: The tools that run here.
        max_cost: The most that an answer may cost; None for no limit.
        wants_answers: Whether the application wants to know what is answered.
        drain_timeout: Seconds that a stopping worker waits for its streams to finish.
        store_availability: Whether the store of resumable streams is usable.
        process: The process of this worker.
    """

    streams: StreamRegistry
    resumable_streams: ResumableStreams
    stored_streams: StoredStreams
    registry: ModelRegistry
    authorize: Callable[[], str]
    authorize_scraper: Callable[[], None] | None
    max_content_length: int
    max_text_length: int
    body_memory: BodyMemory
    body_timeout: float | None
    cors_origins: tuple[str, ...]
    is_open: bool
    trusted_hosts: tuple[str, ...] | None
    schemas: Mapping[str, Json]
    holds_requests: bool
    offered_models: tuple[str, ...] | None
    before_hooks: Sequence[BeforeHook]
    offered_tools: OfferedTools
    max_cost: float | None
    wants_answers: Callable[[], bool]
    drain_timeout: float
    store_availability: StoreAvailability
    process: WorkerProcess


def current_state() -> ExtensionState:
    """Return the `ExtensionState` of the application that handles the current request."""
    return cast("ExtensionState", current_app.extensions[EXTENSION])
