"""What becomes of a tool call that runs here: it runs, must be approved, or is told to the model as wrong."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from ..core.answer import ToolCallBlock
from ..core.application_events import ApprovalRequested, ToolResult
from ..core.json_depth import MAX_TOOL_DEPTH, is_deeper
from ..providers.answer_messages import call_of
from ..providers.chat_request import Json
from ..tools.local_tool import LocalTool, ToolContext
from ..tools.running import LocalCall, error_result
from ..tools.tool_error import ToolError
from ..tools.tool_result import error_text
from .step_options import StepOptions

CANNOT_ASK = "The tool did not run: a person must approve the call, and nobody can be asked here."

log = logging.getLogger("flask_headrace")


def prepare_call(
    block: ToolCallBlock, index: int, options: StepOptions, client_tools: Collection[str], context: ToolContext
) -> LocalCall | ToolResult | ApprovalRequested:
    """Return the call to run, or its result if it does not run, or that it must be approved.

    Args:
        block: The call, as the model has made it.
        index: The number of the call within the answer.
        options: The tools, and what can be asked.
        client_tools: The names of the tools that the client runs.
        context: What the tool is told.

    Raises:
        StoreUnavailable: the store cannot remember that the approval was asked for.
    """
    tool = options.tools.get(block.name)
    if tool is None:
        names = ", ".join([*options.tools, *client_tools])
        return ToolResult(index, error=f"There is no tool {block.name!r:.100}. The tools are: {names:.2000}.")
    if fault := _fault_of_arguments(block):
        return ToolResult(index, error=fault)
    call = LocalCall(tool, block.arguments, context, index)
    try:
        if not _must_be_approved(tool, block.arguments, context.stream_id):
            return call
    except ToolError as error:
        return error_result(call, error_text(error.message, options.tool_limits.result_bytes))
    if not options.can_ask:
        return error_result(call, CANNOT_ASK)
    return ApprovalRequested(index, options.approvals.request(context.stream_id, call_of(block), options.owner))


def _fault_of_arguments(block: ToolCallBlock) -> str | None:
    if not isinstance(block.arguments, dict):
        return f"The arguments are not one JSON object: {block.text!r:.500}."
    if is_deeper(block.arguments, MAX_TOOL_DEPTH):
        return f"The arguments have more than {MAX_TOOL_DEPTH} levels of arrays and objects."
    return None


def _must_be_approved(tool: LocalTool[..., Any], arguments: Json, stream_id: str) -> bool:
    """Whether a person must approve a call.

    Raises:
        ToolError: the arguments do not fit, so that nobody need be asked.
    """
    if not tool.needs_approval:
        return False
    try:
        return tool.must_be_approved(tool.arguments.convert(arguments))
    except ToolError:
        raise
    except Exception:
        log.exception(
            "stream %s: needs_approval of the tool %s failed, so the call needs an approval", stream_id, tool.name
        )
        return True
