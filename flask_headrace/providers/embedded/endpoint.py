"""Where the embedded model can be asked now, told by its supervisor through a small file.

A worker learns the file's path from its environment, so that it finds the model also after a restart on another port.
This file knows what may stand there; not how the process is run (`local.py`).
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

STATE_VARIABLE = "FLASK_HEADRACE_LOCAL_STATE"  # the environment hands it to the workers

STATE_FOLDER_PREFIX = "headrace-local-"
"""How the name of the state's folder begins; the supervisor's process id follows, known also without the file."""


class EmbeddedModelUnavailable(Exception):
    """The embedded model cannot be asked now: one sentence for the reader, and whether trying again can help."""

    def __init__(self, sentence: str, *, retryable: bool) -> None:
        super().__init__(sentence)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the embedded model can be asked, in the words of OpenAI's SDK."""

    base_url: str
    api_key: str = field(repr=False)


class _State(msgspec.Struct, frozen=True, tag_field="state", tag=str.lower):
    supervisor: int  # its process id: a file whose supervisor is gone means nothing


class Starting(_State, frozen=True):
    """The process runs and loads the model."""


class Ready(_State, frozen=True):
    """The model can be asked."""

    pid: int
    port: int
    key: str

    def __repr__(self) -> str:
        return f"<Ready on port {self.port}, process {self.pid}>"


class Restarting(_State, frozen=True):
    """The process ended, or stands still; it is started again."""

    reason: str


class Failed(_State, frozen=True):
    """The model cannot run here."""

    reason: str


State = Starting | Ready | Restarting | Failed


def read_state() -> State | None:
    """Read what the supervisor wrote last; None if there is none, or it is gone. Costs one `stat` when unchanged."""
    path = os.environ.get(STATE_VARIABLE)
    if not path:
        return None
    try:
        status = os.stat(path)
        state = _decode_state_file(path, status.st_ino, status.st_mtime_ns)
    except (OSError, msgspec.DecodeError):
        return None
    return state if _is_alive(state.supervisor) else None


def is_supervised() -> bool:
    """Whether a living process has started the model for this one, also where its state is not told just now."""
    path = os.environ.get(STATE_VARIABLE, "")
    supervisor = Path(path).parent.name.removeprefix(STATE_FOLDER_PREFIX).partition("-")[0]
    return supervisor.isdecimal() and _is_alive(int(supervisor))


def get_endpoint() -> Endpoint:
    """Tell where the embedded model is now; it may be another place after a restart, so ask for every request.

    Raises:
        LocalModelUnavailable: it is starting or restarting (`retryable`), cannot run here, or was never started.

    """
    match read_state():
        case Ready(port=port, key=key):
            return Endpoint(f"http://127.0.0.1:{port}/v1", key)
        case Starting():
            raise EmbeddedModelUnavailable(
                "The embedded model is starting: try again in a few seconds.", retryable=True
            )
        case Restarting(reason=reason):
            raise EmbeddedModelUnavailable(f"{reason} It is started again: try again in a few seconds.", retryable=True)
        case Failed(reason=reason):
            raise EmbeddedModelUnavailable(reason, retryable=False)
        case None if is_supervised():  # its file was removed, or could not be written
            raise EmbeddedModelUnavailable(
                "The embedded model's address is not known just now: try again in a few seconds.", retryable=True
            )
        case None:
            raise EmbeddedModelUnavailable("The embedded model is not running: restart the service.", retryable=False)


def wait_until_ready(timeout: float = 60.0) -> Endpoint:
    """Wait up to `timeout` seconds until the embedded model can be asked.

    Raises:
        LocalModelUnavailable: it is not ready by then, or cannot be.

    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return get_endpoint()
        except EmbeddedModelUnavailable as why:
            if not why.retryable or time.monotonic() >= deadline:
                raise
        time.sleep(0.02)


@functools.lru_cache(maxsize=1)
def _decode_state_file(path: str, inode: int, changed: int) -> State:
    """Decode the file; inode and time of change stand for its version, which the cache goes by."""
    state: State = msgspec.json.decode(Path(path).read_bytes(), type=State)
    return state


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's process lives
    return True
