"""A real Redis server for a test, on a socket in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import redis

from tests.support.event_loop import until


class RedisServer:
    """A server that can be started again after its end.

    Args:
        program: What is run.
        folder: Where its socket and its files lie.
        options: Further ones of the program's, such as `--port`, at which it is reached as well.
    """

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self.socket = folder / "redis.sock"
        place = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder)]
        self._command = [program, *place, "--save", "", *options]
        self.url = f"unix://{self.socket}"
        self.client = redis.Redis(unix_socket_path=str(self.socket))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(self._answers, 10)

    def _answers(self) -> bool:
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False

    def forget_everything(self) -> None:
        self.client.flushall()

    def names(self) -> set[str]:
        """Return the keys that there are."""
        return {key.decode() for key in self.client.keys("*")}

    def pause(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.client.close()
        self.kill()
