"""The embedded model's own process: llama.cpp's server on a loopback port.

This file is run as a script, not as a module of the package, so that it starts without Flask and the SDKs. It imports
xllamacpp and the standard library only.

It reads one line of JSON from stdin, the `ServerConfig` of `process.py`. It writes one line to stdout:
`{"port": 40123}` when the server accepts requests, or `{"error": "…"}` before it exits with 1. Each blank line after
that is a heartbeat.
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

_HEARTBEAT_INTERVAL = 0.25  # seconds between two heartbeats, and between two checks whether the supervisor runs
_PR_SET_PDEATHSIG = 1


def apply_config(config: dict[str, Any], params: Any) -> None:  # noqa: ANN401  # xllamacpp has no types
    """Set xllamacpp's `params` from `config`: little logging, a free loopback port, one small model on the CPU."""
    params.model.path = config["model"]
    params.model_alias = {config["alias"]}  # otherwise each frame contains the file's path
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [config["key"]]
    params.cors_origins, params.ui, params.use_jinja = "", False, True
    params.n_parallel, params.n_ctx = config["slots"], config["slots"] * config["context"]
    # a closed connection is noticed between two batches, and when a ping fails
    params.n_batch = params.n_ubatch = 128
    params.sse_ping_interval = 1
    params.cache_ram_mib = 0  # the default is up to 8 GiB
    params.n_gpu_layers, params.fit_params = 0, False  # fitting to a GPU's memory would load the file twice
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.sampling.temp, params.sampling.top_p, params.sampling.penalty_repeat = 0.2, 0.9, 1.1
    params.verbosity = 1  # errors only: prompts must not be logged


def kill_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the process `parent` (an id) ends. Linux only."""
    _set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != parent:  # the parent has ended already
        os._exit(0)


def _set_parent_death_signal(signum: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)


def serve(config: dict[str, Any]) -> tuple[Any, int]:
    """Load the model and start the server; return the server and its port.

    The server stops when the returned object is deleted.
    """
    import xllamacpp  # noqa: PLC0415  # a missing package is reported like any other error

    params = xllamacpp.CommonParams()
    apply_config(config, params)
    kill_with_parent(config["parent"])  # loading holds the GIL, so no thread could check the parent meanwhile
    server = xllamacpp.Server(params)
    _set_parent_death_signal(0)  # from here on `send_heartbeats` notices the parent's end, and cleans up
    return server, int(server.listening_address.rpartition(":")[2])


def send_heartbeats(config: dict[str, Any], pipe: int) -> None:
    """Write heartbeats to the descriptor `pipe` until the supervisor ends, then remove its folder and return.

    The supervisor's end is noticed within 0.25 seconds.
    """
    os.set_blocking(pipe, False)
    while os.getppid() == config["parent"]:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # the pipe is full, or the supervisor has ended
            os.write(pipe, b"\n")
        time.sleep(_HEARTBEAT_INTERVAL)
    shutil.rmtree(config["directory"], ignore_errors=True)


def main() -> int:
    """Serve until the supervisor ends or sends SIGTERM; return the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which drains first
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp's own output must not mix with the messages to the supervisor
    config = json.loads(sys.stdin.readline())
    try:
        server, port = serve(config)
    except Exception as error:  # noqa: BLE001  # the supervisor reports every error
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=output, flush=True)
        return 1
    print(json.dumps({"port": port}), file=output, flush=True)
    send_heartbeats(config, output.fileno())
    del server
    return 0


if __name__ == "__main__":
    # the names of this folder's files must not shadow modules of dependencies
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    os._exit(main())  # do not wait for the server's threads
