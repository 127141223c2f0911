"""Checks that run in gunicorn's master before the service starts, and before a reload."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Collection, Iterable
from typing import Any

import gunicorn
from gunicorn.config import Config
from gunicorn.http import get_parser

from ..blueprints.http.unread_body import is_unread
from ..core.errors import ConfigurationError
from ..settings import Settings
from ..setup import providers as provider_setup
from ..setup import schemas
from ..streaming.json_schema.validator import close_sandbox
from .gunicorn_worker import Worker
from .open_access import format_address, reject_public_addresses
from .served_application import is_headrace_service

Address = tuple[str, int]

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


def check_before_start(cfg: Any, application: str, bound: Collection[Address] | None = ()) -> None:  # noqa: ANN401  # gunicorn has no types
    """Check everything that would prevent the service or its workers from starting.

    Args:
        cfg: gunicorn's configuration.
        application: The application, as `module:name`.
        bound: Addresses on which this service listens already; None if its sockets are inherited.

    Raises:
        ConfigurationError: a check failed; the message names the value and the remedy.
    """
    settings = Settings.from_mapping(os.environ)
    # The effective addresses: the command line overrides the setting.
    addresses = [address for address in cfg.address if isinstance(address, tuple)]
    reject_preloading(cfg)
    check_gunicorn_version()
    _check_worker_class(cfg)
    _check_worker_count_and_log_level(cfg)
    _check_temporary_folder()
    # A host application may have its own settings, keys or login, which its workers check after loading it, and its own
    # providers, which the configuration file may refer to.
    if is_headrace_service(application):
        if bound is not None and not settings.api_keys:
            reject_public_addresses([format_address(address) for address in addresses])
        provider_setup.build_registry(settings)
        try:
            schemas.load_schemas(settings)
        finally:
            close_sandbox()  # the master validates no schemas after this
    if bound is not None:
        check_ports_are_free(address for address in addresses if address not in bound)


def check_ports_are_free(addresses: Iterable[Address]) -> None:
    """Check that each address can be bound.

    Raises:
        ConfigurationError: an address cannot be bound, for example because another program uses it.
    """
    for host, port in addresses:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConfigurationError(
                    f"The address {format_address((host, port))} cannot be used ({error}): stop the other program, "
                    "or choose another, as in HEADRACE_BIND=127.0.0.1:8001 make run."
                ) from None


def reject_preloading(cfg: Any) -> None:  # noqa: ANN401
    """Check that the application is not loaded in the master.

    Raises:
        ConfigurationError: `preload_app` is set.
    """
    if cfg.preload_app:
        raise ConfigurationError(
            "preload_app is on (--preload): an application that is loaded before the workers are forked shares its "
            "locks, connections and event loop with all of them. Remove it; each worker loads its own."
        )


def check_gunicorn_version() -> None:
    """Check that `is_unread` works with the installed gunicorn, for bodies with a length and for chunked ones.

    Raises:
        ConfigurationError: it does not.
    """
    for field, body in ((b"Content-Length: 1", b"a"), (b"Transfer-Encoding: chunked", b"1\r\na\r\n0\r\n\r\n")):
        raw_request = b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n%b" % (field, body)
        request = next(get_parser(Config(), iter([raw_request]), ("127.0.0.1", 1)))
        was_unread = is_unread(request.body)
        request.body.read()
        if not was_unread or is_unread(request.body) or not hasattr(request.body, "failed"):
            raise ConfigurationError(
                f"gunicorn {gunicorn.__version__} is not supported: it stores request bodies in a different way, so a "
                "client that never ends a body would block a worker forever. Install the supported version: "
                "pip install 'gunicorn==27.0.*'."
            )


def _check_worker_class(cfg: Any) -> None:  # noqa: ANN401
    if not issubclass(cfg.worker_class, Worker):
        raise ConfigurationError(
            f"The worker class is {cfg.worker_class_str} (-k), but gunicorn.conf.py needs its own: remove -k, or do "
            "not use that file, which gunicorn reads by default from the current folder (-c /dev/null)."
        )


def _check_worker_count_and_log_level(cfg: Any) -> None:  # noqa: ANN401
    # With 0 workers gunicorn would serve no requests, and it replaces an unknown level by `info`.
    if cfg.workers < 1:
        raise ConfigurationError(f"WEB_CONCURRENCY is {cfg.workers}: it must be 1 or more.")
    if cfg.loglevel.lower() not in LOG_LEVELS:
        raise ConfigurationError(f"LOG_LEVEL is {cfg.loglevel!r}: it must be one of {', '.join(LOG_LEVELS)}.")


def _check_temporary_folder() -> None:
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise ConfigurationError(
            f"No folder for temporary files can be written to ({error.strerror}): free some space, or set TMPDIR to "
            "another folder, as in TMPDIR=/var/tmp make run."
        ) from None
