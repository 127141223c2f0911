"""Without a key, neither the service nor a host application can be opened to the network, with any server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo, run_command

from flask_headrace import Headrace
from flask_headrace.core.errors import ConfigurationError
from tests.support.host import Host
from tests.support.reader import QUESTION, send
from tests.support.service import ROOT, Service, environment, free_port
from tests.support.upstream import Upstream, openai_wire

HOST = """
from flask import Flask
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update({config!r}, HEADRACE_EMBEDDED=False)
Headrace(app, url_prefix="/assistant", authorize={authorize})


@app.get("/healthz")
def health():
    return "ok"


def create():
    return app


def wrapped(environ, start_response):
    return app(environ, start_response)
"""


def application(config: dict[str, Any] | None = None, authorize: object = None) -> str:
    return HOST.format(config=config or {}, authorize=authorize)


def start(folder: Path, code: str, *arguments: str, name: str = "app", **settings: str) -> tuple[int, str]:
    """Start gunicorn with an application on all interfaces; return its exit code and output when it has ended."""
    (folder / "hosting.py").write_text(code)
    served = ("-b", f"0.0.0.0:{free_port()}", "--pythonpath", str(folder), *arguments, f"hosting:{name}")
    run = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *served],
        cwd=ROOT,
        env=environment(HEADRACE_EMBEDDED="0", **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


class TestKeysOfTheEnvironment:
    def test_guard_an_application_of_ones_own(self, tmp_path: Path, upstream: Upstream) -> None:
        upstream.answer("default", openai_wire.answer("ok"))
        settings = {"OPENAI_BASE_URL": upstream.url + "/v1", "HEADRACE_MODEL": "openai/default"}
        with Host(tmp_path, application(), HEADRACE_API_KEYS="key", **settings) as own:
            url, body = own.url + "/assistant/api/chat", {"messages": QUESTION}
            assert send(url, body).status == 401
            assert send(url, body, headers={"x-api-key": "key"}).text == "ok"

    @pytest.mark.parametrize("name", ["app", "create()"])
    def test_are_no_lock_where_the_application_has_opened_the_door(self, tmp_path: Path, name: str) -> None:
        code = application({"HEADRACE_API_KEYS": ""})
        status, output = start(tmp_path, code, name=name, HEADRACE_API_KEYS="key")
        assert status != 0
        assert "Headrace cannot start. The service is to listen on 0.0.0.0:" in output
        assert "give the extension an `authorize`" in output
        assert "Traceback" not in output


class TestAnApplicationUnderGunicorn:
    def test_with_an_unknown_setting_does_not_start_and_says_so(self, tmp_path: Path) -> None:
        status, output = start(tmp_path, application({"HEADRACE_API_KEY": "key"}))
        assert status != 0
        assert "Headrace cannot start. HEADRACE_API_KEY is no setting: did you mean HEADRACE_API_KEYS?" in output
        assert "Traceback" not in output

    def test_that_hides_the_extension_does_not_start_and_says_why(self, tmp_path: Path) -> None:
        status, output = start(tmp_path, application(authorize="lambda: 'x'"), name="wrapped")
        assert status != 0
        assert "not a Flask application with Headrace in it" in output
        assert "Traceback" not in output

    def test_of_the_same_name_as_ours_is_asked_for_its_own_keys(self, tmp_path: Path) -> None:
        (tmp_path / "gunicorn.conf.py").write_text((ROOT / "gunicorn.conf.py").read_text())
        own = Service()
        own.settings["HEADRACE_BIND"] = f"0.0.0.0:{own.port}"
        own.command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:app"]
        own.folder = tmp_path
        (tmp_path / "app.py").write_text(application({"HEADRACE_API_KEYS": "key"}))
        with own:
            url, body = own.url + "/assistant/api/chat", {"messages": QUESTION}
            assert send(url, body).status == 401


@pytest.mark.parametrize(
    ("given", "is_open"),
    [
        ({}, True),
        ({"authorize": lambda: "alice"}, False),
        ({"config": {"HEADRACE_API_KEYS": ["key"]}}, False),
    ],
)
class TestAnApplicationOfOnesOwn:
    def test_is_open_without_a_key_and_a_login_alone(self, given: dict[str, Any], is_open: bool) -> None:
        service = extended(**given).extensions["headrace"]
        assert service.is_open is is_open
        assert (service.trusted_hosts is None) is not is_open

    def test_is_refused_to_the_network_by_flask_run_while_it_is_open(
        self, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], is_open: bool
    ) -> None:
        served: list[str] = []
        monkeypatch.setattr("flask.cli.run_simple", lambda host, *_, **__: served.append(host))
        info = ScriptInfo(create_app=lambda: extended(**given))
        done = CliRunner().invoke(run_command, ["--host", "0.0.0.0"], obj=info)
        assert served == ([] if is_open else ["0.0.0.0"])
        assert isinstance(done.exception, ConfigurationError) is is_open


def extended(config: dict[str, Any] | None = None, **given: Any) -> Flask:
    app = Flask("own")
    app.config.update(HEADRACE_EMBEDDED=False, **(config or {}))
    Headrace(app, **given)
    return app
