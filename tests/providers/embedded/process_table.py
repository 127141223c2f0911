"""Helpers for tests of the embedded model: requests over plain HTTP, and the process table."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from flask_headrace.providers.embedded import supervisor


def until(is_so: Callable[[], object], limit: float = 20.0, *, every: float = 0.01) -> None:
    deadline = time.monotonic() + limit
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {limit} s"
        time.sleep(every)


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def model_pid() -> int:
    state = supervisor.read_state()
    return getattr(state, "pid", 0)


def ask(content: str, *, key: str | None = None, max_tokens: int = 8) -> http.client.HTTPResponse:
    where = supervisor.wait_until_ready()
    connection = http.client.HTTPConnection(urlsplit(where.base_url).netloc, timeout=30)
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": max_tokens, "stream": True}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {where.api_key if key is None else key}"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    return connection.getresponse()


def busy_slots() -> int:
    where = supervisor.get_endpoint()
    connection = http.client.HTTPConnection(urlsplit(where.base_url).netloc, timeout=30)
    connection.request("GET", "/slots", headers={"Authorization": f"Bearer {where.api_key}"})
    return sum(slot["is_processing"] for slot in json.loads(connection.getresponse().read()))
