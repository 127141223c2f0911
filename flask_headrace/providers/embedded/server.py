"""The embedded model's own process: llama.cpp's server on a loopback port.

It is run as a file rather than as a module of the package, so that it starts without Flask and the SDKs. It knows
xllamacpp alone, and neither who asks nor who restarts it.

It reads one line of JSON from stdin, the `Orders` of `local_process.py`. It writes one line to stdout:
`{"port": 40123}` once it can be asked, or `{"error": "…"}` before it exits with 1. Blank lines after it
are signs of life.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import time
from typing import Any

_HEARTBEAT_INTERVAL = 0.25  # seconds between two looks whether the supervisor lives
_PR_SET_PDEATHSIG = 1


def apply_config(config: dict[str, Any], params: Any) -> None:  # noqa: ANN401 - xllamacpp has no types
    """Fill in the server's settings: quiet, on a free loopback port, for one small model on the CPU."""
    params.model.path = config["model"]
    params.model_alias = {config["alias"]}  # else every frame carries the file's path
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [config["key"]]
    params.cors_origins, params.ui, params.use_jinja = "", False, True
    params.n_parallel, params.n_ctx = config["slots"], config["slots"] * config["context"]
    # a reader who leaves is noticed between two batches, and by a failing ping
    params.n_batch = params.n_ubatch = 128
    params.sse_ping_interval = 1
    params.cache_ram_mib = 0  # the default is up to 8 GiB
    params.n_gpu_layers, params.fit_params = 0, False  # fitting to a GPU's memory would load the file twice
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.sampling.temp, params.sampling.top_p, params.sampling.penalty_repeat = 0.2, 0.9, 1.1
    params.verbosity = 1  # errors only: no prompt ever gets into a log


def kill_with_parent(parent: int) -> None:
    """Have the kernel kill this process as soon as its supervisor ends; Linux only."""
    _set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(0)


def _set_parent_death_signal(signum: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)


def serve(config: dict[str, Any]) -> tuple[Any, int]:
    """Load the model and serve it; return the server, which ends when it is dropped, and its port."""
    import xllamacpp  # noqa: PLC0415 - its absence is told like any other error

    params = xllamacpp.CommonParams()
    apply_config(config, params)
    kill_with_parent(config["parent"])  # loading holds the interpreter's lock: nothing here could watch meanwhile
    server = xllamacpp.Server(params)
    _set_parent_death_signal(0)  # from now on it tidies up before it goes
    return server, int(server.listening_address.rpartition(":")[2])


def send_heartbeats(config: dict[str, Any], pipe: int) -> None:
    """Give signs of life; return when the supervisor has ended, at most 0.25 seconds after it, its directory removed.

    `supervisor` is the pipe to it.
    """
    os.set_blocking(pipe, False)
    while os.getppid() == config["parent"]:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # it has enough signs, or has just ended
            os.write(pipe, b"\n")
        time.sleep(_HEARTBEAT_INTERVAL)
    shutil.rmtree(config["directory"], ignore_errors=True)


def main() -> int:
    """Serve until the supervisor ends or sends SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's, who drains first
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever llama.cpp prints must not look like the answer
    config = json.loads(sys.stdin.readline())
    try:
        server, port = serve(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, the supervisor tells it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=output, flush=True)
        return 1
    print(json.dumps({"port": port}), file=output, flush=True)
    send_heartbeats(config, output.fileno())
    del server
    return 0


if __name__ == "__main__":
    # this folder's file names must not hide a dependency's modules
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    os._exit(main())  # without waiting for the server's threads
