"""The arguments of a function that is a tool: their JSON Schema, and their conversion. Pure.

msgspec knows most types; where one is a model of pydantic's, pydantic does the work.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, Optional, Protocol, get_args, get_type_hints

import msgspec

from ..core import exact_json
from ..providers.chat_request import Json
from .tool_error import ToolError


class Arguments(Protocol):
    """What a tool takes."""

    @property
    def schema(self) -> Json:
        """The JSON Schema of the arguments, an object."""
        ...

    def convert(self, arguments: Json) -> dict[str, Any]:
        """Return the values to call the tool with.

        Raises:
            ToolError: they do not fit; the message says what is wrong, for the model.
        """
        ...


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a tool's function; `default` is `inspect.Parameter.empty` if it has none."""

    name: str
    type: Any
    default: Any


def read_parameters(function: Callable[..., Any], name: str, left_out: type) -> tuple[list[Parameter], str | None]:
    """Return the parameters of a function that a model sets, and the name of the one of the type `left_out`.

    Args:
        function: The function.
        name: The name of its tool, for messages.
        left_out: The type, or None besides, of the parameter that the model does not set.

    Raises:
        TypeError: a model cannot set a parameter; the message names it.
    """
    try:
        hints = _read_hints(function)
        signature = inspect.signature(function)
    except (NameError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise TypeError(
            f"The tool {name} has type hints that cannot be read ({error}): define their types in the module."
        ) from None
    parameters: list[Parameter] = []
    context = None
    for place, (parameter_name, parameter) in enumerate(signature.parameters.items()):
        hint = hints.get(parameter_name, Any)
        if hint is left_out or left_out in get_args(hint):
            if context is not None:
                raise TypeError(
                    f"The tool {name} has two parameters that get its context: {context}, {parameter_name}."
                )
            context = parameter_name
        elif parameter.kind in {parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            bare = parameter.replace(annotation=parameter.empty, default=parameter.empty)
            raise TypeError(
                f"The tool {name} has the parameter {str(bare)!r}: a model sets arguments by their names, so "
                "write each one by name."
            )
        elif place == 0 and parameter_name in {"self", "cls"} and hint is Any:
            raise TypeError(
                f"The tool {name} is a method that belongs to no object yet: make a tool of the object's, "
                f"tool(the_object.{name})."
            )
        else:
            is_optional = parameter.default is None and parameter_name in hints
            parameters.append(Parameter(parameter_name, Optional[hint] if is_optional else hint, parameter.default))  # noqa: UP045  # any hint
    return parameters, context


def _read_hints(function: Any) -> dict[str, Any]:  # noqa: ANN401  # any callable
    """Return the type hints of the parameters of a callable. That of its result may name a type that is not there."""
    while isinstance(function, partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    function = inspect.unwrap(function)
    hints = {name: hint for name, hint in getattr(function, "__annotations__", {}).items() if name != "return"}
    read = SimpleNamespace(__annotations__=hints)
    return get_type_hints(read, globalns=getattr(function, "__globals__", {}), include_extras=True)


def build_arguments(name: str, parameters: list[Parameter], descriptions: Mapping[str, str]) -> Arguments:
    """Return the arguments of a tool.

    Args:
        name: The tool's name.
        parameters: The parameters of its function.
        descriptions: The descriptions of the parameters, by their names, for the model.

    Raises:
        TypeError: neither msgspec nor pydantic has a JSON Schema for the type of a parameter.
    """
    if any(_has_rules_of_pydantic(parameter.type) for parameter in parameters):
        return _PydanticArguments(name, parameters, descriptions)
    try:
        return _MsgspecArguments(parameters, descriptions)
    except (TypeError, ValueError, NotImplementedError) as error:
        fault = error
    try:
        return _PydanticArguments(name, parameters, descriptions)
    except Exception:  # noqa: BLE001  # pydantic has many; the one of msgspec names the type
        raise TypeError(
            f"The tool {name} has a parameter without a JSON Schema: {str(fault).splitlines()[-1]}."
        ) from None


def _has_rules_of_pydantic(hint: Any) -> bool:  # noqa: ANN401  # any type hint
    """Whether a type hint has rules in an `Annotated` that only pydantic keeps, such as `Field(ge=1)`."""
    rules = getattr(hint, "__metadata__", ())
    is_own = any(type(rule).__module__.partition(".")[0] in {"pydantic", "annotated_types"} for rule in rules)
    return is_own or any(_has_rules_of_pydantic(inner) for inner in get_args(hint))


class _MsgspecArguments:
    def __init__(self, parameters: list[Parameter], descriptions: Mapping[str, str]) -> None:
        fields = [_msgspec_field(parameter) for parameter in parameters]
        struct: Any = msgspec.defstruct("Arguments", fields, kw_only=True, forbid_unknown_fields=True)
        # Models write numbers as text now and then.
        self._decoder = msgspec.json.Decoder(struct, strict=False, float_hook=exact_json.parse_fraction)
        schema = msgspec.json.schema(struct)
        definitions = schema["$defs"]
        own_name = schema["$ref"].removeprefix("#/$defs/")  # longer if the type of a parameter has the same name
        self.schema = _described(definitions.pop(own_name), definitions, descriptions)
        self._names = [parameter.name for parameter in parameters]

    def convert(self, arguments: Json) -> dict[str, Any]:
        try:
            values = self._decoder.decode(exact_json.encode(arguments))
        except (msgspec.ValidationError, UnicodeError) as error:
            raise ToolError(f"The arguments do not fit: {error!s:.2000}.") from None
        return {name: getattr(values, name) for name in self._names}


def _msgspec_field(parameter: Parameter) -> tuple[str, Any] | tuple[str, Any, Any]:
    if parameter.default is inspect.Parameter.empty:
        return (parameter.name, parameter.type)
    if isinstance(parameter.default, (list, dict, set, bytearray)) and parameter.default:
        copied = parameter.default
        return (parameter.name, parameter.type, msgspec.field(default_factory=copied.copy))
    return (parameter.name, parameter.type, parameter.default)


class _PydanticArguments:
    def __init__(self, name: str, parameters: list[Parameter], descriptions: Mapping[str, str]) -> None:
        import pydantic  # noqa: PLC0415  # most tools do without it

        fields: dict[str, Any] = {
            parameter.name: (
                parameter.type,
                ... if parameter.default is inspect.Parameter.empty else parameter.default,
            )
            for parameter in parameters
        }
        self._model = pydantic.create_model(name, __config__=pydantic.ConfigDict(extra="forbid"), **fields)
        self._error = pydantic.ValidationError
        schema = self._model.model_json_schema()
        self.schema = _described(schema, schema.pop("$defs", {}), descriptions)
        self._names = [parameter.name for parameter in parameters]

    def convert(self, arguments: Json) -> dict[str, Any]:
        try:
            values = self._model.model_validate_json(exact_json.encode(arguments))
        except UnicodeError as error:
            raise ToolError(f"The arguments do not fit: {error}.") from None
        except self._error as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in error.errors()
            )
            raise ToolError(f"The arguments do not fit: {faults:.2000}.") from None
        return {name: getattr(values, name) for name in self._names}


def _described(schema: Json, definitions: Json, descriptions: Mapping[str, str]) -> Json:
    properties = {
        name: {"description": descriptions[name], **fields} if name in descriptions else fields
        for name, fields in schema.get("properties", {}).items()
    }
    kept = {name: value for name, value in schema.items() if name not in {"title", "description", "properties"}}
    return {**kept, "properties": properties, **({"$defs": definitions} if definitions else {})}
