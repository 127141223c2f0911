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


class Task:
    """Something that the process was told to do."""

    def __init__(self) -> None:
        self._said: Queue[dict[str, Any]] = Queue()

    def tell(self, said: dict[str, Any]) -> None:
        self._said.put(said)

    def wait(self, limit: float = 20) -> Any:
        """Wait until it is done, and return what came of it."""
        said = self._said.get(timeout=limit)
        assert "failed" not in said, said["failed"]
        return said["result"]


class Node:
    """The process; `version` is `ai5`, `ai6` or `ai7`."""

    def __init__(self, program: str, version: str) -> None:
        self.version = version
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, DRIVER, version], stdin=pipe, stdout=pipe, text=True)
        self._numbers = itertools.count()
        self._tasks: dict[int, Task] = {}
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        for said in self.process.stdout:
            answer = json.loads(said)
            self._tasks.pop(answer["number"]).tell(answer)
        for task in self._tasks.values():
            task.tell({"failed": "the process has ended"})

    def begin(self, what: str, **fields: Any) -> Task:
        """Let it begin to do something."""
        number = next(self._numbers)
        task = self._tasks[number] = Task()
        self.process.stdin.write(json.dumps({"number": number, "do": what, **fields}) + "\n")
        self.process.stdin.flush()
        return task

    def do(self, what: str, **fields: Any) -> Any:
        """Let it do something, and return what came of it."""
        return self.begin(what, **fields).wait()

    def read(self, responses: list[list[bytes]]) -> list[dict[str, Any]]:
        """Let it read responses, each of which comes in these pieces."""
        encoded = [[base64.b64encode(piece).decode() for piece in pieces] for pieces in responses]
        return self.do("read", responses=encoded)

    def end(self) -> None:
        self.process.stdin.close()
        self._thread.join(10)
        self.process.wait(10)
        self.process.stdout.close()


class Chat:
    """A chat in the process. What it is told of each answer is in `look()`."""

    def __init__(self, node: Node, kind: str, base: str, id_: str | None = None, **options: Any) -> None:
        self.node = node
        self.id = id_ or f"chat {secrets.token_hex(6)}/ä"
        self._name = secrets.token_hex(6)
        self.do("open", kind=kind, base=base, id=self.id, **options)

    def begin(self, what: str, **fields: Any) -> Task:
        return self.node.begin(what, chat=self._name, **fields)

    def do(self, what: str, **fields: Any) -> Any:
        return self.begin(what, **fields).wait()

    def send(self, text: str = "hi") -> Shown:
        """Send a message and wait for the end of the answer."""
        self.do("send", text=text)
        return self.settled()

    def settled(self) -> Shown:
        """Wait until what there is to see is the end of what was done: a page shows it a little later."""
        return self.shows(lambda now: now if now.status in {"ready", "error"} else None)

    def look(self) -> Shown:
        """Return what there is to see."""
        return Shown(self.do("look"))

    def shows(self, condition: Callable[[Shown], T | None], limit: float = 10) -> T:
        """Wait until what there is to see is so, and return what the condition gave."""
        end = time.monotonic() + limit
        while not (found := condition(shown := self.look())):
            assert time.monotonic() < end, f"not within {limit} s: {shown.all}"
            time.sleep(0.01)
        return found


class Shown:
    """What a chat shows."""

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
        """The text of the last message, where it is an assistant's."""
        return "".join(text_of(message) for message in self.messages[-1:] if message["role"] == "assistant")

    def parts(self, kind: str) -> list[dict[str, Any]]:
        return [part for part in self.last["parts"] if part["type"] == kind]


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message that is not void."""
    parts = message["parts"]
    kept = max([number for number, part in enumerate(parts, 1) if part["type"] == "data-restart"], default=0)
    return "".join(part["text"] for part in parts[kept:] if part["type"] == "text")
