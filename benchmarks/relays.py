"""A relay under measurement: its start, its endpoint, and the test bed.

The test bed is the upstream and the cores: the relay has one to itself, the upstream and the load share another.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.first import first_deltas
from benchmarks.load import Endpoint
from benchmarks.processes import Command, Program, StartError, free_port, on_cores, raise_file_limit
from tests.support.upstream import certificate

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "headrace"
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of the relay, and those of the upstream and the load; empty if the system does not support pinning."""

    relay: frozenset[int]
    load: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Return the first core for the relay, and the last one for the load."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        cores = sorted(os.sched_getaffinity(0))
        return cls(frozenset(cores[:1]), frozenset(cores[-1:]))


@dataclass(frozen=True, slots=True)
class TestBed:
    """The upstream and the cores of a measurement.

    Args:
        port: The upstream's port.
        tls_port: The upstream's port with TLS; None if no certificate could be made.
        authority: The file of the authority that signed its certificate.
        cores: The cores of the relay and of the load.
        files: The limit of open files of each process.
    """

    port: int
    tls_port: int | None
    authority: Path
    cores: Cores
    files: int

    def url(self, *, is_encrypted: bool = False) -> str:
        """Return the upstream's address."""
        return f"https://127.0.0.1:{self.tls_port}" if is_encrypted else f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Relay:
    """A running relay.

    Args:
        name: The relay's name in the tables.
        program: Its processes.
        endpoint: The endpoint for requests.
    """

    name: str
    program: Program
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the project.

    Args:
        title: The title in the tables.
        settings: Variables that are added to the environment.
        body: Further fields of each request.
        is_encrypted: Whether requests to the upstream use TLS.
        provider: The provider whose API is used.
        cores: The cores of the project; None for the relay's own one.
        application: The application, as gunicorn takes it; None for the service's own.
    """

    title: str = "Headrace"
    settings: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    is_encrypted: bool = False
    provider: str = "openai"
    cores: frozenset[int] | None = None
    application: str | None = None

    def model(self, behaviour: str) -> str:
        """Return the name of the model with this behaviour; see `benchmarks/upstream.py`."""
        return f"{self.provider}/{behaviour}"


PLAIN = Variant()


@contextlib.contextmanager
def start_test_bed() -> Iterator[TestBed]:
    """Start the upstream, and keep this process, the load, on the load's core."""
    cores = Cores.of_this_machine()
    files = raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, on_cores(cores.load):
        has_tls = certificate.has_openssl()
        if has_tls:
            certificate.make(Path(folder))
        port, tls_port = free_port(), free_port() if has_tls else None
        names = (certificate.CERTIFICATE, certificate.CERTIFICATE_KEY)
        tls = [str(tls_port), *(f"{folder}/{name}" for name in names)] if has_tls else []
        argv = [sys.executable, "-m", "benchmarks.upstream", str(port), *tls]
        with Program(Command(argv, port, ROOT), cores.load):
            yield TestBed(port, tls_port, Path(folder) / certificate.AUTHORITY, cores, files)


@contextlib.contextmanager
def project(test_bed: TestBed, variant: Variant = PLAIN) -> Iterator[Relay]:
    """Start the project itself, as its users do.

    Raises:
        StartError: it did not start, or did not answer; the message says why.
    """
    port = free_port()
    authority = {"SSL_CERT_FILE": str(test_bed.authority)} if variant.is_encrypted else {}
    started_by = command(test_bed, port, authority | variant.settings, is_encrypted=variant.is_encrypted)
    if variant.application is not None:
        started_by = replace(started_by, argv=[*started_by.argv, variant.application])
    cores = test_bed.cores.relay if variant.cores is None else variant.cores
    with started(PROJECT, started_by, Endpoint(port, body=variant.body), cores, variant.model("burst")) as relay:
        yield relay


def command(test_bed: TestBed, port: int, more: dict[str, str], *, is_encrypted: bool = False) -> Command:
    """Return the command that starts the project on a port, with `more` settings."""
    address = test_bed.url(is_encrypted=is_encrypted)
    settings = {
        "HEADRACE_BIND": f"127.0.0.1:{port}",
        "HEADRACE_EMBEDDED": "0",
        "OPENAI_API_KEY": "sk-none",
        "OPENAI_BASE_URL": f"{address}/v1",
        "ANTHROPIC_API_KEY": "sk-none",
        "ANTHROPIC_BASE_URL": address,
    }
    return Command([sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"], port, ROOT, settings | more)


@contextlib.contextmanager
def started(name: str, command: Command, endpoint: Endpoint, cores: frozenset[int], model: str) -> Iterator[Relay]:
    """Start a relay and warm it up.

    Raises:
        StartError: it did not start, or did not answer; the message says why.
    """
    with Program(command, cores) as program:
        try:
            first_deltas(endpoint, model, WARM_UP)
        except OSError as error:
            raise StartError(f"it does not answer ({error}): {program.last_output_line()}") from error
        program.wait_until_idle()
        yield Relay(name, program, endpoint)
