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
from .continuation import Continuation, DeliveredOutput, continued, rescue_of
from .policy import Deployment, Environment, FallbackPolicy
from .retry import Failure, RetryBudget, RetryDecision, backoff_delay, classify, is_fault_of_ours
from .timeouts import AttemptTimeout, is_token

log = logging.getLogger("flask_headrace")

Told: TypeAlias = list[Event] | StreamMetadata

NOTHING_SPENT: list[Event] = [Usage(0, 0, cost=0.0)]
"""What an attempt took that the model has done nothing for."""

SLOW = 0.5
"""Share of the time for the first token after which a model that others can stand in for counts as slow."""

FAIR = 0.9
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
        self, alias: str, links: Sequence[Deployment], terms: FallbackPolicy, request: ChatRequest, world: Environment
    ) -> None:
        self._alias = alias
        self._all, self._links = tuple(links), deque(links)
        self._terms, self._request, self._world = terms, request, world
        self._budget = RetryBudget(terms.retry_budget, world.clock)
        self._failure: Failure | None = None
        self._said = DeliveredOutput()
        self._rescue: Continuation | None = None
        self._broke_by = ""  # the code of the error that cut the answer short which the reader has
        self._has_begun = self._has_told = False  # the present attempt: to answer, and of its tokens
        self._has_ended = False  # the answer
        self._is_cut_short = False  # the time that the present attempt has for its first token, by the budget
        self._is_in_doubt = False  # whether the present attempt goes on with what the reader has

    def stream(self) -> Iterator[Told]:
        """Ask one model after another, and yield the answer.

        Raises:
            UpstreamError, InvalidRequest: none has answered, or it would be the same with any.
        """
        while self._links and self._budget.left() > 0:
            yield from self._try(self._links.popleft())
            if self._has_ended:
                return
        raise self._failure or self._nobody_admits()

    def _nobody_admits(self) -> ModelUnavailable:
        wait = min(link.breaker.admits_in for link in self._all)
        message = f"All models of {self._alias} have failed lately and are given a rest. Try again in {wait:.0f} s."
        return ModelUnavailable(message, retry_after=wait)

    def _try(self, link: Deployment) -> Iterator[Told]:
        # One model, and again where that can help.
        for attempt in range(1, self._terms.retries + 2):
            admission = link.breaker.acquire()
            if admission is None:
                return
            failure = yield from self._attempt(link, admission)
            if failure is None:
                return
            pause = self._pause_after(link, failure, attempt)
            if pause is None:
                return
            self._world.sleep(pause)

    def _attempt(self, link: Deployment, admission: BreakerPermit) -> Generator[Told, None, Failure | None]:
        self._has_begun = self._has_told = self._is_in_doubt = False
        try:
            yield from self._ask(link, admission)
            return None
        except (UpstreamError, InvalidRequest) as error:
            failure = error
            # Who was not given the time that it may take has not failed.
            if not (self._is_cut_short and isinstance(error, FirstTokenTimeout)):
                _note(admission, error)
        finally:
            admission.release()
        if failure.has_no_usage and not self._has_begun and not self._has_told:
            yield NOTHING_SPENT
        return failure

    # What follows from a failure

    def _pause_after(self, link: Deployment, failure: Failure, attempt: int) -> float | None:
        """Return the seconds before the same model is asked again; None where it is not."""
        verdict = classify(failure)
        self._tell_of(link, failure)
        # A question that another model has begun to answer is not at fault, whatever this one says.
        if verdict is RetryDecision.TELL and not (self._broke_by and isinstance(failure, UpstreamStatusError)):
            raise failure
        if self._failure is None or failure.retryable or not self._failure.retryable:
            self._failure = failure
        if self._has_begun:
            self._begin_rescue(failure)
        elif verdict is RetryDecision.ROOMIER:
            self._drop_no_roomier_than(link)
        elif verdict is RetryDecision.AGAIN and attempt <= self._terms.retries:
            pause = backoff_delay(attempt, failure.retry_after, self._world.chance())
            return pause if pause < self._budget.left() else None
        return None

    def _tell_of(self, link: Deployment, failure: Failure) -> None:
        left = ", ".join(link.model for link in self._links) or "nobody"
        if is_fault_of_ours(failure):
            log.error("%s of %s: %s Left to ask: %s", link.model, self._alias, failure.message, left)
        else:
            log.info("%s of %s: %s. Left to ask: %s", link.model, self._alias, failure.code, left)

    def _begin_rescue(self, failure: Failure) -> None:
        if not self._said.is_repeatable and self._terms.on_divergence == "fail":
            raise failure
        self._broke_by = failure.code
        self._budget = RetryBudget(self._terms.retry_budget, self._world.clock)

    def _drop_no_roomier_than(self, link: Deployment) -> None:
        if link.context is not None:
            self._links = deque(other for other in self._links if other.context is None or other.context > link.context)

    # One attempt

    def _ask(self, link: Deployment, admission: BreakerPermit) -> Iterator[Told]:
        yield ModelSelected(link.model, link.provider.name, link.name, link.provider.pricing_provider)
        began = self._world.clock()
        batches = link.provider.stream(self._question_for(link))
        patience = AttemptTimeout(link.model, self._first_token_limit(), self._terms.stall)
        # Generators: both can be closed.
        with closing(batches), closing(patience.wait_for(batches)) as waited:  # type: ignore[type-var]
            for batch in waited:
                if is_token(batch) and not self._has_begun:
                    self._begin(admission, self._world.clock() - began)
                yield from self._passed_on(link, batch)
                if self._is_in_doubt:
                    break
        if self._is_in_doubt:
            self._ask_anew(link)
        elif not self._has_ended:
            raise UpstreamProtocolError(f"{link.model} ended its answer without a finish reason.")

    def _ask_anew(self, link: Deployment) -> None:
        """Let a model be asked next for a whole answer that was asked to go on with one."""
        log.info("%s of %s: nobody can tell whether it goes on. It is asked from the start.", link.model, self._alias)
        self._links.appendleft(replace(link, continues=False))
        self._budget = RetryBudget(self._terms.retry_budget, self._world.clock)

    def _question_for(self, link: Deployment) -> ChatRequest:
        request = msgspec.structs.replace(self._request, model=link.name)
        if not self._broke_by:
            return request
        if link.continues and (continuing := continued(request, self._said)):
            request, self._rescue = continuing
        else:
            self._rescue = rescue_of(self._said)
        return request

    def _first_token_limit(self) -> float:
        own = self._terms.first_token if self._links else self._terms.last_first_token
        left, whole = self._budget.left(), self._terms.retry_budget
        self._is_cut_short = left < FAIR * (whole if own is None else min(own, whole))
        return left if own is None else min(own, left)

    def _begin(self, admission: BreakerPermit, seconds: float) -> None:
        self._has_begun = True
        limit = self._terms.first_token
        if self._links and limit is not None and seconds > SLOW * limit:
            admission.fail("slow")
        else:
            admission.succeed("began")

    def _passed_on(self, link: Deployment, batch: Told) -> Iterator[Told]:
        if not isinstance(batch, list) or not is_token(batch):
            self._has_told = self._has_told or (isinstance(batch, list) and bool(batch))
            yield batch
            return
        self._has_ended = isinstance(batch[-1], TERMINAL_EVENTS)
        if self._rescue is not None:
            yield from self._rescued(link, self._rescue, batch)
            return
        if self._links:
            self._said.add(batch)
        yield batch

    def _rescued(self, link: Deployment, rescue: Continuation, batch: list[Event]) -> Iterator[Told]:
        before = rescue.withheld
        new = rescue.take(batch)
        if rescue.withheld != before:
            yield SuppressedOutput(rescue.withheld - before)
        if rescue.has_diverged:
            yield rescue.told
            yield from self._begun_again(link, rescue)
        else:
            self._said.add(new)
            yield new

    def _begun_again(self, link: Deployment, rescue: Continuation) -> Iterator[Told]:
        if self._terms.on_divergence == "fail":
            otherwise = "tells it otherwise" if rescue.is_whole else "may not have gone on where it stood"
            raise FallbackMismatch(f"The answer broke off ({self._broke_by}), and {link.model} {otherwise}. Ask again.")
        if not rescue.is_whole:
            self._is_in_doubt, self._has_ended = True, False
            return
        yield SuppressedOutput(-rescue.withheld)
        self._rescue = None
        self._said.void()
        self._said.add(rescue.held)
        yield [AnswerRestarted(self._broke_by, link.model), *rescue.held]


def _note(admission: BreakerPermit, error: Failure) -> None:
    if isinstance(error, InvalidRequest):
        return  # the model was not asked
    if classify(error) in {RetryDecision.TELL, RetryDecision.ROOMIER}:
        # It works: the question is at fault.
        admission.succeed(error.code)
    else:
        admission.fail(error.code)
