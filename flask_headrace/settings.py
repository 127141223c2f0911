"""The settings of a service: what there is, what it means, and the one place where it is read.

Every setting is a field of `Settings`; in the environment, and in `app.config`, which goes first, its name is
`HEADRACE_` and the field's in capitals. Durations are seconds, sizes are bytes, and an empty value of an optional one
disables it.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from .core.errors import ConfigurationError
from .setup.server_address import is_key
from .streaming.context import StreamLimits

PREFIX = "HEADRACE_"

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:/,]+):(?P<port>[0-9]{1,5})")

POSITIVE = (
    "heartbeat", "connect_timeout", "first_token_timeout", "stall_timeout", "max_duration", "client_timeout",
    "buffer", "max_streams", "max_streams_per_owner", "max_body", "store_stream", "store_total", "retention",
)  # fmt: skip
"""Settings for which 0 makes no sense."""

DAY = 86_400.0
MOST = {
    "heartbeat": DAY, "connect_timeout": DAY, "first_token_timeout": DAY, "stall_timeout": DAY, "max_duration": DAY,
    "client_timeout": DAY, "resume_grace": DAY, "retention": 30 * DAY, "drain": DAY, "buffer": 2**30, "max_body": 2**30,
    "store_stream": 2**40, "store_total": 2**50, "max_streams": 1_000_000, "max_streams_per_owner": 1_000_000,
    "retries": 100,
}  # fmt: skip
"""What settings may be at most: more than anybody needs, and no more than the kernel and gunicorn take."""

FORMS = {
    "hosts": (re.compile(r"[^\s/:@\[\]]+"), "a name alone, as in chat.example: no scheme, port or path"),
    "cors_origins": (
        re.compile(r"[A-Za-z][\w+.-]*://[^\s/*]+|null"),
        "an origin as browsers send it, as in https://app.example: no path, and no slash at its end",
    ),
}
"""How each entry of a list must look: one that looks otherwise would never be met, and nobody would know why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a service behaves.

    Args:
        bind: Address of the service, `host:port` or `unix:path`; several are separated by commas.
        config: Path of a TOML file with chains of models and further upstreams; None for none.
        model: The model that is asked where a request names none, as `provider/name` or an alias of that file; None
            takes the first model of the first provider that is set up: OpenAI, Anthropic, those of the file, the
            application's own, the embedded one.
        heartbeat: Seconds of silence before a heartbeat; None sends none.
        connect_timeout: Seconds that a connection to an upstream may take.
        first_token_timeout: Seconds from the request to the first token; None for ever.
        stall_timeout: Seconds that the upstream may be silent after that; None for ever.
        max_duration: Seconds that an answer may take; None for ever.
        client_timeout: Seconds in which a reader must accept something, and a request's body must have arrived; None
            for ever.
        buffer: Bytes that a stream may be ahead of its slowest reader before the upstream waits.
        store: Where resumable streams are kept: `memory`, `sqlite:///path`, `redis://host:port/db`, or as
            `redis+cluster://…` and `redis+sentinel://…/service` name several servers; None for memory
            with one worker, and for a file of this machine's with several.
        store_stream: Bytes of events that one resumable stream may have there.
        store_total: Bytes of events of all of them together.
        resume_grace: Seconds that a resumable stream goes on without a reader.
        retention: Seconds for which a finished resumable stream can be read again.
        max_streams: Open streams on one worker; the next request gets 503.
        max_streams_per_owner: Those of them that one who asks with a key, or whom `authorize` names, may have; the
            next request gets 429. None for a quarter of them, and at least one.
        max_body: Bytes that a request's body may have.
        retries: How often the SDK asks an upstream again before the first token, after an error that may pass.
        drain: Seconds that shutdown lets streams finish.
        api_keys: Bearer keys that may ask, separated by commas; empty is for a loopback address only.
        hosts: Names other than localhost under which a service without keys may be asked, separated by commas.
        cors_origins: Origins of other web sites that may ask, separated by commas, such as `https://app.example`.
        schemas: Folder of the JSON Schemas that `/ai/object/NAME` asks for, each in a file NAME.json; None for none.
        local: Whether the embedded model is offered.
        local_model: Path of another GGUF file for it; None takes the small one that is installed with it.
    """

    bind: str = "127.0.0.1:8000"
    config: str | None = None
    model: str | None = None
    heartbeat: float | None = 15.0
    connect_timeout: float = 5.0
    first_token_timeout: float | None = 60.0
    stall_timeout: float | None = 60.0
    max_duration: float | None = 600.0
    client_timeout: float | None = 30.0
    buffer: int = 262144
    store: str | None = None
    store_stream: int = 8388608
    store_total: int = 536870912
    resume_grace: float = 30.0
    retention: float = 300.0
    max_streams: int = 10000
    max_streams_per_owner: int | None = None
    max_body: int = 1048576
    retries: int = 0
    drain: float = 30.0
    api_keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    schemas: str | None = None
    local: bool = True
    local_model: str | None = None

    @classmethod
    def from_app_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read the `HEADRACE_*` entries of `app.config`, and those of the environment that are not there.

        Raises:
            ConfigurationError: see `from_mapping`.
        """
        return cls.from_mapping({**_ours(os.environ), **_ours(config)})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Read the `HEADRACE_*` entries of the environment alone, or of any other mapping.

        Raises:
            ConfigurationError: an unknown name, or a value that is not what its setting takes; the message names it.
        """
        hints = get_type_hints(cls)
        given = {}
        for name, value in _ours(values).items():
            field = name.removeprefix(PREFIX).lower()
            if field not in hints:
                raise ConfigurationError(_unknown(name))
            given[field] = _read(name, value, hints[field])
        settings = cls(**given)
        settings.validate()
        return settings

    def validate(self) -> None:
        """Check what the single values cannot tell.

        Raises:
            ConfigurationError: a value is out of its range.
        """
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{PREFIX}{name.upper()} is {value:g}: it must be more than 0.")
        for name, most in MOST.items():
            value = getattr(self, name)
            if value is not None and value > most:
                raise ConfigurationError(f"{PREFIX}{name.upper()} is {value}: it may be {most:.15g} at most.")
        self._validate_lists()
        for address in self.bind.split(","):
            if not is_bind(address.strip()):
                raise ConfigurationError(
                    f"{PREFIX}BIND has the address {address.strip()!r}: it must be host:port with a port up to 65535 "
                    "or unix:path; several are separated by commas."
                )
        for key in self.api_keys:
            if not is_key(key):
                # The key itself is not shown.
                raise ConfigurationError(
                    f"{PREFIX}API_KEYS has a key of {len(key)} characters that clients cannot send: write it in ASCII, "
                    "without blanks around it."
                )
        if self.model is not None and "/" not in self.model and self.config is None:
            raise ConfigurationError(f"{PREFIX}MODEL is {self.model!r}: write it as provider/name.")

    def _validate_lists(self) -> None:
        for name, (form, told) in FORMS.items():
            for entry in getattr(self, name):
                if not form.fullmatch(entry):
                    raise ConfigurationError(f"{PREFIX}{name.upper()} has {entry!r}: write {told}.")

    def limits(self) -> StreamLimits:
        """Return the bounds of each stream."""
        return StreamLimits(
            heartbeat=self.heartbeat,
            first_token=self.first_token_timeout,
            stall=self.stall_timeout,
            duration=self.max_duration,
            client=self.client_timeout,
            max_buffer_bytes=self.buffer,
            grace=self.resume_grace,
            max_stored_bytes=self.store_stream,
        )


def _ours(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name.startswith(PREFIX)}


def is_bind(address: str) -> bool:
    """Whether gunicorn can listen at an address as it is written: `host:port`, `[::1]:port`, `unix:path` or `fd://n`."""
    if address.startswith("unix:"):
        return bool(address.removeprefix("unix:").lstrip("/"))
    if address.startswith("fd://"):
        return address.removeprefix("fd://").isdecimal()
    found = _ADDRESS.fullmatch(address.removeprefix("tcp://"))
    return found is not None and 0 < int(found["port"]) < 65536


def is_on_loopback(bind: str) -> bool:
    """Whether only this machine can reach an address, or each of them where there are several."""
    return all(_is_loopback(address.strip()) for address in bind.split(","))


def _is_loopback(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    address = address.removeprefix("tcp://")
    host = address[1:].partition("]")[0] if address.startswith("[") else address.partition(":")[0]
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unknown(name: str) -> str:
    known = [field.name.upper() for field in fields(Settings)]
    # Without the prefix: what all of them share makes any name look like any other.
    close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
    hint = f"did you mean {PREFIX}{close[0]}?" if close else f"there are {', '.join(PREFIX + name for name in known)}."
    return f"{name} is no setting: {hint}"


def _read(name: str, value: Any, hint: Any) -> Any:  # noqa: ANN401  # a value of any setting
    is_optional = get_origin(hint) is types.UnionType
    kind = next(arg for arg in get_args(hint) if arg is not types.NoneType) if is_optional else hint
    if is_optional and value in ("", None):
        return None
    kind = get_origin(kind) or kind
    try:
        read = _READERS[kind](value)
    except (TypeError, ValueError):
        read = None
    if read is None:
        none = ", or nothing at all to disable it" if is_optional else ""
        raise ConfigurationError(f"{name} is {value!r}: it must be {_TAKES[kind]}{none}.")
    return read


def _number(value: Any) -> float | None:  # noqa: ANN401
    number = float(value)
    return number if 0 <= number < float("inf") and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:  # noqa: ANN401
    number = int(str(value))
    return number if number >= 0 else None


def _flag(value: Any) -> bool | None:  # noqa: ANN401
    return {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }.get(str(value).lower())


def _list(value: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    items = value.split(",") if isinstance(value, str) else tuple(value or ())
    if not all(isinstance(item, str) for item in items):
        return None
    return tuple(item.strip() for item in items if item.strip())


def _text(value: Any) -> str | None:  # noqa: ANN401
    return str(value) or None if isinstance(value, (str, os.PathLike)) else None


_READERS: dict[type, Callable[[Any], Any]] = {
    float: _number, int: _whole, bool: _flag, tuple: _list, str: _text
}  # fmt: skip
_TAKES: dict[type, str] = {
    float: "a number of 0 or more",
    int: "a whole number of 0 or more",
    bool: "1 or 0",
    tuple: "a list, separated by commas",
    str: "text",
}
