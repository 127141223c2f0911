"""Streaming LLM answers for Flask: the extension, the service, and the names that applications use."""

import logging

from .core.errors import HeadraceError
from .extension import Headrace
from .factory import create_app
from .settings import Settings
from .signals import StreamEndedInfo, StreamStartedInfo, stream_ended, stream_started

# What this package logs goes where the application sends it, and nowhere by itself.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "Headrace",
    "HeadraceError",
    "Settings",
    "StreamEndedInfo",
    "StreamStartedInfo",
    "create_app",
    "stream_ended",
    "stream_started",
]
