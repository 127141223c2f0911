"""A Node process that runs chats with one version of the npm package `ai`."""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any, TypeVar

T = TypeVar("T")

DRIVER = Path(__file__).with_name("driver.mjs")


class PendingCall:
    """A command that the process has received and not yet answered."""

    def __init__(self) -> None:
        self._responses: Queue[dict[str, Any]] = Queue()

    def resolve(self, response: dict[str, Any]) -> None:
        self._responses.put(response)

    def wait(self, limit: float = 20) -> Any:
        """Return the result of the command. Raises an AssertionError if the command failed."""
        response = self._responses.get(timeout=limit)
        assert "failed" not in response, response["failed"]
        return response["result"]


class Node:
    """A Node process; `version` is `ai5`, `ai6` or `ai7`."""

    def __init__(self, program: str, version: str) -> None:
        self.version = version
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, DRIVER, version], stdin=pipe, stdout=pipe, text=True)
        self._numbers = itertools.count()
        self._pending_calls: dict[int, PendingCall] = {}
        self._thread = threading.Thread(target=self._read_responses, daemon=True)
        self._thread.start()

    def _read_responses(self) -> None:
        for line in self.process.stdout:
            response = json.loads(line)
            self._pending_calls.pop(response["number"]).resolve(response)
        for pending_call in self._pending_calls.values():
            pending_call.resolve({"failed": "the process has ended"})

    def begin(self, command: str, **fields: Any) -> PendingCall:
        """Send a command to the process and return at once."""
        number = next(self._numbers)
        pending_call = self._pending_calls[number] = PendingCall()
        self.process.stdin.write(json.dumps({"number": number, "do": command, **fields}) + "\n")
        self.process.stdin.flush()
        return pending_call

    def do(self, command: str, **fields: Any) -> Any:
        """Send a command to the process and return its result."""
        return self.begin(command, **fields).wait()

    def read(self, responses: list[list[bytes]]) -> list[dict[str, Any]]:
        """Return what the package reads from responses, each given as its chunks."""
        encoded = [[base64.b64encode(piece).decode() for piece in pieces] for pieces in responses]
        return self.do("read", responses=encoded)

    def end(self) -> None:
        self.process.stdin.close()
        self._thread.join(10)
        self.process.wait(10)
        self.process.stdout.close()


class Chat:
    """A chat in the process. `state()` returns what the chat shows."""

    def __init__(self, node: Node, kind: str, base: str, id_: str | None = None, **options: Any) -> None:
        self.node = node
        self.id = id_ or f"chat {secrets.token_hex(6)}/ä"
        self._name = secrets.token_hex(6)
        self.do("open", kind=kind, base=base, id=self.id, **options)

    def begin(self, command: str, **fields: Any) -> PendingCall:
        return self.node.begin(command, chat=self._name, **fields)

    def do(self, command: str, **fields: Any) -> Any:
        return self.begin(command, **fields).wait()

    def send(self, text: str = "hi") -> ChatState:
        """Send a message and wait for the end of the answer."""
        self.do("send", text=text)
        return self.wait_until_idle()

    def wait_until_idle(self) -> ChatState:
        """Wait until the chat is ready or has failed, and return its state."""
        return self.wait_for(lambda now: now if now.status in {"ready", "error"} else None)

    def state(self) -> ChatState:
        """Return the current state of the chat."""
        return ChatState(self.do("look"))

    def wait_for(self, condition: Callable[[ChatState], T | None], limit: float = 10) -> T:
        """Wait until `condition` returns a true value for the chat's state, and return that value."""
        end = time.monotonic() + limit
        while not (found := condition(shown := self.state())):
            assert time.monotonic() < end, f"not within {limit} s: {shown.all}"
            time.sleep(0.01)
        return found


class ChatState:
    """The state of a chat: its status, its error and its messages."""

    def __init__(self, everything: dict[str, Any]) -> None:
        self.all = everything
        self.status: str = everything["status"]
        self.error: str | None = everything["error"]
        self.messages: list[dict[str, Any]] = everything["messages"]

    @property
    def last(self) -> dict[str, Any]:
        return self.messages[-1]

    @property
    def metadata(self) -> dict[str, Any]:
        return self.last["metadata"]

    @property
    def text(self) -> str:
        """The text of the last message if it is an assistant message; empty otherwise."""
        return "".join(text_of(message) for message in self.messages[-1:] if message["role"] == "assistant")

    def parts(self, kind: str) -> list[dict[str, Any]]:
        return [part for part in self.last["parts"] if part["type"] == kind]


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message without what is void."""
    return "".join(part["text"] for part in valid_parts(message) if part["type"] == "text")


def valid_parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message that are not void, as the page of the documents does."""
    valid: list[dict[str, Any]] = []
    for part in message["parts"]:
        if part["type"] != "data-restart":
            valid.append(part)
        elif part["data"]["reason"] == "resumed":
            valid.clear()
        else:
            while valid and valid[-1]["type"] != "step-start":
                valid.pop()
    return valid
