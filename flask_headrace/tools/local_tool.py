"""Functions that models may call: the decorator `tool`, and what a tool gets beside its arguments."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, ParamSpec, TypeAlias, TypeVar, overload

import docstring_parser

from ..core.errors import ConfigurationError
from ..providers.chat_request import Json, Tool
from .tool_arguments import Arguments, build_arguments, read_parameters
from .tool_options import check_approval_rule, check_timeout

P = ParamSpec("P")
R = TypeVar("R")

NeedsApproval: TypeAlias = bool | Callable[..., bool]
"""Whether a person must approve each call; or a function that returns this, given the arguments of the call by name."""

log = logging.getLogger("flask_headrace")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_name(name: str) -> str:
    """Return the name of a tool.

    Raises:
        TypeError: models cannot call it.
    """
    if not _NAME.fullmatch(name):
        raise TypeError(
            f"A tool's name is {name!r:.100}: it must be 1 to 64 letters, digits, hyphens or underscores; "
            "tool(name=…) gives it another one."
        )
    return name


class ToolContext:
    """What a tool knows of the answer in which it is called. A parameter of the tool with this type gets it.

    A test of a tool may make one.

    Args:
        stream_id: The id of the stream.
        call_id: The id of the call.
        tool_name: The name under which the model has called the tool.
        owner: The id of the user who asks; empty for no owner.
        model: The model that is asked, as readers name it.
        context: The value that the view has passed as `context`; None for none.
        max_result_bytes: The bytes that the result may have as JSON.

    Attributes:
        is_stopped: Whether the call has been given up: the answer was stopped, its reader has left, or the call took
            too long. A tool that waits is interrupted then; one that computes for long can look here.
    """

    __slots__ = ("call_id", "context", "is_stopped", "max_result_bytes", "model", "owner", "stream_id", "tool_name")

    def __init__(  # noqa: PLR0913  # by name
        self,
        *,
        stream_id: str = "",
        call_id: str = "",
        tool_name: str = "",
        owner: str = "",
        model: str = "",
        context: Any = None,  # noqa: ANN401  # the application's own
        max_result_bytes: int = 262144,
    ) -> None:
        self.stream_id, self.call_id, self.tool_name = stream_id, call_id, tool_name
        self.owner, self.model, self.context = owner, model, context
        self.max_result_bytes = max_result_bytes
        self.is_stopped = False

    def __repr__(self) -> str:
        return f"<ToolContext {self.tool_name} {self.call_id}>"


class LocalTool(Generic[P, R]):
    """A tool that runs here, as `tool` makes it. Called like its function, it calls the function.

    Args:
        function: The function.
        name: The tool's name, for models.
        description: What the tool does, for models; None for no description.
        arguments: The JSON Schema of the arguments, and their conversion.
        context_name: The name of the parameter that gets the `ToolContext`; None for no such parameter.
        needs_approval: See `tool`.
        timeout: See `tool`.
        strict: See `tool`.

    Raises:
        TypeError: the name is none that models can call, or the timeout is no number of seconds.
    """

    def __init__(  # noqa: PLR0913  # by name
        self,
        function: Callable[P, R],
        *,
        name: str,
        description: str | None,
        arguments: Arguments,
        context_name: str | None = None,
        needs_approval: NeedsApproval = False,
        timeout: float | None = None,
        strict: bool | None = None,
    ) -> None:
        check_name(name)
        check_timeout(name, timeout)
        self.function, self.name, self.description = function, name, description
        self.arguments, self.context_name = arguments, context_name
        self.needs_approval, self.strict = needs_approval, strict
        self.timeout = None if timeout is None else float(timeout)
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self.name}>"

    def declaration(self) -> Tool:
        """Return the tool's name, description and schema, as a request to a model declares them."""
        return Tool(self.name, self.description, self.arguments.schema, self.strict)

    def must_be_approved(self, arguments: Mapping[str, Any]) -> bool:
        """Return whether a person must approve a call.

        Args:
            arguments: The arguments of the call, converted to the types of the parameters, by their names.
        """
        return self.needs_approval(**arguments) if callable(self.needs_approval) else bool(self.needs_approval)


@overload
def tool(function: Callable[P, R], /) -> LocalTool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    strict: bool | None = None,
) -> Callable[[Callable[P, R]], LocalTool[P, R]]: ...


def tool(  # noqa: PLR0913  # by name
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    strict: bool | None = None,
) -> LocalTool[P, R] | Callable[[Callable[P, R]], LocalTool[P, R]]:
    """Make a function a tool, which models may call: a decorator, with or without arguments.

    The type hints of the function say which arguments it takes, and its docstring tells models what it does, and what
    its arguments are (in the form of Google, NumPy, Sphinx or Epydoc). Arguments are checked and converted before the
    call. What it returns is sent to the model as JSON; what it raises is not, except the message of a `ToolError`.

    A generator shows readers the values that it yields, each when the next one follows or after 0.2 seconds; the last
    one is the result. An `async def` function, or async generator, runs in the event loop of the agents.

    Args:
        function: The function. A parameter with the type `ToolContext`, or `ToolContext | None`, gets what the tool
            knows of the answer; the model does not see it.
        name: The name for models: 1 to 64 letters, digits, hyphens and underscores; None for the function's.
        description: What the tool does, for models; None for the docstring, without its sections.
        needs_approval: Whether a person must approve each call; or a function that returns this, given the arguments of
            the call by name. The application needs a SECRET_KEY then.
        timeout: Maximum seconds of a call; None for HEADRACE_TOOL_TIMEOUT.
        strict: Whether the provider enforces the schema of the arguments; None for the provider's default.

    Returns:
        The tool, which can be called like the function; or, if only options are given, the decorator that makes it.

    Raises:
        TypeError: the function cannot be a tool; the message says why.
    """

    def make(function: Callable[P, R]) -> LocalTool[P, R]:
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"{function!r:.100} is no function: write @tool above a function.")
        own_name = check_name(name or str(getattr(function, "__name__", type(function).__name__)))
        documented = docstring_parser.parse(inspect.getdoc(function) or "")
        parameters, context_name = read_parameters(function, own_name, ToolContext)
        check_approval_rule(own_name, needs_approval, [parameter.name for parameter in parameters])
        described = {found.arg_name: found.description for found in documented.params if found.description}
        sections = (documented.short_description, documented.long_description)
        return LocalTool(
            function,
            name=own_name,
            description=description or "\n\n".join([text for text in sections if text]) or None,
            arguments=build_arguments(own_name, parameters, described),
            context_name=context_name,
            needs_approval=needs_approval,
            timeout=timeout,
            strict=strict,
        )

    return make if function is None else make(function)


class GivenArguments:
    """Arguments whose JSON Schema somebody else has made and checks. The function gets them as one, `arguments`.

    Args:
        schema: The JSON Schema.
    """

    def __init__(self, schema: Json) -> None:
        self.schema = schema

    def convert(self, arguments: Json) -> dict[str, Any]:
        """Return the arguments as they are, under one name: theirs may be any text."""
        return {"arguments": arguments}


class Progress(NamedTuple):
    """What a tool's generator yields to show it at once: of other values, the last one may be the result.

    Args:
        value: What is shown.
    """

    value: Any


class ToolSource:
    """Base class of objects that offer tools, whose list may change from question to question, such as `MCPServer`.

    Pass an instance in `tools`, like a function.
    """

    needs_approval: object = False
    """Whether calls of its tools may need approval, for which the application needs a `SECRET_KEY`."""

    def tools(self) -> Sequence[LocalTool[..., Any]]:
        """Return the tools that there are now. Called in each request whose question is offered the tools."""
        raise NotImplementedError


ToolLike: TypeAlias = LocalTool[..., Any] | ToolSource | Callable[..., Any]
"""What an application passes in `tools`: a tool, a source of tools, or a function, of which `tool` makes a tool."""


def local_tools(items: Sequence[ToolLike]) -> dict[str, LocalTool[..., Any]]:
    """Return tools by their names: the application's own, and then those of sources, as far as their names are free.

    A source, such as a server of somebody else, may get a further tool at any time. It can neither take the place of
    a tool before it, nor end an answer by that.

    Raises:
        ConfigurationError: two of the application's own tools have the same name.
    """
    found: dict[str, LocalTool[..., Any]] = {}
    for item in items:
        if not isinstance(item, ToolSource):
            own = _to_tool(item)
            if own.name in found:
                raise ConfigurationError(f"Two tools have the name {own.name!r}: give each tool a name of its own.")
            found[own.name] = own
    for source in items:
        if isinstance(source, ToolSource):
            for each in source.tools():
                if each.name in found:
                    _log_once(f"the tool {each.name} of {source!r} is left out: another tool has this name")
                found.setdefault(each.name, each)
    return found


@lru_cache(1000)
def _log_once(message: str) -> None:
    log.warning("%s", message)


def _to_tool(item: LocalTool[..., Any] | Callable[..., Any]) -> LocalTool[..., Any]:
    return item if isinstance(item, LocalTool) else tool(item)
