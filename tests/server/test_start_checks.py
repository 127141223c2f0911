"""Problems that prevent the start of the service, each reported in one sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo, run_command

from flask_headrace import create_app
from flask_headrace.core.errors import ConfigurationError
from tests.conftest import require
from tests.support.reader import ask, asking, send
from tests.support.service import ROOT, Service, environment, free_port
from tests.support.upstream import Gate, Upstream, openai_wire


def start(*arguments: str, **settings: str) -> tuple[int, str]:
    """Start gunicorn with `arguments` and wait for its end; return the exit code and the standard error."""
    run = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *arguments],
        cwd=ROOT,
        env=environment(HEADRACE_EMBEDDED="0", **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return run.returncode, run.stderr


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        code, output = start(HEADRACE_BIND=address)
    assert code != 0
    assert address in output
    assert "choose another" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"HEADRACE_HARTBEAT": "5"}, "did you mean HEADRACE_HEARTBEAT?"),
        ({"HEADRACE_BIND": "0.0.0.0:PORT"}, "HEADRACE_API_KEYS is empty"),
        ({"HEADRACE_MODEL": "gpt"}, "write it as provider/name"),
        ({"HEADRACE_STORE": "postgres://x:secret@y/z"}, "HEADRACE_STORE is 'postgres://x:***@y/z': it must be one of"),
        ({"HEADRACE_STORE": "memory", "WEB_CONCURRENCY": "2"}, "there are 2 workers"),
        ({"HEADRACE_SCHEMAS": "/nowhere"}, "it must be a folder of files NAME.json"),
        ({"GUNICORN_CMD_ARGS": "--preload"}, "preload_app is on (--preload)"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY is 0: it must be 1 or more"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud': it must be one of debug, info"),
        ({"GUNICORN_CMD_ARGS": "-k gevent"}, "The worker class is gevent (-k)"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(settings: dict[str, str], says: str) -> None:
    address = settings.get("HEADRACE_BIND", "127.0.0.1:PORT").replace("PORT", str(free_port()))
    code, output = start(**{**settings, "HEADRACE_BIND": address})
    assert code != 0
    assert says in output
    assert "Traceback" not in output


def test_no_folder_for_temporary_files_is_told_with_what_to_do() -> None:
    require("unshare", "apt-get install util-linux")
    if os.geteuid() != 0:
        require("a read-only disk", "run the tests as root, so that they can mount one")
    # As in a container whose file system is read-only.
    read_only = (
        'for folder in /tmp /var/tmp .; do mount --bind "$folder" "$folder"; mount -o remount,ro,bind "$folder"; done'
    )
    read_only += '; cd "$PWD" && exec "$@"'
    run = subprocess.run(
        ["unshare", "-m", "bash", "-c", read_only, "bash", sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"],
        cwd=ROOT,
        env=environment(HEADRACE_EMBEDDED="0", HEADRACE_BIND=f"127.0.0.1:{free_port()}", TMPDIR="/nowhere"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert "Headrace cannot start. No folder for temporary files can be written to" in run.stderr
    assert "TMPDIR=/var/tmp" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("host", "has_keys", "is_refused"),
    [
        ("0.0.0.0", False, True),
        ("::", False, True),
        ("0.0.0.0", True, False),
        ("::1", False, False),
        (None, False, False),
    ],
)
def test_an_address_of_flask_run_needs_keys_as_well(
    monkeypatch: pytest.MonkeyPatch, host: str | None, has_keys: bool, is_refused: bool
) -> None:
    served: list[str] = []
    monkeypatch.setattr("flask.cli.run_simple", lambda host, *_, **__: served.append(host))
    given = {"HEADRACE_EMBEDDED": "0", **({"HEADRACE_API_KEYS": "key"} if has_keys else {})}
    info = ScriptInfo(create_app=lambda: create_app(given))
    done = CliRunner().invoke(run_command, [] if host is None else ["--host", host], obj=info)
    assert served == ([] if is_refused else [host or "127.0.0.1"])
    assert isinstance(done.exception, ConfigurationError) is is_refused
    assert not is_refused or "HEADRACE_API_KEYS is empty" in done.exception.message


def test_an_address_from_the_command_line_needs_keys_as_well() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", f"0.0.0.0:{free_port()}"],
        cwd=ROOT,
        env=environment(HEADRACE_EMBEDDED="0"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert "HEADRACE_API_KEYS is empty" in run.stderr


def test_it_listens_on_several_addresses(upstream: Upstream) -> None:
    service, second = Service(OPENAI_BASE_URL=upstream.url + "/v1"), free_port()
    service.settings["HEADRACE_BIND"] += f", tcp://127.0.0.1:{second}"
    with service as own:
        for port in (own.port, second):
            assert send(f"http://127.0.0.1:{port}/healthz", method="GET").status == 200
        assert f"http://127.0.0.1:{second}/" in own.log()


def test_without_any_model_it_runs_and_tells_what_to_set() -> None:
    with Service() as own:
        answer = ask(own.url, "openai/x")
        assert (answer.status, answer.error["code"]) == (503, "model_unavailable")
        assert "OPENAI_API_KEY" in answer.error["message"]


def test_an_unanswered_stream_ends_with_an_error_when_the_service_is_stopped(upstream: Upstream) -> None:
    upstream.answer("cut off", openai_wire.answer("one", Gate("cut off"), "two"))
    with Service(OPENAI_BASE_URL=upstream.url + "/v1", HEADRACE_DRAIN="0.2") as own:
        with asking(own.url, "openai/cut off") as reading:
            reading.until(b"one")
            own.stop()
            rest = b"".join(reading.chunks())
        assert b'event: error\ndata: {"code":"shutting_down"' in rest
        assert b"[DONE]" not in rest
