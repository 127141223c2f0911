"""What the views work with: made once by the extension, kept in `app.extensions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from flask import current_app

from ..providers.chat_request import Json
from ..providers.registry import ModelRegistry
from ..streaming.registry import StreamRegistry
from ..streaming.resumable_streams import ResumableStreams
from ..streaming.stores.availability import StoreAvailability

EXTENSION = "headrace"


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """The parts of a running service.

    Args:
        streams: The open streams of this worker.
        resumption: Those that can be followed and stopped from anywhere.
        catalogue: The models that can be asked.
        authorize: Returns who asks, in the request, or aborts.
        max_body: Bytes that a request's body may have.
        body_timeout: Seconds in which a request's body must arrive; None for ever.
        cors_origins: Origins of other web sites that may ask.
        is_open: Whether everybody may ask: there is neither a key nor an `authorize`.
        hosts: Names of this machine under which it may be asked; None for any name.
        schemas: JSON Schemas that answers can be asked to fit, by their names.
        drain: Seconds that a worker which leaves lets its streams finish.
        store: Whether the store of resumable streams can be used.
    """

    streams: StreamRegistry
    resumption: ResumableStreams
    catalogue: ModelRegistry
    authorize: Callable[[], str]
    max_body: int
    body_timeout: float | None
    cors_origins: tuple[str, ...]
    is_open: bool
    hosts: tuple[str, ...] | None
    schemas: Mapping[str, Json]
    drain: float
    store: StoreAvailability


def current_state() -> ExtensionState:
    """Return the service of the application that handles the present request."""
    return cast("ExtensionState", current_app.extensions[EXTENSION])
