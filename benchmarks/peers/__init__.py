"""Other relays to compare with, each written as its own documentation shows, with settings for speed.

Their sources are beside this file; their packages are installed once, in a folder outside the checkout (`install.py`).
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Endpoint
from benchmarks.peers import install
from benchmarks.processes import Command, free_port
from benchmarks.relays import Relay, TestBed, started

HERE = Path(__file__).resolve().parent
LITELLM_KEY = "sk-benchmark-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another relay.

    Args:
        name: The name in `--peers`.
        title: The title in the tables.
        prepare: Installs the peer's packages and returns their folder. Raises `install.InstallError`.
        packages: The names of the packages whose versions the report contains.
        command: Returns the command that starts the peer, given that folder, a free port and the test bed.
        endpoint: Returns the endpoint of the peer, given its port.
        is_slow: Whether the peer gets fewer streams, so that a run ends in time.
    """

    name: str
    title: str
    prepare: Callable[[], Path]
    packages: tuple[str, ...]
    command: Callable[[Path, int, TestBed], Command]
    endpoint: Callable[[int], Endpoint] = Endpoint
    is_slow: bool = False


@contextlib.contextmanager
def running(peer: Peer, test_bed: TestBed) -> Iterator[Relay]:
    """Start a peer.

    Raises:
        install.InstallError: the packages of the peer cannot be installed here.
        StartError: the peer did not start, or did not answer.
    """
    port = free_port()
    command = peer.command(peer.prepare(), port, test_bed)
    with started(peer.name, command, peer.endpoint(port), test_bed.cores.relay, "openai/burst") as relay:
        yield relay


def _node(source: str) -> Callable[[Path, int, TestBed], Command]:
    def command(folder: Path, port: int, test_bed: TestBed) -> Command:
        settings = {"PORT": str(port), "UPSTREAM": f"{test_bed.url()}/v1", "NODE_ENV": "production"}
        return Command(["node", source], port, folder, settings)

    return command


def _fastapi(folder: Path, port: int, test_bed: TestBed) -> Command:
    options = ("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--backlog", "4096")
    argv = [folder / "bin/python", "-m", "uvicorn", "fastapi_relay:app", *options]
    return Command(argv, port, HERE, {"UPSTREAM": f"{test_bed.url()}/v1"})


def _bytes(_folder: Path, port: int, test_bed: TestBed) -> Command:
    return Command([sys.executable, HERE / "byte_relay.py", str(port), str(test_bed.port)], port, HERE)


def _litellm(folder: Path, port: int, test_bed: TestBed) -> Command:
    upstream = {"model": "openai/*", "api_base": f"{test_bed.url()}/v1", "api_key": "sk-none"}
    models = [{"model_name": "openai/*", "litellm_params": upstream}]
    (folder / "config.yaml").write_text(json.dumps({"model_list": models}))  # every JSON document is a YAML one
    options = ("--config", folder / "config.yaml", "--host", "127.0.0.1", "--port", str(port))
    return Command([folder / "bin/litellm", *options], port, folder, {"LITELLM_MASTER_KEY": LITELLM_KEY})


ALL = (
    Peer("express", "Express + openai-node", install.node, ("express", "openai"), _node("express.mjs")),
    Peer("fastapi", "FastAPI + AsyncOpenAI", install.python, ("fastapi", "uvicorn", "uvloop", "openai"), _fastapi),
    Peer("ai-sdk", "Vercel AI SDK", install.node, ("ai", "@ai-sdk/openai-compatible"), _node("ai_sdk.mjs")),
    Peer("bytes", "bare byte relay", lambda: HERE, (), _bytes),
    Peer(
        "litellm",
        "LiteLLM",
        install.litellm,
        ("litellm",),
        _litellm,
        lambda port: Endpoint(port, "/v1/chat/completions", LITELLM_KEY),
        is_slow=True,
    ),
)

USUAL = ("express", "fastapi", "ai-sdk", "bytes")
"""The peers that are measured by default."""
