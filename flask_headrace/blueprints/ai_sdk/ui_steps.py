"""Which steps of an answer a client of the AI SDK's UI message stream has, and keeps if the answer restarts. Pure."""

from __future__ import annotations

from ...core.events import AnswerRestarted, ReasoningDelta, ReasoningSignature, TextDelta, ToolCallStarted

STEP_OUTPUT = frozenset({TextDelta, ReasoningDelta, ReasoningSignature, ToolCallStarted})
"""What a model says in answer to the results of its calls, so that a new step begins with it."""


class UISteps:
    """The steps of one response.

    Attributes:
        to_skip: Finished steps that come once more, and that the client has kept.
    """

    __slots__ = ("_begun", "_finished", "_since_finished", "to_skip")

    def __init__(self) -> None:
        self._begin_anew()
        self.to_skip = 0

    def _begin_anew(self) -> None:
        self._begun = 1
        self._finished = 0  # by `StepStarted`
        self._since_finished = 1  # steps of the client since then

    def begin(self) -> None:
        """Note that the client has another step."""
        self._begun += 1
        self._since_finished += 1

    def finish(self) -> None:
        """Note that a `StepStarted` has ended a step."""
        self._finished += 1
        self._since_finished = 1

    def restart(self, event: AnswerRestarted) -> bool:
        """Return whether only the last step is void, since the client has all others as they come again."""
        is_first = self._begun == 1 and not event.finished_steps
        if is_first or (self._since_finished == 1 and event.finished_steps == self._finished):
            self.to_skip = event.finished_steps
            return True
        self._begin_anew()
        return False
