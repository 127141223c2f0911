"""The settings of Headrace: their names, defaults and meanings, and how they are read.

Each setting is a field of `Settings`. Its name in the environment and in `app.config` is `HEADRACE_` and the name of
the field in capitals; `app.config` has precedence. Durations are in seconds and sizes in bytes. An empty value of an
optional setting disables it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from .core.errors import ConfigurationError
from .setup.listen_address import is_listen_address
from .setup.server_address import is_key
from .setup.setting_values import parse_setting
from .streaming.context import StreamLimits

PREFIX = "HEADRACE_"

POSITIVE = (
    "heartbeat", "connect_timeout", "first_token_timeout", "stall_timeout", "max_duration", "client_timeout",
    "body_timeout", "tool_timeout", "tool_result", "approval_timeout", "max_cost", "max_steps", "buffer",
    "max_streams", "max_streams_per_owner", "max_content_length", "max_text_length", "max_body_memory", "store_stream",
    "store_total", "retention",
)  # fmt: skip
"""Settings that must be more than 0."""

DAY = 86_400.0  # seconds
MAX_VALUES = {
    "heartbeat": DAY, "connect_timeout": DAY, "first_token_timeout": DAY, "stall_timeout": DAY, "max_duration": DAY,
    "client_timeout": DAY, "body_timeout": DAY, "resume_grace": DAY, "retention": 30 * DAY, "drain": DAY,
    "tool_timeout": DAY, "approval_timeout": 30 * DAY, "max_steps": 1000, "tool_result": 2**30,
    "buffer": 2**30, "max_content_length": 2**30, "max_text_length": 2**30, "max_body_memory": 2**40,
    "store_stream": 2**40, "store_total": 2**50,
    "max_streams": 1_000_000, "max_streams_per_owner": 1_000_000, "max_retries": 100,
}  # fmt: skip
"""Upper limits of settings: more than anybody needs, and no more than the kernel and gunicorn accept."""

ENTRY_PATTERNS = {
    "trusted_hosts": (re.compile(r"[^\s/:@\[\]]+"), "a name alone, as in chat.example: no scheme, port or path"),
    "cors_origins": (
        re.compile(r"[A-Za-z][\w+.-]*://[^\s/*]+|null"),
        "an origin as browsers send it, as in https://app.example: no path, and no slash at its end",
    ),
}
"""The pattern of each entry of a list, and its description. An entry of another form would never match a request."""

RENAMED = {
    "max_body": "max_content_length",
    "hosts": "trusted_hosts",
    "retries": "max_retries",
    "local": "embedded",
    "local_model": "embedded_model",
}
"""Names that settings had in earlier versions, and their present names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one application.

    Args:
        bind: Addresses of the service, `host:port` or `unix:path`, separated by commas.
        config: Path of a TOML file with fallback chains and further upstreams; None for no file.
        model: The model of requests that name none, as `provider/name` or as an alias of the file; None for the first
            model of the first provider in this order: OpenAI, Anthropic, those of the file, those of the application,
            the embedded model.
        heartbeat: Seconds of silence after which a stream sends a heartbeat; None for no heartbeats.
        connect_timeout: Maximum seconds to open a connection to an upstream.
        first_token_timeout: Maximum seconds from the request to the first token; None for no limit.
        stall_timeout: Maximum seconds between two tokens; None for no limit.
        max_duration: Maximum seconds of an answer; None for no limit.
        max_cost: Maximum cost of an answer, in the currency of its usage; one that costs more is ended in the middle.
            None for no limit. Models whose price is unknown count as free.
        max_steps: How often a model may call tools that run here within one answer, before it must answer without.
        tool_timeout: Maximum seconds of the call of a tool that runs here; None for no limit.
        tool_result: Maximum bytes of the result of a tool, as JSON.
        approval_timeout: Seconds for which a person can approve a tool call.
        client_timeout: Maximum seconds in which a reader accepts no data; None for no limit.
        body_timeout: Maximum seconds until the body of a request has arrived; None for no limit.
        buffer: Bytes that a stream may be ahead of its slowest reader before it stops reading from the upstream.
        store: Where resumable streams are stored: `memory`, `sqlite:///path`, `redis://host:port/db`, or
            `redis+cluster://…` or `redis+sentinel://…/service` with several servers. None for memory if there is one
            worker, and for an SQLite file on this machine if there are several.
        store_stream: Maximum bytes of the stored events of one resumable stream.
        store_total: Maximum bytes of the stored events of all resumable streams.
        resume_grace: Seconds for which a resumable stream continues without a reader.
        retention: Seconds for which a finished resumable stream can be read.
        max_streams: Maximum open streams of one worker; a further request gets 503.
        max_streams_per_owner: Maximum open streams of one owner on one worker, where owners are told apart by keys or
            by `authorize`; a further request gets 429. None for a quarter of `max_streams`, and at least one.
        max_content_length: Maximum bytes of a request's body, with the pictures and documents that it contains.
        max_text_length: Maximum bytes of a request's body without the files in it, which are in base64.
        max_body_memory: Maximum bytes of the bodies above `max_text_length` that one worker holds at the same time,
            until their upstreams have begun to answer; one owner may take half. A further request gets 503.
        max_retries: How often the SDK repeats a request that failed before its first token with a transient error.
        drain: Seconds for which a shutdown waits until the open streams have finished.
        api_keys: Accepted bearer keys, separated by commas. Without keys the service binds to loopback addresses only.
        metrics_token: The bearer token with which `/metrics` can be read, and with nothing else; None if it can be read
            with what the other endpoints accept.
        trusted_hosts: Host names, beside localhost, under which a service without keys answers, separated by commas.
        cors_origins: Origins of other web sites that may send requests, separated by commas, such as
            `https://app.example`.
        schemas: Folder of the JSON Schemas of `/ai/object/NAME`, each in a file NAME.json; None for no schemas.
        embedded: Whether the embedded model is offered.
        embedded_model: Path of a GGUF file for the embedded model; None for the file that is installed with it.
    """

    bind: str = "127.0.0.1:8000"
    config: str | None = None
    model: str | None = None
    heartbeat: float | None = 15.0
    connect_timeout: float = 5.0
    first_token_timeout: float | None = 60.0
    stall_timeout: float | None = 60.0
    max_duration: float | None = 600.0
    max_cost: float | None = None
    max_steps: int = 8
    tool_timeout: float | None = 30.0
    tool_result: int = 262144
    approval_timeout: float = 3600.0
    client_timeout: float | None = 30.0
    body_timeout: float | None = 30.0
    buffer: int = 262144
    store: str | None = None
    store_stream: int = 8388608
    store_total: int = 536870912
    resume_grace: float = 30.0
    retention: float = 300.0
    max_streams: int = 10000
    max_streams_per_owner: int | None = None
    max_content_length: int = 33554432
    max_text_length: int = 1048576
    max_body_memory: int = 134217728
    max_retries: int = 0
    drain: float = 30.0
    api_keys: tuple[str, ...] = ()
    metrics_token: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    schemas: str | None = None
    embedded: bool = True
    embedded_model: str | None = None

    @classmethod
    def from_app_config(cls, config: Mapping[str, Any]) -> Settings:
        """Read the `HEADRACE_*` entries of `app.config`, and those of the environment that it does not have.

        Raises:
            ConfigurationError: see `from_mapping`.
        """
        return cls.from_mapping({**_headrace_entries(os.environ), **_headrace_entries(config)})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Read the `HEADRACE_*` entries of a mapping, such as `os.environ`; other entries are ignored.

        Raises:
            ConfigurationError: a name is unknown, or a value is invalid; the message contains the name and the value.
        """
        type_hints = get_type_hints(cls)
        parsed = {}
        for name, value in _headrace_entries(values).items():
            field = name.removeprefix(PREFIX).lower()
            if field not in type_hints:
                raise ConfigurationError(_unknown_name_message(name))
            parsed[field] = parse_setting(name, value, type_hints[field])
        settings = cls(**parsed)
        settings.validate()
        return settings

    def validate(self) -> None:
        """Check that all values are within their limits and have their form.

        Raises:
            ConfigurationError: a value is not; the message contains its name and the value.
        """
        for name in POSITIVE:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{PREFIX}{name.upper()} is {value:g}: it must be more than 0.")
        for name, maximum in MAX_VALUES.items():
            value = getattr(self, name)
            if value is not None and value > maximum:
                raise ConfigurationError(f"{PREFIX}{name.upper()} is {value}: it must be {maximum:.15g} or less.")
        self._validate_lists()
        for address in self.bind.split(","):
            if not is_listen_address(address.strip()):
                raise ConfigurationError(
                    f"{PREFIX}BIND has the address {address.strip()!r}: it must be host:port with a port up to 65535 "
                    "or unix:path; several are separated by commas."
                )
        self._validate_keys()
        self._validate_model()

    def _validate_keys(self) -> None:
        # The messages do not contain the keys: they may be written to a log.
        for key in self.api_keys:
            if not is_key(key):
                raise ConfigurationError(
                    f"{PREFIX}API_KEYS has a key of {len(key)} characters that clients cannot send: write it in ASCII, "
                    "without blanks around it."
                )
        if self.metrics_token is not None and not is_key(self.metrics_token):
            raise ConfigurationError(
                f"{PREFIX}METRICS_TOKEN has {len(self.metrics_token)} characters that a scraper cannot send: write it "
                "in ASCII, without blanks around it."
            )

    def _validate_model(self) -> None:
        if self.model is not None:
            provider, slash, name = self.model.partition("/")
            # Without a slash it may be an alias of the file.
            if not (provider and name if slash else self.config):
                raise ConfigurationError(f"{PREFIX}MODEL is {self.model!r}: write it as provider/name.")

    def _validate_lists(self) -> None:
        for name, (pattern, description) in ENTRY_PATTERNS.items():
            for entry in getattr(self, name):
                if not pattern.fullmatch(entry):
                    raise ConfigurationError(f"{PREFIX}{name.upper()} has {entry!r}: write {description}.")

    def limits(self) -> StreamLimits:
        """Return the limits of each stream."""
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


def _headrace_entries(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name.startswith(PREFIX)}


def _unknown_name_message(name: str) -> str:
    field = name.removeprefix(PREFIX)
    if field.lower() in RENAMED:
        return f"{name} is no setting: it is called {PREFIX}{RENAMED[field.lower()].upper()} now."
    known = [field.name.upper() for field in fields(Settings)]
    # Names are compared without the prefix: with it, each name would be similar to each other name.
    close = difflib.get_close_matches(field, known, n=1)
    hint = f"did you mean {PREFIX}{close[0]}?" if close else f"there are {', '.join(PREFIX + name for name in known)}."
    return f"{name} is no setting: {hint}"
