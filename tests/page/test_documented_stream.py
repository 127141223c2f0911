"""The program in docs/stream.md, as it stands there, under Node and over a connection that breaks."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require
from tests.page.gateway import LOGIN_PAGE, Gateway
from tests.support.reader import QUESTION
from tests.support.upstream import Gate, openai_wire

ROOT = Path(__file__).resolve().parents[2]
MODEL = "documented stream"

pytestmark = pytest.mark.slow


def program(url: str) -> str:
    (code,) = re.findall(r"^```js\n(.*?)^```", (ROOT / "docs/stream.md").read_text(), re.MULTILINE | re.DOTALL)
    code = code.replace('"/headrace-static/', f'"file://{ROOT}/flask_headrace/static/')
    code = code.replace('"/api"', json.dumps(url + "/api")).replace("`/api/", f"`{url}/api/")
    messages = json.dumps(QUESTION)
    given = f"const show = (text) => console.log(JSON.stringify(text)), fail = console.error, messages = {messages};\n"
    return given + code.replace("{ messages }", f'{{ messages, model: "openai/{MODEL}" }}')


def test_it_has_every_word_once(service, upstream):
    upstream.answer(MODEL, openai_wire.answer("One", Gate("documented"), " two", " three."))
    before = len(upstream.requests(MODEL))
    node = require("node", "apt-get install nodejs (20 or later)")
    with Gateway(service.port) as gateway:
        gateway.dropped = "Last-Event-ID"
        command = [node, "--input-type=module", "-e", program(gateway.url)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert json.loads(running.stdout.readline()) == "One"
            gateway.replies = [("^GET /api/streams/", LOGIN_PAGE)] * 2
            gateway.cut()
            upstream.wait_for(lambda: not gateway.replies)
            upstream.open_gate("documented")
            rest, errors = running.communicate(timeout=60)
    assert (errors, [json.loads(line) for line in rest.splitlines()]) == ("", [" two", " three."])
    assert len(upstream.requests(MODEL)) == before + 1
