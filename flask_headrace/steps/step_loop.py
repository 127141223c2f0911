"""The source of an answer in several steps: a model is asked, its tool calls run, and it is asked again.

It ends when the model answers without calling a tool that runs here, or calls one that somebody else must answer: a
tool of the client's, or a call that must be approved.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from ..core.answer import CollectedAnswer, ToolCallBlock
from ..core.application_events import ApprovalRequested, StepStarted, ToolProgress, ToolResult
from ..core.errors import HeadraceError, InvalidToolArguments
from ..core.events import (
    AnswerRestarted,
    Completed,
    Event,
    ModelSelected,
    StreamMetadata,
    TextDelta,
    ToolCallCompleted,
    ToolCallStarted,
)
from ..core.source_link import LinkOpened, SourceLink
from ..providers.answer_messages import answer_messages, result_message
from ..providers.base import Provider
from ..providers.chat_request import ChatRequest, Message
from ..providers.tool_approval import denial
from ..tools.local_tool import ToolContext
from ..tools.running import LocalCall, run_calls
from .document_text import DocumentText
from .pending_calls import PendingCall, with_results
from .prepared_calls import prepare_call
from .question import ModelQuestion, failure_of
from .replay import step_events
from .step_options import StepOptions

FINISHED = frozenset({"length", "content_filter", "pause"})
"""Finish reasons with which an answer ends even if it has tool calls: some of them may be missing."""

TOO_MANY_STEPS = "The tool did not run: the answer has reached its maximum of steps."

CALLED_BEHIND_TEXT = "called_tools"
"""The reason of an `AnswerRestarted` if a model calls tools behind what looked like the document of the answer."""

Batches: TypeAlias = Iterator[list[Event] | StreamMetadata]


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
        self._link = SourceLink(has_only_questions=True)
        # Some models number their calls anew in each answer.
        self._link.call_ids.update([call.id for message in request.messages for call in message.tool_calls])
        self._client_tools = _declared_names(request) - options.tools.keys()
        self._finished: list[Event] = []  # the events of the steps that have ended
        self._step = CollectedAnswer()
        self._indexes: dict[str, int] = {}  # of the step's calls, by their ids
        self._document: DocumentText | None = None  # of the step, if the answer must be a document

    def batches(self) -> Batches:
        """Yield the events of all steps."""
        yield LinkOpened(self._link)
        messages = self._request.messages
        if self._options.pending:
            messages = with_results(messages, (yield from self._answer_pending()))
            yield self._finish_step()
        for number in range(self._options.max_steps + 1):
            # Without tools that run here, the first answer is the last one, whatever it calls.
            is_last = number == self._options.max_steps and bool(self._options.tools)
            end = yield from self._ask(messages, is_last=is_last)
            calls = self._step.tool_calls()
            has_ended = not calls or end.finish_reason in FINISHED
            if self._document is not None:
                yield self._document.rest() if has_ended else self._void_text()
            if has_ended:
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
        self._document = DocumentText() if request.response_format is not None and self._options.tools else None
        question = ModelQuestion(self._provider, request, self._model, self._link, self._options.question_limits)
        failure: HeadraceError | None
        try:
            for batch in question.batches():
                yield batch if isinstance(batch, ModelSelected) else self._take(batch)
            failure = failure_of(question.end, self._model)
        except InvalidToolArguments as error:  # found before the end of the answer
            failure = error
        if failure is None:
            assert isinstance(question.end, Completed)
            return question.end
        if failure.code != InvalidToolArguments.code or not (broken := self._broken_calls()):
            raise failure
        yield self._take(broken)
        return Completed("tool_calls")

    def _take(self, events: list[Event]) -> list[Event]:
        """Add events to the step, and return what readers get."""
        marked = [self._marked(event) for event in events]
        self._step.add(marked)
        if self._document is not None:
            marked = self._document.visible(marked)
        restarts = [place for place, event in enumerate(marked) if isinstance(event, AnswerRestarted)]
        if restarts:
            place = restarts[-1]
            finished = sum([type(event) is StepStarted for event in self._finished])
            restart = replace(marked[place], finished_steps=finished)
            return [restart, *self._finished, *marked[place + 1 :]]
        return marked

    def _void_text(self) -> list[Event]:
        """Return the events that void the text of the step, which is none of the document, if readers have got it."""
        if self._document is None or not self._document.is_shown:
            return []
        return [AnswerRestarted(CALLED_BEHIND_TEXT, self._model), *self._finished, *self._step_events()]

    def _finish_step(self) -> list[Event]:
        self._finished += [*self._step_events(), StepStarted()]
        return [StepStarted()]

    def _step_events(self) -> list[Event]:
        events = step_events(self._step, self._indexes)
        return [event for event in events if self._document is None or not isinstance(event, TextDelta)]

    def _marked(self, event: Event) -> Event:
        if not isinstance(event, ToolCallStarted):
            return event
        self._indexes[event.id] = event.index
        is_client_tool = not self._options.tools or event.name in self._client_tools
        return event if is_client_tool else replace(event, runs_here=True)

    def _broken_calls(self) -> list[Event]:
        """Return the ends of the calls that have none, because of their arguments; empty if one is the client's."""
        open_ = [call for call in self._step.tool_calls() if call.arguments is None]
        if not all(call.runs_here for call in open_):
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
            answer = prepare_call(block, index, self._options, self._client_tools, self._context(block.id, block.name))
            if isinstance(answer, LocalCall):
                to_run.append(answer)
                continue
            has_waiting = has_waiting or isinstance(answer, ApprovalRequested)
            yield self._take([answer])
        for event in run_calls(to_run, self._options.tool_limits, self._options.enter, self._link):
            yield [event] if isinstance(event, ToolProgress) else self._take([event])
        return has_waiting

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
        self._options.approvals.use([(each.call, each.approval) for each in pending])
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
        for event in run_calls(approved, self._options.tool_limits, self._options.enter, self._link):
            if isinstance(event, ToolResult):
                results[event.call_id or ""] = event
                self._finished.append(event)
            yield [event]
        return tuple([result_message(each.call.id, results[each.call.id]) for each in pending])


def _declared_names(request: ChatRequest) -> set[str]:
    """Return the names of the tools of a request, with those that only the protocol of its client knows."""
    sent = () if request.source is None else request.source.fields.get("tools") or ()
    names = [item.get("name") for item in sent if isinstance(item, dict)]
    return {*[tool.name for tool in request.tools], *[name for name in names if isinstance(name, str)]}


def _denied(pending: PendingCall) -> ToolResult:
    error = denial(pending.approval.reason)
    return ToolResult(-1, error=error, call_id=pending.call.id, is_denied=True)
