"""The errors of a request's body that does not arrive, or is too long."""

from __future__ import annotations

from .errors import LimitError, RequestError


class BodyTooLarge(RequestError):
    """The request's body is longer than this service accepts."""

    code = "body_too_large"
    status = 413


class BodyTimeout(RequestError):
    """The request's body did not arrive within `HEADRACE_BODY_TIMEOUT` seconds."""

    code = "body_timeout"
    status = 408


class BodyLimitExceeded(LimitError):
    """This worker, or one owner on it, has the maximum of large request bodies at the moment."""

    code = "too_many_bodies"
