"""What must be right before the service starts, and again before it is reloaded: looked at in the master."""

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
from ..streaming.json_schema.validator import end_checks
from .gunicorn_worker import Worker
from .open_access import format_address, reject_public_addresses
from .served_application import is_headrace_service

Address = tuple[str, int]

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


def check_before_start(cfg: Any, application: str, bound: Collection[Address] | None = ()) -> None:  # noqa: ANN401  # gunicorn has no types
    """Look for what would stop the service, or each of its workers.

    Args:
        cfg: gunicorn's configuration.
        application: What gunicorn serves, as `module:name`.
        held: Addresses that this service listens on already; None where its sockets were handed down.

    Raises:
        ConfigurationError: something is wrong; the message names it and what to do.
    """
    settings = Settings.from_mapping(os.environ)
    # What is bound in the end: the command line goes before the setting.
    addresses = [address for address in cfg.address if isinstance(address, tuple)]
    reject_preloading(cfg)
    check_gunicorn_version()
    _check_worker_class(cfg)
    _check_worker_count_and_log_level(cfg)
    _check_temporary_folder()
    # Another application may have settings, keys or a login of its own, which its workers look at when they have loaded
    # it, and providers of its own, which the file may name.
    if is_headrace_service(application):
        if bound is not None and not settings.api_keys:
            reject_public_addresses([format_address(address) for address in addresses])
        provider_setup.build_registry(settings)
        try:
            schemas.load_schemas(settings)
        finally:
            end_checks()  # the master checks none after this
    if bound is not None:
        check_ports_are_free(address for address in addresses if address not in bound)


def check_ports_are_free(addresses: Iterable[Address]) -> None:
    """Refuse addresses that another program has.

    Raises:
        ConfigurationError: one of them cannot be bound.
    """
    for host, port in addresses:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConfigurationError(
                    f"Its address is {format_address((host, port))}, which cannot be used ({error}): stop the program that has "
                    "it, or choose another, as in HEADRACE_BIND=127.0.0.1:8001 make run."
                ) from None


def reject_preloading(cfg: Any) -> None:  # noqa: ANN401
    """Refuse to load the application in the master.

    Raises:
        ConfigurationError: gunicorn is told to.
    """
    if cfg.preload_app:
        raise ConfigurationError(
            "preload_app is on (--preload): an application that is loaded before the workers are born shares its "
            "locks, connections and event loop with all of them. Leave it out; each worker loads its own."
        )


def check_gunicorn_version() -> None:
    """Refuse a version of gunicorn of whose requests nobody here can tell whether they were read to their end.

    Raises:
        ConfigurationError: two requests, in the two forms that a body has, are not told apart before and after.
    """
    for field, body in ((b"Content-Length: 1", b"a"), (b"Transfer-Encoding: chunked", b"1\r\na\r\n0\r\n\r\n")):
        raw_request = b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n%b" % (field, body)
        request = next(get_parser(Config(), iter([raw_request]), ("127.0.0.1", 1)))
        was_unread = is_unread(request.body)
        request.body.read()
        if not was_unread or is_unread(request.body) or not hasattr(request.body, "failed"):
            raise ConfigurationError(
                f"gunicorn is of version {gunicorn.__version__}, which keeps the bodies of requests in a way that is "
                "not known here: a client that never ends one would hold a worker up for ever. Install the version "
                "that this one was made for: pip install 'gunicorn==27.0.*'."
            )


def _check_worker_class(cfg: Any) -> None:  # noqa: ANN401
    if not issubclass(cfg.worker_class, Worker):
        raise ConfigurationError(
            f"The worker class is {cfg.worker_class_str} (-k), and gunicorn.conf.py has its own: leave -k out, or "
            "leave that file out, which gunicorn also reads where it stands in the current folder (-c /dev/null)."
        )


def _check_worker_count_and_log_level(cfg: Any) -> None:  # noqa: ANN401
    # gunicorn would serve nobody, and take the level for `info`.
    if cfg.workers < 1:
        raise ConfigurationError(f"WEB_CONCURRENCY is {cfg.workers}: it must be 1 or more.")
    if cfg.loglevel.lower() not in LOG_LEVELS:
        raise ConfigurationError(f"LOG_LEVEL is {cfg.loglevel!r}: it must be one of {', '.join(LOG_LEVELS)}.")


def _check_temporary_folder() -> None:
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise ConfigurationError(
            f"No folder for temporary files can be written to ({error.strerror}): free some space, or name another "
            "folder in TMPDIR, as in TMPDIR=/var/tmp make run."
        ) from None
