"""Errors of answers that take several steps. This file imports no other module but `errors`."""

from __future__ import annotations

from .errors import LimitError


class MaxCostExceeded(LimitError):
    """The answer has cost more than `HEADRACE_MAX_COST`, or than the `max_cost` of its question."""

    code = "max_cost"
    status = 402
    retryable = False
