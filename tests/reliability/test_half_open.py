"""A client that disappears without closing: its network is cut off, and no FIN or RST arrives."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED, require
from tests.support.reader import QUESTION, send
from tests.support.service import Service
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Paced, Pause, Upstream, openai_wire

pytestmark = pytest.mark.slow

CLIENT_TIMEOUT = 3
SLACK = 6
"""Seconds beyond the limit that the kernel's timers and a busy machine may need."""

KEY = "a-key-of-this-test"
HEAD = f"POST /api/chat HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
READER = """
import socket, sys
client = socket.create_connection((sys.argv[1], int(sys.argv[2])))
client.sendall(sys.argv[3].encode())
while client.recv(65536):
    pass
"""


@dataclass(frozen=True)
class Network:
    """A network of this machine and a namespace for the clients."""

    namespace: str
    address: str
    reader_address: str
    device: str

    def ip(self, *arguments: str, inside: bool = False) -> None:
        place = ["-n", self.namespace] if inside else []
        subprocess.run(["ip", *place, *arguments], check=True, capture_output=True, text=True)

    def plug(self) -> None:
        """Add the clients' address."""
        self.ip("addr", "replace", f"{self.reader_address}/30", "dev", self.device, inside=True)

    def unplug(self) -> None:
        """Remove the clients' address: packets to it are lost."""
        self.ip("addr", "flush", "dev", self.device, inside=True)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    require("ip", "apt-get install iproute2")
    tag = f"hr{os.getpid() % 100_000}"
    subnet = f"10.{200 + os.getpid() % 50}.{os.getpid() // 50 % 250}"
    net = Network(tag, f"{subnet}.1", f"{subnet}.2", f"{tag}b")
    try:
        net.ip("netns", "add", tag)
        net.ip("link", "add", f"{tag}a", "type", "veth", "peer", "name", net.device, "netns", tag)
        net.ip("addr", "add", f"{net.address}/30", "dev", f"{tag}a")
        net.ip("link", "set", f"{tag}a", "up")
        net.ip("link", "set", net.device, "up", inside=True)
        yield net
    except subprocess.CalledProcessError as error:
        sentence = f"a network namespace cannot be made here, which takes root: {error.stderr.strip()}"
        if os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    finally:
        for what in (("link", "del", f"{tag}a"), ("netns", "del", tag)):
            subprocess.run(["ip", *what], check=False, capture_output=True)


class OpenService(Service):
    """A service that can be reached from the namespace."""

    def __init__(self, **settings: str) -> None:
        super().__init__(**settings)
        self.settings["HEADRACE_BIND"] = f"0.0.0.0:{self.port}"


@pytest.fixture(scope="module")
def service(network: Network, upstream: Upstream) -> Iterator[OpenService]:
    settings = {"HEADRACE_CLIENT_TIMEOUT": str(CLIENT_TIMEOUT), "HEADRACE_HEARTBEAT": "1", "HEADRACE_DRAIN": "1"}
    with OpenService(**openai_alone(upstream), **settings, HEADRACE_API_KEYS=KEY) as running:
        yield running


WHILES = {
    "silent": lambda name: (Gate(name),),
    "few tokens a second": lambda _: (Paced(openai_wire.text("."), per_second=5),),
    "many tokens a second": lambda _: (Paced(openai_wire.text("x" * 2000), per_second=200),),
}


CASES = [(what, is_streamed) for what in WHILES for is_streamed in (True, False)]


def name_of(what: str, is_streamed: bool) -> str:
    return f"half-open {what} {'streamed' if is_streamed else 'whole'}"


@pytest.fixture(scope="module")
def cut_at(network: Network, service: OpenService, upstream: Upstream) -> Iterator[float]:
    """Start streams of several clients in the namespace, and cut the network while they are streaming."""
    command = ["ip", "netns", "exec", network.namespace, sys.executable, "-c", READER, network.address]
    network.plug()
    with contextlib.ExitStack() as readers:
        for what, is_streamed in CASES:
            name = name_of(what, is_streamed)
            upstream.answer(name, openai_wire.answer("one", *WHILES[what](name)))
            body = json.dumps({"model": f"openai/{name}", "messages": QUESTION, "stream": is_streamed})
            request = f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}"
            reader = subprocess.Popen([*command, str(service.port), request], stdout=subprocess.DEVNULL)
            readers.callback(reader.wait)
            readers.callback(reader.kill)
        for case in CASES:
            upstream.wait_for(lambda case=case: upstream.requests(name_of(*case))[0].deltas_sent, timeout=30)
        network.unplug()
        yield time.monotonic()


@pytest.mark.parametrize(("what", "is_streamed"), CASES)
def test_it_is_noticed_within_the_client_timeout(cut_at, upstream, what, is_streamed) -> None:
    request = upstream.ended(name_of(what, is_streamed), timeout=CLIENT_TIMEOUT + SLACK)
    assert request.ended is Ended.ABORTED
    assert request.closed_at > cut_at


def test_a_reader_that_is_merely_silent_is_kept(service, upstream) -> None:
    upstream.answer("kept", openai_wire.answer("one", Pause(CLIENT_TIMEOUT + 1.5), "two"))
    body = {"model": "openai/kept", "messages": QUESTION}
    answer = send(service.url + "/api/chat", body, headers={"Authorization": f"Bearer {KEY}"})
    assert (answer.text, answer.is_done) == ("onetwo", True)
