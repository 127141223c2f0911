"""A provider of language models that does what a test tells it, on real sockets, and records what it sees."""

from tests.support.upstream import addresses, anthropic_wire, certificate, cuts, faults, oddities, openai_wire, plain, responses_wire
from tests.support.upstream.accepting import Accept
from tests.support.upstream.certificate import has_openssl
from tests.support.upstream.echo import ECHO, Echo
from tests.support.upstream.pieces import Reasoning, Refusal, Tokens, ToolCall
from tests.support.upstream.records import Closed, Connections, Ended, Peer, Request, Tally
from tests.support.upstream.server import Upstream
from tests.support.upstream.steps import FINISH, Burst, Bytes, Chunk, Close, Flood, Gate, HalfClose, HalfHead, Hang, Head, Paced, Pause, Reset, Script, script

__all__ = [
    "ECHO",
    "FINISH",
    "Accept",
    "Burst",
    "Bytes",
    "Chunk",
    "Close",
    "Closed",
    "Connections",
    "Echo",
    "Ended",
    "Flood",
    "Gate",
    "HalfClose",
    "HalfHead",
    "Hang",
    "Head",
    "Paced",
    "Pause",
    "Peer",
    "Reasoning",
    "Refusal",
    "Request",
    "Reset",
    "Script",
    "Tally",
    "Tokens",
    "ToolCall",
    "Upstream",
    "addresses",
    "anthropic_wire",
    "certificate",
    "cuts",
    "faults",
    "has_openssl",
    "oddities",
    "openai_wire",
    "plain",
    "responses_wire",
    "script",
]
