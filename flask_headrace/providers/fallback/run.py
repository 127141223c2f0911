"""One question on its way along a chain of models, until one of them has answered it.

Knows providers, their breakers and the terms of the chain; it does not know readers, and tells its session only whom it
asks and what it keeps to itself.
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
from .circuit_breaker import BreakerPermit
from .continuation import Continuation, DeliveredOutput, prefill_request, restarted_answer
from .policy import Deployment, Environment, FallbackPolicy
from .retry import Failure, RetryBudget, RetryDecision, backoff_delay, classify, needs_operator
from .timeouts import AttemptTimeout, is_token

log = logging.getLogger("flask_headrace")

RunOutput: TypeAlias = list[Event] | StreamMetadata

ZERO_USAGE: list[Event] = [Usage(0, 0, cost=0.0)]
"""What an attempt took that the model has done nothing for."""

SLOW_SHARE = 0.5
"""Share of the time for the first token after which a model that others can stand in for counts as slow."""

FAIR_TIME_SHARE = 0.9
"""Share of the time that it would have as the first to be asked, without which a model's silence is none of its own."""


class FallbackRun:
    """One question.

    Args:
        alias: What readers call the chain.
        links: Whom to ask, in this order.
        terms: On which terms.
        request: The question.
        world: Clock, sleep and chance.
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
        self._break_code = ""  # the code of the error that cut the answer short which the reader has
        self._has_begun = self._has_sent_usage = False  # the present attempt: to answer, and of its tokens
        self._has_ended = False  # the answer
        self._is_shortened = False  # the time that the present attempt has for its first token, by the budget
        self._is_ambiguous = False  # whether the present attempt goes on with what the reader has

    def stream(self) -> Iterator[RunOutput]:
        """Ask one model after another, and yield the answer.

        Raises:
            UpstreamError, InvalidRequest: none has answered, or it would be the same with any.
        """
        while self._remaining and self._budget.remaining() > 0:
            yield from self._try_deployment(self._remaining.popleft())
            if self._has_ended:
                return
        raise self._failure or self._all_open_error()

    def _all_open_error(self) -> ModelUnavailable:
        wait = min(deployment.breaker.retry_after for deployment in self._all_deployments)
        message = f"All models of {self._alias} have failed lately and are given a rest. Try again in {wait:.0f} s."
        return ModelUnavailable(message, retry_after=wait)

    def _try_deployment(self, deployment: Deployment) -> Iterator[RunOutput]:
        # One model, and again where that can help.
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
            # Who was not given the time that it may take has not failed.
            if not (self._is_shortened and isinstance(error, FirstTokenTimeout)):
                _record_outcome(permit, error)
        finally:
            permit.release()
        if failure.is_unspent and not self._has_begun and not self._has_sent_usage:
            yield ZERO_USAGE
        return failure

    # What follows from a failure

    def _handle_failure(self, deployment: Deployment, failure: Failure, attempt: int) -> float | None:
        """Return the seconds before the same model is asked again; None where it is not."""
        decision = classify(failure)
        self._log_failure(deployment, failure)
        # A question that another model has begun to answer is not at fault, whatever this one says.
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
        left = ", ".join(deployment.model for deployment in self._remaining) or "nobody"
        if needs_operator(failure):
            log.error("%s of %s: %s Left to ask: %s", deployment.model, self._alias, failure.message, left)
        else:
            log.info("%s of %s: %s. Left to ask: %s", deployment.model, self._alias, failure.code, left)

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
        # Generators: both can be closed.
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
        """Let a model be asked next for a whole answer that was asked to go on with one."""
        log.info(
            "%s of %s: nobody can tell whether it goes on. It is asked from the start.", deployment.model, self._alias
        )
        self._remaining.appendleft(replace(deployment, supports_prefill=False))
        self._budget = RetryBudget(self._policy.retry_budget, self._environment.clock)

    def _request_for(self, deployment: Deployment) -> ChatRequest:
        request = msgspec.structs.replace(self._request, model=deployment.name)
        if not self._break_code:
            return request
        if deployment.supports_prefill and (continuing := prefill_request(request, self._delivered)):
            request, self._continuation = continuing
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
            otherwise = "tells it otherwise" if continuation.is_whole else "may not have gone on where it stood"
            raise FallbackMismatch(
                f"The answer broke off ({self._break_code}), and {deployment.model} {otherwise}. Ask again."
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
        return  # the model was not asked
    if classify(error) in {RetryDecision.FAIL, RetryDecision.NEED_LARGER_CONTEXT}:
        # It works: the question is at fault.
        permit.succeed(error.code)
    else:
        permit.fail(error.code)
