"""The built wheel in somebody else's application, which has packages called `blueprints` and `providers` of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.reader import QUESTION, Reading, send
from tests.support.service import Service, environment
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

HOST = """
import time

from flask import Flask, abort, request

import blueprints.shop
import providers
from flask_headrace import Headrace, stream_ended, stream_started
from flask_headrace import TextDelta

app = Flask(__name__)
app.config["HEADRACE_MODEL"] = "openai/hosted"
app.config["HEADRACE_EMBEDDED"] = False
heard = []


def owner_of_this_request():
    return request.headers.get("X-User") or abort(403)


headrace = Headrace(app, url_prefix="/assistant", authorize=owner_of_this_request)
stream_started.connect(lambda app, stream: heard.append(["started", stream.owner]), app, weak=False)
stream_ended.connect(lambda app, stream: heard.append([stream.end, stream.usage.output_tokens]), app, weak=False)


@app.get("/")
def index():
    return blueprints.shop.NAME + providers.NAME


@app.get("/heard")
def what_was_heard():
    return heard


@app.post("/summaries/<int:id>")
def summarise(id):
    return headrace.stream([{"role": "user", "content": f"Summarise: {id}"}], model="openai/hosted")


@app.get("/lines")
def lines():
    return headrace.stream([{"role": "user", "content": "lines"}], model="openai/hosted")


@app.post("/thrown-away")
def thrown_away():
    headrace.stream([{"role": "user", "content": "lines"}], model="openai/hosted")
    abort(409)


@app.post("/agent")
def agent():
    def steps():
        try:
            yield "thinking "
            yield TextDelta("done")
            if request_body.get("hang"):
                time.sleep(60)
        finally:
            heard.append(["agent closed", 0])

    request_body = request.get_json(silent=True) or {}
    return headrace.stream_from(steps())
"""


@pytest.fixture(scope="module")
def host(site: Path, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("host")
    (folder / "host.py").write_text(HOST)
    for package, text in (("blueprints", ""), ("providers", "NAME = 'providers'")):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(text)
    (folder / "blueprints/shop.py").write_text("NAME = 'shop'")
    (folder / "static").mkdir()
    with HostService(folder, site, OPENAI_BASE_URL=upstream.url + "/v1") as running:
        yield running


class HostService(Service):
    """The host application under gunicorn's own gevent worker, in a Python that sees the wheel and not the checkout."""

    def __init__(self, folder: Path, site: Path, **settings: str) -> None:
        super().__init__(**settings)
        self._folder = folder
        self._path = os.pathsep.join([str(folder), str(site), sysconfig.get_paths()["purelib"]])

    def __enter__(self) -> HostService:
        python = str(Path(sys.base_prefix) / "bin/python3")
        command = [
            python,
            "-m",
            "gunicorn",
            "-k",
            "gevent",
            "-b",
            f"127.0.0.1:{self.port}",
            "--no-control-socket",
            "host:app",
        ]
        settings = {name: value for name, value in self.settings.items() if not name.startswith("HEADRACE_")}
        self.process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=environment(**settings, PYTHONPATH=self._path),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until(self._is_up, 30)
        return self

    def _is_up(self) -> bool:
        try:
            return send(self.url + "/", method="GET").status == 200
        except OSError:
            return False


ALICE = {"X-User": "alice"}


def test_the_wheel_has_one_package_and_the_plugin_of_pytest_beside_it(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"flask_headrace", "pytest_flask_headrace.py"}
    assert (site / "flask_headrace/py.typed").exists()
    assert (site / "flask_headrace/templates/flask_headrace/chat.html").exists()
    assert list((site / "flask_headrace/static").rglob("*.js"))


def test_the_hosts_own_packages_are_its_own(host: Service) -> None:
    assert send(host.url + "/", method="GET").body == b"shopproviders"


def test_the_endpoints_are_under_the_prefix_and_behind_the_login(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("Hello"))
    body = {"messages": QUESTION}
    assert send(host.url + "/assistant/api/chat", body).status == 403
    answer = send(host.url + "/assistant/api/chat", body, headers=ALICE)
    assert answer.text == "Hello"
    assert answer.is_done
    body = {"id": "a", "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
    assert send(host.url + "/assistant/ai/chat", body).status == 403
    assert send(host.url + "/assistant/ai/chat", body, headers=ALICE).body.endswith(b"data: [DONE]\n\n")


def test_openais_clients_find_theirs_under_the_prefix_too(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("Hello"))
    base = host.url + "/assistant/v1"
    answer = send(base + "/chat/completions", {"messages": QUESTION}, headers=ALICE)
    assert answer.json["choices"][0]["message"]["content"] == "Hello"
    assert send(base + "/models/openai/hosted", method="GET", headers=ALICE).json["id"] == "openai/hosted"
    assert send(base + "/chat/completions", {}, headers=ALICE).error["type"] == "invalid_request_error"


def test_the_page_and_its_files_are_served_under_the_prefix(host: Service) -> None:
    page = send(host.url + "/assistant/", method="GET", headers=ALICE)
    assert page.status == 200
    for file in ("css/base.css", "chat/main.js"):
        assert send(f"{host.url}/assistant/headrace-static/{file}", method="GET").status == 200


def test_a_view_of_its_own_streams_with_all_promises(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("one", Gate("hosted"), "two"))
    reading = Reading(host.url + "/summaries/7")
    reading.until(b"one")
    reading.leave()
    upstream.wait_for(lambda: upstream.requests("hosted")[-1].ended is Ended.ABORTED)
    assert upstream.requests("hosted")[-1].body["messages"][-1]["content"] == "Summarise: 7"


def test_a_generator_of_its_own_streams(host: Service) -> None:
    answer = send(host.url + "/agent", {})
    assert answer.text == "thinking done"
    assert answer.is_done
    assert answer.named("usage")[0]["cost"] is None


def test_a_generator_of_its_own_is_closed_when_the_reader_leaves(host: Service) -> None:
    reading = Reading(host.url + "/agent", {"hang": True}, headers={"Content-Type": "application/json"})
    reading.until(b"done")
    before = send(host.url + "/heard", method="GET").json.count(["agent closed", 0])
    reading.leave()
    host.wait_until(lambda: send(host.url + "/heard", method="GET").json.count(["agent closed", 0]) == before + 1)


def test_the_signals_tell_of_start_and_end(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("Hello", usage=(9, 5)))
    send(host.url + "/assistant/api/chat", {"messages": QUESTION}, headers=ALICE)
    heard = host.wait_until(lambda: (h := send(host.url + "/heard", method="GET").json)[-1] == ["done", 5] and h)
    assert ["started", "alice"] in heard


def test_head_of_a_streaming_view_does_not_ask_the_model(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("Hello"))
    before = len(upstream.requests("hosted"))
    answer = send(host.url + "/lines", method="HEAD")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert send(host.url + "/lines", method="GET").text == "Hello"
    assert len(upstream.requests("hosted")) == before + 1


def test_a_response_that_is_thrown_away_ends_its_stream(host: Service, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("one", Gate("thrown away"), "two"))
    assert send(host.url + "/thrown-away", {}).status == 409
    host.wait_until(lambda: send(host.url + "/assistant/healthz", method="GET").json["streams"] == 0)
    upstream.wait_for(lambda: not [request for request in upstream.requests("hosted") if request.ended is None])


UNPATCHED = """
from flask_headrace import create_app, stream_ended

app = create_app()
ends = []
stream_ended.connect(lambda app, stream: ends.append(stream.reason), app, weak=False)
client = app.test_client()
question = {"messages": [{"role": "user", "content": "hi"}]}
for _ in range(3):
    client.post("/api/chat", json=question).get_data()
left = client.post("/api/chat", json=question)
next(left.iter_encoded())
left.close()
print(ends, client.get("/healthz").json["streams"])
"""


def test_without_gevent_s_patches_as_in_a_test_client_every_end_is_told(site: Path, upstream: Upstream) -> None:
    upstream.answer("hosted", openai_wire.answer("Hel", "lo"))
    settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "HEADRACE_MODEL": "openai/hosted", "HEADRACE_EMBEDDED": "0"}
    path = os.pathsep.join([str(site), sysconfig.get_paths()["purelib"]])
    run = subprocess.run(
        [sys.executable, "-c", UNPATCHED],
        cwd=site,
        env=environment(**settings, PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.split("\n")[0] in {
        "['stop', 'stop', 'stop', 'reader_left'] 0",
        "['stop', 'stop', 'stop', 'stop'] 0",
    }


def test_an_unknown_model_in_a_view_of_its_own_is_told_in_json(host: Service) -> None:
    answer = send(host.url + "/assistant/api/chat", {"messages": QUESTION, "model": "nobody/x"}, headers=ALICE)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
