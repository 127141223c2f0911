"""The embedded model through the whole service: requests, tokens one by one, stop, kill and restart."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_headrace.providers.embedded.supervisor import unavailable_reason
from tests.conftest import NOTHING_MAY_BE_SKIPPED, require, upstreams
from tests.support.reader import QUESTION, ask, send
from tests.support.service import Service, children
from tests.support.upstream import Upstream, openai_wire

REASON = unavailable_reason()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(REASON) and not os.environ.get(NOTHING_MAY_BE_SKIPPED), reason=str(REASON)),
]

TEN_LINES = """
const response = await fetch(process.argv[1] + "/api/chat", {
  method: "POST",
  body: JSON.stringify({ messages: [{ role: "user", content: "Say hello." }], max_tokens: 12 }),
});
let rest = "", text = "", pieces = 0;
reading: for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
  const frames = (rest + bytes).split("\\n\\n");
  rest = frames.pop();
  for (const frame of frames) {
    if (!frame.startsWith("data: ")) continue;
    if (frame.slice(6) === "[DONE]") break reading;
    text += JSON.parse(frame.slice(6)).delta;
    pieces += 1;
  }
}
console.log(JSON.stringify({ text, pieces }));
"""


@pytest.fixture(scope="module")
def embedded(upstream: Upstream) -> Iterator[Service]:
    with Service(**upstreams(upstream) | {"HEADRACE_EMBEDDED": "1", "HEADRACE_MODEL": "local/smollm2"}) as running:
        running.wait_until(lambda: send(running.url + "/readyz", method="GET").status == 200, 60)
        yield running


def model_process(service: Service) -> int:
    """Return the process id of the embedded model."""
    return next(
        p for p in children(service.process.pid) if b"embedded/server.py" in Path(f"/proc/{p}/cmdline").read_bytes()
    )


def test_it_answers_in_several_tokens_at_no_cost(embedded: Service) -> None:
    answer = send(embedded.url + "/api/chat", {"messages": QUESTION, "max_tokens": 12})
    assert answer.is_done
    assert len(answer.named("message")) > 3
    assert answer.named("start")[0]["model"] == "local/smollm2"
    usage = answer.named("usage")[0]
    assert usage["cost"] == 0
    assert 0 < usage["output_tokens"] <= 12
    assert not usage["estimated"]


def test_it_is_read_by_a_reader_of_ten_lines_in_node(embedded: Service) -> None:
    node = require("node", "apt-get install nodejs")
    run = subprocess.run(
        [node, "--input-type=module", "-e", TEN_LINES, embedded.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert '"pieces":' in run.stdout
    assert '"text":""' not in run.stdout


def test_it_is_shown_by_curl(embedded: Service) -> None:
    curl = require("curl", "apt-get install curl")
    body = '{"messages":[{"role":"user","content":"Say hello."}],"max_tokens":8}'
    run = subprocess.run(
        [curl, "-sN", f"{embedded.url}/api/chat", "-d", body], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.endswith("data: [DONE]\n\n")


def test_it_follows_a_conversation_with_a_system_prompt(embedded: Service) -> None:
    turns = [*QUESTION, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "And now?"}]
    answer = send(
        embedded.url + "/api/chat", {"messages": turns, "system": "Be brief.", "max_tokens": 8, "stream": False}
    )
    assert answer.json["text"]
    assert answer.json["finish_reason"] in {"stop", "length"}


def test_it_is_not_asked_what_it_cannot_do(embedded: Service) -> None:
    picture = [{"role": "user", "content": [{"type": "image", "url": "data:image/png;base64,AAAA"}]}]
    answer = ask(embedded.url, "local/smollm2", messages=picture)
    assert answer.status == 400
    assert "local does not support images" in answer.error["message"]


def test_it_fills_the_document_of_use_object(embedded: Service) -> None:
    colour = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    answer = send(embedded.url + "/ai/object", {"prompt": "Which colour has the sky?", "schema": colour})
    assert answer.json["colour"] in {"red", "blue"}


def test_killed_it_is_missed_clearly_by_its_own_readers_alone_and_is_back(
    embedded: Service, upstream: Upstream
) -> None:
    upstream.answer("other", openai_wire.answer("ok"))
    os.kill(model_process(embedded), signal.SIGKILL)
    answer = embedded.wait_until(lambda: (a := ask(embedded.url, "local/smollm2", max_tokens=4)).status != 200 and a)
    assert answer.status in {502, 503}
    assert "local" in answer.error["message"] or "embedded model" in answer.error["message"]
    assert ask(embedded.url, "openai/other").text == "ok"
    embedded.wait_until(lambda: ask(embedded.url, "local/smollm2", max_tokens=4).status == 200, 30)


def test_it_ends_with_the_service_even_when_that_is_killed() -> None:
    with Service(HEADRACE_EMBEDDED="1") as own:
        own.wait_until(lambda: send(own.url + "/readyz", method="GET").status == 200, 60)
        model = model_process(own)
        own.process.kill()
        own.process.wait()
        deadline = Path(f"/proc/{model}/stat")
        for _ in range(1000):
            if not deadline.exists() or " Z " in deadline.read_text():
                break
            os.sched_yield()
            subprocess.run(["sleep", "0.01"], check=True)
        else:
            pytest.fail("the model lives on")
