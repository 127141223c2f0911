"""A server of tools as a process of its own, and the application that asks it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.service import ROOT, free_port

SERVER = Path(__file__).with_name("server.py")


class ToolServer:
    """The server of `server.py`, as a context manager.

    Args:
        folder: The folder for what its tools have seen.
        mode: How it speaks; see there.
    """

    def __init__(self, folder: Path, mode: str = "events") -> None:
        self.port, self._mode, self._seen = free_port(), mode, folder / "seen.jsonl"
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ToolServer:
        self._seen.touch()
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(self.port), self._mode],
            env={**os.environ, "SEEN": str(self._seen), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not self._is_up():
            assert self._process.poll() is None, "the server of tools has ended"
            assert time.monotonic() < end, "the server of tools does not start"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def seen(self, **what: Any) -> list[dict[str, Any]]:
        """Return what its tools have seen, as far as it has the fields `what`."""
        lines = [json.loads(line) for line in self._seen.read_text().splitlines()]
        return [line for line in lines if what.items() <= line.items()]

    def _is_up(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
