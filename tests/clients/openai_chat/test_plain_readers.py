"""Clients of OpenAI's protocol other than its SDK: curl, SSE parsers of PyPI, and the program `llm`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from httpx_sse import connect_sse
from sseclient import SSEClient

from tests.conftest import require
from tests.support.service import Service
from tests.support.upstream import Ended, Gate, Pause, Upstream, anthropic_wire, openai_wire

TEXT = ("Grüße, ", "👩‍👩‍👧", " e\u0301 \u2028 \x85🌊")
KEY = {"Authorization": "Bearer mine"}
WIRES = pytest.mark.parametrize(("provider", "wire"), [("openai", openai_wire), ("anthropic", anthropic_wire)])


def test_curl_prints_tokens_as_they_come(service: Service, upstream: Upstream) -> None:
    require("curl", "apt-get install curl")
    upstream.answer("default", openai_wire.answer("one", Gate("curled"), *TEXT))
    command = ["sh", Path(__file__).with_name("curl.sh"), service.url + "/v1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as curl:
        got = b""
        while b'{"content":"one"}' not in got:
            got += curl.stdout.read1(65536)
        upstream.open_gate("curled")
        got += curl.stdout.read()
    frames = [json.loads(line[6:]) for line in got.decode().split("\n") if line.startswith("data: {")]
    assert "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames) == "one" + "".join(TEXT)
    assert got.endswith(b"data: [DONE]\n\n")


def test_httpx_sse_reads_in_five_lines(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("default", openai_wire.answer(*TEXT))
    base_url = service.url + "/v1"
    # docs: httpx-sse
    import httpx
    from httpx_sse import connect_sse

    question = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    with httpx.Client() as client, connect_sse(client, "POST", base_url + "/chat/completions", json=question) as source:
        for event in source.iter_sse():
            if event.data != "[DONE]":
                print(json.loads(event.data)["choices"][0]["delta"].get("content", ""), end="", flush=True)
    # end docs
    assert capsys.readouterr().out == "".join(TEXT)


def test_sseclient_py_reads_in_five_lines(service: Service, upstream: Upstream, capsys) -> None:
    upstream.answer("default", openai_wire.answer(*TEXT))
    base_url = service.url + "/v1"
    # docs: sseclient-py
    import requests
    from sseclient import SSEClient

    question = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    response = requests.post(base_url + "/chat/completions", json=question, stream=True)
    for event in SSEClient(response).events():
        if event.data != "[DONE]":
            print(json.loads(event.data)["choices"][0]["delta"].get("content", ""), end="", flush=True)
    # end docs
    assert capsys.readouterr().out == "".join(TEXT)


def httpx_sse(url: str, question: dict[str, Any]) -> Iterator[str]:
    with httpx.Client(headers=KEY) as client, connect_sse(client, "POST", url, json=question) as source:
        for event in source.iter_sse():
            yield event.data


def sseclient_py(url: str, question: dict[str, Any]) -> Iterator[str]:
    with requests.post(url, json=question, headers=KEY, stream=True) as response:
        for event in SSEClient(response).events():
            yield event.data


READERS = pytest.mark.parametrize("read", [httpx_sse, sseclient_py])


def asked(service: Service, model: str, read: Callable, **fields: Any) -> Iterator[str]:
    question = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields}
    return read(service.url + "/v1/chat/completions", question)


@READERS
@WIRES
class TestReaders:
    @pytest.mark.parametrize("is_resumable", [False, True], ids=["plain", "resumable"])
    def test_see_a_frame_for_each_event_and_none_for_a_heartbeat(
        self, guarded: Service, upstream: Upstream, provider, wire, is_resumable, read
    ) -> None:
        upstream.answer("beating", wire.answer(Pause(0.2), "one", Pause(0.2), *TEXT))  # a heartbeat comes each 0.05 s
        *chunks, done = asked(guarded, f"{provider}/beating", read, resumable=is_resumable)
        assert done == "[DONE]"
        deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
        assert [delta.get("content") for delta in deltas] == ["", "one", *TEXT, None]

    def test_see_a_failure_and_no_end(self, guarded: Service, upstream: Upstream, provider, wire, read) -> None:
        upstream.answer("failing", wire.failing_after(2))
        *chunks, failure = asked(guarded, f"{provider}/failing", read)
        assert len(chunks) == 3
        assert json.loads(failure)["error"]["code"].startswith("upstream_")

    def test_that_leave_stop_the_model(self, guarded: Service, upstream: Upstream, provider, wire, read) -> None:
        name = f"left {provider} {read.__name__}"
        upstream.answer(name, wire.answer("one", Gate(name), "two"))
        frames = asked(guarded, f"{provider}/{name}", read)
        assert '"one"' in [next(frames), next(frames)][1]
        frames.close()
        upstream.wait_for(lambda: upstream.requests(name)[0].ended is Ended.ABORTED)


class TestLlm:
    """The program `llm`, configured for the service by a file in its folder."""

    @pytest.fixture
    def llm(self, service: Service, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        lines = (Path(__file__).with_name("extra-openai-models.yaml")).read_text()
        lines = lines.replace("http://127.0.0.1:8000", service.url).replace("openai/gpt-5-mini", "openai/asked by llm")
        (tmp_path / "extra-openai-models.yaml").write_text(lines)
        # Without plugins: the embedded model's package is one, and wants a library that is not here.
        settings = {**os.environ, "LLM_USER_PATH": str(tmp_path), "LLM_LOAD_PLUGINS": ""}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "llm", "-m", "headrace", "hi", *arguments]
            return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)

        return run

    def test_prints_the_answer(self, llm, upstream: Upstream) -> None:
        upstream.answer("asked by llm", openai_wire.answer(*TEXT))
        assert llm().stdout == "".join(TEXT) + "\n"

    def test_tells_of_a_failure(self, llm, upstream: Upstream) -> None:
        upstream.answer("asked by llm", openai_wire.error(400, "too long a question"))
        finished = llm("--no-stream")
        assert finished.returncode == 1
        assert "too long a question" in finished.stderr
