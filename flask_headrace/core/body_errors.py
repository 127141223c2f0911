"""The error of a large request body for which a worker has no memory at the moment."""

from __future__ import annotations

from .errors import LimitError


class BodyLimitExceeded(LimitError):
    """This worker, or one owner on it, has the maximum of large request bodies at the moment."""

    code = "too_many_bodies"
