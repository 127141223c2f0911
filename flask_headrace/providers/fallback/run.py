"""One run of a request through a fallback chain: tries the models until one of them has answered.

Uses providers, their circuit breakers and the policy of the chain. Knows no readers; `StreamMetadata` tells the session
which model is running and how much of its output is suppressed.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeAlias

import msgspec

from ...core.errors import (
    FallbackMismatch,
    FirstTokenTimeout,
    InvalidRequest,
    ModelUnavailable,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamStatusError,
)
from ...core.events import (
    TERMINAL_EVENTS,
    AnswerRestarted,
    Event,
    ModelSelected,
    StreamMetadata,
    SuppressedOutput,
    Usage,
)
from ..chat_request import ChatRequest
from ..passthrough import reduced
from .circuit_breaker import BreakerPermit
from .continuation import Continuation, DeliveredOutput, prefill_request, restarted_answer
from .policy import Deployment, Environment, FallbackPolicy
from .retry import Failure, RetryBudget, RetryDecision, backoff_delay, classify, needs_operator
from .timeouts import AttemptTimeout, is_token

log = logging.getLogger("flask_headrace")

RunOutput: TypeAlias = list[Event] | StreamMetadata

ZERO_USAGE: list[Event] = [Usage(0, 0, cost=0.0)]
"""The usage of an attempt for which the model did no work."""

SLOW_SHARE = 0.5
"""Share of the first-token timeout after which a model that is not the last of its chain counts as slow."""

FAIR_TIME_SHARE = 0.9
"""Share of its full first-token timeout that a model must have had before its silence counts as a failure."""


class FallbackRun:
    """One run of one request.

    Args:
        alias: The name of the chain.
        deployments: The models to try, in this order.
        policy: Retries, timeouts and fallback rules.
        request: The request; its `model` is replaced for each attempt.
        environment: Clock, sleep and random numbers.
    """

    def __init__(
        self,
        alias: str,
        deployments: Sequence[Deployment],
        policy: FallbackPolicy,
        request: ChatRequest,
        environment: Environment,
    ) -> None:
        self._alias = alias
        self._all_deployments, self._remaining = tuple(deployments), deque(deployments)
        self._policy, self._request, self._environment = policy, request, environment
        self._budget = RetryBudget(policy.retry_budget, environment.clock)
        self._failure: Failure | None = None
        self._delivered = DeliveredOutput()
        self._continuation: Continuation | None = None
        self._break_code = ""  # the code of the error that broke off the delivered answer
        self._has_begun = self._has_sent_usage = False  # of the current attempt
        self._has_ended = False  # whether the answer is complete
        self._is_shortened = False  # whether the budget shortens the current attempt's first-token timeout
        self._is_ambiguous = False  # whether the current attempt may not continue what the reader has

    def stream(self) -> Iterator[RunOutput]:
        """Try the models and yield the answer, with `StreamMetadata` between its batches.

        Raises:
            UpstreamError, InvalidRequest: no model has answered, or every model would reject the request.
        """
        while self._remaining and self._budget.remaining() > 0:
            yield from self._try_deployment(self._remaining.popleft())
            if self._has_ended:
                return
        raise self._failure or self._all_open_error()

    def _all_open_error(self) -> ModelUnavailable:
        wait = min(deployment.breaker.retry_after for deployment in self._all_deployments)
        message = f"All models of {self._alias} have failed lately and are not called. Try again in {wait:.0f} s."
        return ModelUnavailable(message, retry_after=wait)

    def _try_deployment(self, deployment: Deployment) -> Iterator[RunOutput]:
        # The first attempt with one model, and its retries.
        for attempt in range(1, self._policy.max_retries + 2):
            permit = deployment.breaker.acquire()
            if permit is None:
                return
            failure = yield from self._attempt(deployment, permit)
            if failure is None:
                return
            delay = self._handle_failure(deployment, failure, attempt)
            if delay is None:
                return
            self._environment.sleep(delay)

    def _attempt(self, deployment: Deployment, permit: BreakerPermit) -> Generator[RunOutput, None, Failure | None]:
        self._has_begun = self._has_sent_usage = self._is_ambiguous = False
        try:
            yield from self._stream_from(deployment, permit)
            return None
        except (UpstreamError, InvalidRequest) as error:
            failure = error
            # A timeout that the budget shortened is no failure of the model.
            if not (self._is_shortened and isinstance(error, FirstTokenTimeout)):
                _record_outcome(permit, error)
        finally:
            permit.release()
        if failure.has_no_usage and not self._has_begun and not self._has_sent_usage:
            yield ZERO_USAGE
        return failure

    # Failures

    def _handle_failure(self, deployment: Deployment, failure: Failure, attempt: int) -> float | None:
        """Return the seconds until the same model is retried; None to try the next one. Raises `failure` if final."""
        decision = classify(failure)
        self._log_failure(deployment, failure)
        # If another model has begun to answer the request, the request is valid, whatever this model says.
        if decision is RetryDecision.FAIL and not (self._break_code and isinstance(failure, UpstreamStatusError)):
            raise failure
        if self._failure is None or failure.retryable or not self._failure.retryable:
            self._failure = failure
        if self._has_begun:
            self._prepare_continuation(failure)
        elif decision is RetryDecision.NEED_LARGER_CONTEXT:
            self._drop_smaller_contexts(deployment)
        elif decision is RetryDecision.RETRY and attempt <= self._policy.max_retries:
            delay = backoff_delay(attempt, failure.retry_after, self._environment.random())
            return delay if delay < self._budget.remaining() else None
        return None

    def _log_failure(self, deployment: Deployment, failure: Failure) -> None:
        left = ", ".join(deployment.model for deployment in self._remaining) or "none"
        if needs_operator(failure):
            log.error("%s of %s: %s Models left: %s", deployment.model, self._alias, failure.message, left)
        else:
            log.info("%s of %s: %s. Models left: %s", deployment.model, self._alias, failure.code, left)

    def _prepare_continuation(self, failure: Failure) -> None:
        if not self._delivered.is_comparable and self._policy.on_divergence == "fail":
            raise failure
        self._break_code = failure.code
        self._budget = RetryBudget(self._policy.retry_budget, self._environment.clock)

    def _drop_smaller_contexts(self, deployment: Deployment) -> None:
        if deployment.context_window is not None:
            self._remaining = deque(
                other
                for other in self._remaining
                if other.context_window is None or other.context_window > deployment.context_window
            )

    # One attempt

    def _stream_from(self, deployment: Deployment, permit: BreakerPermit) -> Iterator[RunOutput]:
        yield ModelSelected(
            deployment.model, deployment.provider.name, deployment.name, deployment.provider.pricing_provider
        )
        began = self._environment.clock()
        batches = deployment.provider.stream(self._request_for(deployment))
        timeout = AttemptTimeout(deployment.model, self._first_token_limit(), self._policy.idle_timeout)
        # Both are generators, which have `close`.
        with closing(batches), closing(timeout.iterate(batches)) as outputs:  # type: ignore[type-var]
            for batch in outputs:
                if is_token(batch) and not self._has_begun:
                    self._record_begin(permit, self._environment.clock() - began)
                yield from self._forward(deployment, batch)
                if self._is_ambiguous:
                    break
        if self._is_ambiguous:
            self._retry_from_start(deployment)
        elif not self._has_ended:
            raise UpstreamProtocolError(f"{deployment.model} ended its answer without a finish reason.")

    def _retry_from_start(self, deployment: Deployment) -> None:
        """Try the same model again for a whole answer, since its continuation is ambiguous."""
        log.info("%s of %s: the continuation is ambiguous. Asking for the whole answer.", deployment.model, self._alias)
        self._remaining.appendleft(replace(deployment, supports_prefill=False))
        self._budget = RetryBudget(self._policy.retry_budget, self._environment.clock)

    def _request_for(self, deployment: Deployment) -> ChatRequest:
        request = msgspec.structs.replace(reduced(self._request, deployment.provider), model=deployment.name)
        if not self._break_code:
            return request
        if deployment.supports_prefill and (prefilled := prefill_request(request, self._delivered)):
            request, self._continuation = prefilled
        else:
            self._continuation = restarted_answer(self._delivered)
        return request

    def _first_token_limit(self) -> float:
        own = self._policy.first_token_timeout if self._remaining else self._policy.last_first_token_timeout
        left, whole = self._budget.remaining(), self._policy.retry_budget
        self._is_shortened = left < FAIR_TIME_SHARE * (whole if own is None else min(own, whole))
        return left if own is None else min(own, left)

    def _record_begin(self, permit: BreakerPermit, seconds: float) -> None:
        self._has_begun = True
        limit = self._policy.first_token_timeout
        if self._remaining and limit is not None and seconds > SLOW_SHARE * limit:
            permit.fail("slow")
        else:
            permit.succeed("began")

    def _forward(self, deployment: Deployment, batch: RunOutput) -> Iterator[RunOutput]:
        if not isinstance(batch, list) or not is_token(batch):
            self._has_sent_usage = self._has_sent_usage or (isinstance(batch, list) and bool(batch))
            yield batch
            return
        self._has_ended = isinstance(batch[-1], TERMINAL_EVENTS)
        if self._continuation is not None:
            yield from self._forward_new(deployment, self._continuation, batch)
            return
        if self._remaining:
            self._delivered.add(batch)
        yield batch

    def _forward_new(
        self, deployment: Deployment, continuation: Continuation, batch: list[Event]
    ) -> Iterator[RunOutput]:
        before = continuation.suppressed_bytes
        new = continuation.feed(batch)
        if continuation.suppressed_bytes != before:
            yield SuppressedOutput(continuation.suppressed_bytes - before)
        if continuation.has_diverged:
            yield continuation.usage
            yield from self._restart_answer(deployment, continuation)
        else:
            self._delivered.add(new)
            yield new

    def _restart_answer(self, deployment: Deployment, continuation: Continuation) -> Iterator[RunOutput]:
        if self._policy.on_divergence == "fail":
            difference = "answers differently" if continuation.is_whole else "may not have continued it exactly"
            raise FallbackMismatch(
                f"The answer broke off ({self._break_code}), and {deployment.model} {difference}. Ask again."
            )
        if not continuation.is_whole:
            self._is_ambiguous, self._has_ended = True, False
            return
        yield SuppressedOutput(-continuation.suppressed_bytes)
        self._continuation = None
        self._delivered.reset()
        self._delivered.add(continuation.held)
        yield [AnswerRestarted(self._break_code, deployment.model), *continuation.held]


def _record_outcome(permit: BreakerPermit, error: Failure) -> None:
    if isinstance(error, InvalidRequest):
        return  # the model was not called
    if classify(error) in {RetryDecision.FAIL, RetryDecision.NEED_LARGER_CONTEXT}:
        # The model works: the request is invalid.
        permit.succeed(error.code)
    else:
        permit.fail(error.code)
