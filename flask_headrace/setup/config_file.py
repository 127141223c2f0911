"""The TOML file of HEADRACE_CONFIG: model aliases with fallback chains, further upstreams, and the chat page.

This file reads and checks the TOML. `fallbacks.py` and `providers.py` build the objects that it describes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec

from ..core.errors import ConfigurationError
from .server_address import is_server_url
from .think_tags import think_tags_problem

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Capability = Literal["image_input", "pdf_input", "reasoning", "structured_outputs", "tools"]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[models.<alias>]`.

    Args:
        chain: The models, each as `provider/name`, in the order in which they are tried.
        weights: Relative frequency with which each model is tried first; empty to always use the order of the chain.
        context: Context window in tokens, by model; a model without an entry has no known limit.
        continues: The models that continue an answer if the request ends with the beginning of that answer.
        retries: How often a request to a model is repeated before its first token.
        retry_budget: Maximum seconds of all attempts before the first token together.
        first_token_timeout: Maximum seconds to the first token of a model that has a successor in the chain.
        on_divergence: What happens if a model failed in the middle of an answer and its successor begins the answer
            with other words: `restart` shows the new answer, `fail` ends the stream with an error.
    """

    chain: tuple[str, ...]
    weights: tuple[Weight, ...] = ()
    context: dict[str, Annotated[int, msgspec.Meta(gt=0)]] = {}  # msgspec gives each one of its own
    continues: tuple[str, ...] = ()
    retries: Count = 2
    retry_budget: Positive = 30.0
    first_token_timeout: Positive = 12.0
    on_divergence: Literal["restart", "fail"] = "restart"


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[upstreams.<name>]`.

    Args:
        kind: The API of the server, a key of `provider_kinds.KINDS`.
        base_url: The URL of the server. Its query, such as `?api-version=…`, is sent with every request.
        api_key_env: The name of the environment variable that contains the key; None for a server without keys.
        api_key_header: The name of the header that carries the key; None for the header that the API defines.
        context: Context window in tokens, by the server's name of the model, for the lists of models.
        capabilities: What models can do, by the server's name of the model: names of `model_info.CAPABILITIES`. A
            model with an entry has none of the others.
        passes: Of a request in the upstream's own protocol: `all`, also what this package does not know, or only what
            is `known`. Written `pass` in the file.
        refuse: Names of fields, and of types of tools, parts and items, that are refused with an error, such as
            `web_search` or `service_tier`. A name stands for its versions too, such as `web_search_20250305`.
        state: Whether clients may name what the upstream's server keeps, such as `previous_response_id`.
        think_tags: Pairs of an opening and a closing tag: what opens the text of an answer between them is reasoning.
            Empty to leave the text as it is; None for the usual ones, and for none if the server is OpenAI's or
            Anthropic's own.
        think_in_prompt: The models whose prompt ends with the opening tag, by the server's names; `*` for all.
    """

    kind: str
    base_url: str
    api_key_env: str | None = None
    api_key_header: str | None = None
    context: dict[str, Annotated[int, msgspec.Meta(gt=0)]] = {}
    capabilities: dict[str, tuple[Capability, ...]] = {}
    passes: Literal["known", "all"] = msgspec.field(default="all", name="pass")
    refuse: tuple[str, ...] = ()
    state: bool = False
    think_tags: tuple[tuple[str, str], ...] | None = None
    think_in_prompt: tuple[str, ...] = ()


class Config(NamedTuple):
    """The content of the file.

    Args:
        path: The path of the file, for messages; empty if there is no file.
        models: The aliases, by name.
        upstreams: The upstreams, by name.
        page: The options of the chat page, unchecked; see `ChatPage`.
    """

    path: str = ""
    models: Mapping[str, Alias] = {}
    upstreams: Mapping[str, Upstream] = {}
    page: Mapping[str, Any] = {}

    def error(self, table: str, message: str) -> ConfigurationError:
        """Return the error for a table, such as `models.smart`; `message` begins with the name of the key."""
        return ConfigurationError(f"{self.path}: in [{table}], {message}")


_FORMS = {
    "think_in_prompt": 'write it as a list of models, such as ["deepseek-r1"], or ["*"] for all.',
    "think_tags": 'write it as pairs of tags, such as [["<think>", "</think>"]], or as [] for none.',
}
"""How a key is written, for those whose type does not say it."""

_TABLES = {"models", "upstreams", "page"}
_NAME = re.compile(r"[^/\s]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

T = TypeVar("T", Alias, Upstream)


def read_config(path: str | None) -> Config:
    """Read and check the file.

    Args:
        path: The path of the file; None for an empty `Config`.

    Raises:
        ConfigurationError: the file cannot be read or has an invalid entry; the message names file, table and key.
    """
    if path is None:
        return Config()
    try:
        tables = msgspec.toml.decode(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"HEADRACE_CONFIG is {path!r}, which cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None
    if unknown := sorted(tables.keys() - _TABLES):
        raise ConfigurationError(
            f"{path}: {unknown[0]} is no table of this file: there are [models.…] and [upstreams.…], and [page]."
        )
    empty = Config(path)
    if not isinstance(page := tables.get("page", {}), dict):
        raise ConfigurationError(f"{path}: page is {page!r:.100}: write it as a table, [page].")
    config = Config(
        path, _parse_tables(empty, tables, "models", Alias), _parse_tables(empty, tables, "upstreams", Upstream), page
    )
    for name, alias in config.models.items():
        _check_alias(config, f"models.{name}", alias)
    for name, upstream in config.upstreams.items():
        _check_upstream(config, f"upstreams.{name}", upstream)
    return config


def _parse_tables(config: Config, tables: dict[str, Any], kind: str, entry: type[T]) -> dict[str, T]:
    entries = tables.get(kind, {})
    if not isinstance(entries, dict):
        raise ConfigurationError(f"{config.path}: {kind} is {entries!r}: write it as tables, such as [{kind}.name].")
    parsed = {}
    for name, table in entries.items():
        if not isinstance(table, dict) or not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{config.path}: {kind} holds {name!r}: it holds tables alone, such as [{kind}.name], whose names have "
                "no slash and no blank."
            )
        parsed[name] = _parse_entry(config, f"{kind}.{name}", table, entry)
    return parsed


def _parse_entry(config: Config, where: str, table: dict[str, Any], entry: type[T]) -> T:
    known = entry.__struct_encode_fields__
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
            raise config.error(where, f"{key} is no key: {hint}")
    if missing := [field.name for field in msgspec.structs.fields(entry) if field.required and field.name not in table]:
        raise config.error(where, f"{missing[0]} is missing.")
    try:
        return msgspec.convert(table, entry)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$.")
        key = re.split(r"\W", path)[0]
        reason = message.replace("`", "").replace("Expected", "it must be")
        if message.startswith("Invalid enum value"):
            attribute = entry.__struct_fields__[known.index(key)]
            reason = f"it must be {' or '.join(_literals(get_type_hints(entry)[attribute]))}"
        raise config.error(where, f"{key} is {table[key]!r}: {_FORMS.get(key) or f'{reason}.'}") from None


def _literals(field_type: Any) -> list[str]:  # noqa: ANN401  # a type
    """Return the words of the `Literal` in a type."""
    parts = get_args(field_type)
    return [word for part in parts for word in ([part] if isinstance(part, str) else _literals(part))]


def _check_alias(config: Config, where: str, alias: Alias) -> None:
    if not alias.chain:
        raise config.error(where, "chain is empty: name at least one model, as provider/name.")
    for model in alias.chain:
        if not all(model.partition("/")):
            raise config.error(where, f"chain names {model!r}: write models as provider/name.")
        if alias.chain.count(model) > 1:
            raise config.error(where, f"chain names {model!r} twice: once is enough, retries says how often.")
    if alias.weights and len(alias.weights) != len(alias.chain):
        raise config.error(
            where, f"weights has {len(alias.weights)} numbers: one for each of {len(alias.chain)} models."
        )
    if alias.weights and not sum(alias.weights):
        raise config.error(where, "weights are all 0: give at least one model a weight above 0.")
    for key in ("context", "continues"):
        for model in getattr(alias, key):
            if model not in alias.chain:
                raise config.error(where, f"{key} names {model!r}, which is not in the chain.")


def _check_upstream(config: Config, where: str, upstream: Upstream) -> None:
    if not is_server_url(upstream.base_url):
        raise config.error(where, "base_url is no address: write it as https://host/path.")
    if upstream.api_key_header is not None and upstream.api_key_env is None:
        raise config.error(
            where, "api_key_header is set, and api_key_env is not: name the variable that holds the key."
        )
    if upstream.api_key_header is not None and not _HEADER.fullmatch(upstream.api_key_header):
        raise config.error(where, f"api_key_header is {upstream.api_key_header!r}: no header has such a name.")
    if problem := think_tags_problem(upstream.think_tags or ()):
        raise config.error(where, f"think_tags {problem}")
    if upstream.think_tags == () and upstream.think_in_prompt:
        raise config.error(
            where, "think_in_prompt is set, and think_tags is []: name the tags, or leave one of the two out."
        )
