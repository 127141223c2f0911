"""The file that HEADRACE_CONFIG names: chains of models under names of their own, and further upstreams.

Read and checked here; what it names is made in `upstreams.py` and `chains.py`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_type_hints

import msgspec

from ..core.errors import ConfigurationError
from .server_address import is_address

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[models.<alias>]`.

    Args:
        chain: The models that are asked, each as `provider/name`, one after another.
        weights: How often each of them is asked first; empty for always in this order.
        context: How many tokens each of them can hold, where that is known.
        continues: Those that go on with an answer whose beginning stands at the question's end.
        retries: How often a model is asked again before its first token.
        retry_budget: Seconds that all attempts before the first token may take together.
        first_token_timeout: Seconds to the first token of a model where another can take over.
        on_divergence: What becomes of an answer that broke off where the next model tells it otherwise.
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
        kind: Which API it speaks.
        base_url: Its address. A query in it, such as `?api-version=…`, is sent with every request.
        api_key_env: The environment variable that holds its key; None where it needs none.
        api_key_header: The header in which the key is sent; None for the API's own.
    """

    kind: str
    base_url: str
    api_key_env: str | None = None
    api_key_header: str | None = None


class Config(NamedTuple):
    """What the file holds. `path` is how messages name it."""

    path: str = ""
    models: Mapping[str, Alias] = {}
    upstreams: Mapping[str, Upstream] = {}

    def mistake(self, table: str, told: str) -> ConfigurationError:
        """Return the error for what is wrong in a table, such as `models.smart`; `told` begins with the key."""
        return ConfigurationError(f"{self.path}: in [{table}], {told}")


_KINDS = {"models": Alias, "upstreams": Upstream}
_NAME = re.compile(r"[^/\s]+")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

T = TypeVar("T", Alias, Upstream)


def read_config(path: str | None) -> Config:
    """Read the file.

    Args:
        path: Where it is; None for no file, which is an empty one.

    Raises:
        ConfigurationError: it cannot be read, or has a mistake in it; the message names file, table and key.
    """
    if path is None:
        return Config()
    try:
        tables = msgspec.toml.decode(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"HEADRACE_CONFIG is {path!r}, which cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from None
    if unknown := sorted(tables.keys() - _KINDS.keys()):
        raise ConfigurationError(f"{path}: {unknown[0]} is no table of it: there are [models.…] and [upstreams.…].")
    empty = Config(path)
    config = Config(path, _read(empty, tables, "models", Alias), _read(empty, tables, "upstreams", Upstream))
    for name, alias in config.models.items():
        _check_alias(config, f"models.{name}", alias)
    for name, upstream in config.upstreams.items():
        _check_upstream(config, f"upstreams.{name}", upstream)
    return config


def _read(config: Config, tables: dict[str, Any], kind: str, entry: type[T]) -> dict[str, T]:
    named = tables.get(kind, {})
    if not isinstance(named, dict):
        raise ConfigurationError(f"{config.path}: {kind} is {named!r}: write it as tables, such as [{kind}.name].")
    found = {}
    for name, table in named.items():
        if not isinstance(table, dict) or not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{config.path}: {kind} holds {name!r}: it holds tables alone, such as [{kind}.name], whose names have "
                "no slash and no blank."
            )
        found[name] = _entry(config, f"{kind}.{name}", table, entry)
    return found


def _entry(config: Config, where: str, table: dict[str, Any], entry: type[T]) -> T:
    known = entry.__struct_fields__
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise config.mistake(where, f"{key} is no key: {hint}")
    if missing := [field.name for field in msgspec.structs.fields(entry) if field.required and field.name not in table]:
        raise config.mistake(where, f"{missing[0]} is missing.")
    try:
        return msgspec.convert(table, entry)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$.")
        key = re.split(r"\W", place)[0]
        reason = said.replace("`", "").replace("Expected", "it must be")
        if said.startswith("Invalid enum value"):
            reason = f"it must be {' or '.join(get_args(get_type_hints(entry)[key]))}"
        raise config.mistake(where, f"{key} is {table[key]!r}: {reason}.") from None


def _check_alias(config: Config, where: str, alias: Alias) -> None:
    if not alias.chain:
        raise config.mistake(where, "chain is empty: name at least one model, as provider/name.")
    for model in alias.chain:
        if not all(model.partition("/")):
            raise config.mistake(where, f"chain names {model!r}: write models as provider/name.")
        if alias.chain.count(model) > 1:
            raise config.mistake(where, f"chain names {model!r} twice: once is enough, retries says how often.")
    if alias.weights and len(alias.weights) != len(alias.chain):
        raise config.mistake(
            where, f"weights has {len(alias.weights)} numbers: one for each of {len(alias.chain)} models."
        )
    if alias.weights and not sum(alias.weights):
        raise config.mistake(where, "weights are all 0: one of the models must be the first to be asked.")
    for key in ("context", "continues"):
        for model in getattr(alias, key):
            if model not in alias.chain:
                raise config.mistake(where, f"{key} names {model!r}, which is not in the chain.")


def _check_upstream(config: Config, where: str, upstream: Upstream) -> None:
    if not is_address(upstream.base_url):
        raise config.mistake(where, "base_url is no address: write it as https://host/path.")
    if upstream.api_key_header is not None and upstream.api_key_env is None:
        raise config.mistake(
            where, "api_key_header is set, and api_key_env is not: name the variable that holds the key."
        )
    if upstream.api_key_header is not None and not _HEADER.fullmatch(upstream.api_key_header):
        raise config.mistake(where, f"api_key_header is {upstream.api_key_header!r}: no header has such a name.")
