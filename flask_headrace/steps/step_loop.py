"""The source of an answer in several steps: a model is asked, its tool calls run, and it is asked again.

It ends when the model answers without calling a tool that runs here, or calls one that somebody else must answer: a
tool of the client's, or a call that must be approved.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from ..core.answer import CollectedAnswer, ToolCallBlock
from ..core.application_events import ApprovalRequested, StepStarted, ToolProgress, ToolResult
from ..core.errors import InvalidToolArguments
from ..core.events import (
    AnswerRestarted,
    Completed,
    Event,
    Failed,
    ModelSelected,
    StreamMetadata,
    ToolCallCompleted,
    ToolCallStarted,
)
from ..core.source_link import LinkOpened, SourceLink
from ..providers.answer_messages import answer_messages, call_of, result_message
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest, Message
from ..tools.approvals import Approvals
from ..tools.local_tool import LocalTool, ToolContext
from ..tools.running import LocalCall, ToolLimits, error_result, run_calls
from ..tools.tool_error import ToolError
from .pending_calls import PendingCall
from .question import ModelQuestion, QuestionLimits, failure_of
from .replay import step_events

FINISHED = frozenset({"length", "content_filter", "pause"})
"""Finish reasons with which an answer ends even if it has tool calls: some of them may be missing."""

DENIED = "The user has not approved the call."
TOO_MANY_STEPS = "The tool did not run: the answer has reached its maximum of steps."

log = logging.getLogger("flask_headrace")

Batches: TypeAlias = Iterator[list[Event] | StreamMetadata]


class StepOptions(NamedTuple):
    """What the steps of an answer need beside the request.

    Args:
        tools: The tools that run here, by their names.
        max_steps: After how many steps with calls the model is asked without tools.
        question_limits: The limits of the questions.
        tool_limits: The limits of the calls.
        approvals: The approvals.
        enter: Returns the context in which a call runs.
        owner: The owner of the stream.
        context: The application's own value, for the tools.
        pending: The calls of the question's messages that were asked to be approved.
    """

    tools: Mapping[str, LocalTool[..., Any]]
    max_steps: int
    question_limits: QuestionLimits
    tool_limits: ToolLimits
    approvals: Approvals
    enter: Callable[[], AbstractContextManager[object]]
    owner: str = ""
    context: Any = None
    pending: Sequence[PendingCall] = ()


def step_batches(provider: Provider, request: ChatRequest, model: str, options: StepOptions) -> Batches:
    """Yield the events of an answer in several steps.

    Args:
        provider: The provider of the model.
        request: The request; its `model` is the provider's name of the model.
        model: The model's id, `provider/name`.
        options: The tools, and the limits.

    Raises:
        HeadraceError: no model has answered, an answer broke off, or the answer costs too much.
    """
    return _StepLoop(provider, request, model, options).batches()


class _StepLoop:
    def __init__(self, provider: Provider, request: ChatRequest, model: str, options: StepOptions) -> None:
        self._provider, self._request, self._model, self._options = provider, request, model, options
        self._link = SourceLink(is_timed=True)
        self._client_tools = {tool.name for tool in request.tools} - options.tools.keys()
        self._finished: list[Event] = []  # the events of the steps that have ended
        self._step = CollectedAnswer()
        self._indexes: dict[str, int] = {}  # of the step's calls, by their ids

    def batches(self) -> Batches:
        """Yield the events of all steps."""
        yield LinkOpened(self._link)
        messages = self._request.messages
        if self._options.pending:
            messages += yield from self._answer_pending()
            yield self._finish_step()
        for number in range(self._options.max_steps + 1):
            is_last = number == self._options.max_steps
            end = yield from self._ask(messages, is_last=is_last)
            calls = self._step.tool_calls()
            if not calls or end.finish_reason in FINISHED:
                yield [end]
                return
            if is_last:
                yield [
                    *(ToolResult(self._indexes[call.id], error=TOO_MANY_STEPS) for call in calls),
                    Completed("other"),
                ]
                return
            has_waiting = yield from self._run_calls(calls)
            if has_waiting:
                yield [replace(end, finish_reason="tool_calls")]
                return
            messages += tuple(answer_messages(self._step))
            yield self._finish_step()

    # A question to the model

    def _ask(
        self, messages: tuple[Message, ...], *, is_last: bool
    ) -> Generator[list[Event] | StreamMetadata, None, Completed]:
        request = replace(self._request, messages=messages)
        if len(messages) > len(self._request.messages):
            # A tool that must be called was called in the first step.
            request = replace(request, tool_choice=request.tool_choice if request.tool_choice == "none" else None)
        if is_last:
            request = replace(request, tools=(), tool_choice=None, parallel_tool_calls=None)
        self._step, self._indexes = CollectedAnswer(), {}
        question = ModelQuestion(self._provider, request, self._model, self._link, self._options.question_limits)
        for batch in question.batches():
            yield batch if isinstance(batch, ModelSelected) else self._take(batch)
        end = question.end
        if isinstance(end, Failed) and (broken := self._broken_calls(end)):
            yield self._take(broken)
            return Completed("tool_calls")
        if (failure := failure_of(end, self._model)) is not None:
            raise failure
        assert isinstance(end, Completed)
        return end

    def _take(self, events: list[Event]) -> list[Event]:
        """Add events to the step, and return what readers get."""
        marked = [self._marked(event) for event in events]
        self._step.add(marked)
        restarts = [place for place, event in enumerate(marked) if isinstance(event, AnswerRestarted)]
        if restarts:
            place = restarts[-1]
            finished = sum([type(event) is StepStarted for event in self._finished])
            restart = replace(marked[place], finished_steps=finished)
            return [restart, *self._finished, *marked[place + 1 :]]
        return marked

    def _finish_step(self) -> list[Event]:
        self._finished += [*step_events(self._step, self._indexes), StepStarted()]
        return [StepStarted()]

    def _marked(self, event: Event) -> Event:
        if not isinstance(event, ToolCallStarted):
            return event
        self._indexes[event.id] = event.index
        return event if event.name in self._client_tools else replace(event, runs_here=True)

    def _broken_calls(self, end: Failed) -> list[Event]:
        """Return the ends of local calls whose arguments are no JSON; empty if the answer failed otherwise."""
        open_ = [call for call in self._step.tool_calls() if call.arguments is None]
        if end.code != InvalidToolArguments.code or not open_ or not all(call.runs_here for call in open_):
            return []
        return [ToolCallCompleted(self._indexes[call.id], call.text) for call in open_]

    # The calls of a step

    def _run_calls(self, calls: Sequence[ToolCallBlock]) -> Generator[list[Event] | StreamMetadata, None, bool]:
        """Run the calls of the step that run here, and return whether somebody else must answer one of them."""
        to_run: list[LocalCall] = []
        has_waiting = False
        for block in calls:
            if not block.runs_here:
                has_waiting = True
                continue
            index = self._indexes[block.id]
            answer = self._prepared(block, index)
            if isinstance(answer, LocalCall):
                to_run.append(answer)
                continue
            has_waiting = has_waiting or isinstance(answer, ApprovalRequested)
            yield self._take([answer])
        for event in run_calls(to_run, self._options.tool_limits, self._options.enter):
            yield [event] if isinstance(event, ToolProgress) else self._take([event])
        return has_waiting

    def _prepared(self, block: ToolCallBlock, index: int) -> LocalCall | ToolResult | ApprovalRequested:
        tool = self._options.tools.get(block.name)
        if tool is None:
            names = ", ".join([*self._options.tools, *self._client_tools])
            return ToolResult(index, error=f"There is no tool {block.name!r:.100}. The tools are: {names:.2000}.")
        if not isinstance(block.arguments, dict):
            return ToolResult(index, error=f"The arguments are not one JSON object: {block.text!r:.500}.")
        call = LocalCall(tool, block.arguments, self._context(block.id, block.name), index)
        try:
            arguments = tool.arguments.convert(block.arguments)
        except ToolError as error:
            return error_result(call, error.message)
        if not self._must_be_approved(tool, arguments):
            return call
        return ApprovalRequested(
            index, self._options.approvals.request(self._link.stream_id, call_of(block), self._options.owner)
        )

    def _must_be_approved(self, tool: LocalTool[..., Any], arguments: Mapping[str, Any]) -> bool:
        try:
            return tool.must_be_approved(arguments)
        except Exception:
            log.exception(
                "stream %s: needs_approval of the tool %s failed: it needs it", self._link.stream_id, tool.name
            )
            return True

    def _context(self, call_id: str, name: str) -> ToolContext:
        options = self._options
        return ToolContext(
            stream_id=self._link.stream_id,
            call_id=call_id,
            tool_name=name,
            owner=options.owner,
            model=self._model,
            context=options.context,
        )

    # The calls of the question's messages

    def _answer_pending(self) -> Generator[list[Event] | StreamMetadata, None, tuple[Message, ...]]:
        """Run the calls that were approved, and return the results of all that were asked for, as messages."""
        pending = self._options.pending
        for each in pending:
            if each.tool is not None:
                self._options.approvals.use(each.call, each.approval)
        results: dict[str, ToolResult] = {}
        for each in pending:
            if each.tool is None:
                results[each.call.id] = denied = _denied(each)
                self._finished.append(denied)
                yield [denied]
        approved = [
            LocalCall(each.tool, each.call.arguments, self._context(each.call.id, each.call.name))
            for each in pending
            if each.tool is not None
        ]
        for event in run_calls(approved, self._options.tool_limits, self._options.enter):
            if isinstance(event, ToolResult):
                results[event.call_id or ""] = event
                self._finished.append(event)
            yield [event]
        return tuple([result_message(each.call.id, results[each.call.id]) for each in pending])


def _denied(pending: PendingCall) -> ToolResult:
    reason = pending.approval.reason
    error = f"{DENIED} Their reason: {reason}" if reason else DENIED
    return ToolResult(-1, error=error, call_id=pending.call.id, is_denied=True)
