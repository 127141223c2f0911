"""Where the log lines go: to the application's own logging, to gunicorn's log, or to standard error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.reliability.servers import SERVERS, ServedApplication
from tests.support.host import Host
from tests.support.reader import Answer, send
from tests.support.service import ROOT, environment

pytestmark = pytest.mark.slow

HOST = """
import logging
from logging.config import dictConfig

from flask import Flask
from flask_headrace import Headrace

{before}
app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False)
headrace = Headrace(app)
{after}


@app.get("/mill")
def mill():
    return headrace.stream_from(["grain"], owner="ann")


def burning():
    yield "smoke"
    raise RuntimeError("the mill has burnt down")


@app.get("/burning")
def fire():
    return headrace.stream_from(burning())
"""
OWN = """
dictConfig({{
    "version": 1,
    "formatters": {{"own": {{"format": "OWN %(message)s"}}}},
    "handlers": {{"own": {{"class": "logging.StreamHandler", "formatter": "own"}}}},
    {rest}
}})
"""
ROOT_INFO = '"root": {"level": "INFO", "handlers": ["own"]},'
KEPT = '"disable_existing_loggers": False,'
OWN_WARNING = ROOT_INFO + '"loggers": {"flask_headrace": {"level": "WARNING"}},'
OWN_HANDLER = '"loggers": {"flask_headrace": {"level": "INFO", "handlers": ["own"], "propagate": False}},'
LEVEL_ALONE = '"loggers": {"flask_headrace": {"level": "INFO"}},'
BASIC = 'logging.basicConfig(level="INFO", format="OWN %(message)s")'


def own(rest: str) -> str:
    return OWN.format(rest=rest)


CONFIGURATIONS = {
    "none": ("", "", r"\[INFO\] "),
    "the root logger": (BASIC, "", "OWN "),
    "the root logger, after the extension": ("", BASIC, "OWN "),
    "the root logger, for warnings": ('logging.basicConfig(format="OWN %(message)s")', "", None),
    "a dictionary that disables others": (own(ROOT_INFO), "", "OWN "),
    "a dictionary that keeps others": (own(ROOT_INFO + KEPT), "", "OWN "),
    "a level of ours": (own(OWN_WARNING), "", None),
    "a level of ours, and others kept": (own(OWN_WARNING + KEPT), "", None),
    "a handler of ours": (own(OWN_HANDLER), "", "OWN "),
    "a level of ours and no handler": (own(LEVEL_ALONE), "", r"\[INFO\] "),
    "a level in code": ('logging.getLogger("flask_headrace").setLevel("ERROR")', "", None),
    "gunicorn's handlers": (
        'logging.root.handlers = logging.getLogger("gunicorn.error").handlers; logging.root.setLevel("INFO")',
        "",
        r"\[INFO\] ",
    ),
}
"""How an application configures logging before and after the extension, and what precedes a stream's last line."""


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_each_line_is_in_the_log_once(tmp_path: Path, configuration: str) -> None:
    before, after, prefix = CONFIGURATIONS[configuration]
    with Host(tmp_path, HOST.format(before=before, after=after)) as own:
        assert send(own.url + "/mill", method="GET").text == "grain"
        reference = reference_of(send(own.url + "/burning", method="GET"))
        own.wait_until(lambda: "the mill has burnt down" in own.log())
        own.stop()
        log = own.log()
    ends = re.findall(r"^(.*)stream_end (\{.*\})$", log, re.MULTILINE)
    assert len(ends) == (0 if prefix is None else 2)
    for line_start, line in ends:
        assert re.search(f"{prefix}$", line_start)
        assert json.loads(line)["owner"] in {"ann", ""}
    assert sum(json.loads(line)["owner"] == "ann" for _, line in ends) == (prefix is not None)
    assert log.count(f"reference {reference}") == 1
    assert log.count("RuntimeError: the mill has burnt down") == 1
    assert "Worker exiting" in log  # gunicorn's own lines are there, whatever the application configures


def test_a_file_of_the_application_gets_the_lines_instead_of_gunicorns_log(tmp_path: Path) -> None:
    basic = f'logging.basicConfig(level="INFO", filename="{tmp_path}/own.log")'
    with Host(tmp_path, HOST.format(before=basic, after="")) as own:
        assert send(own.url + "/mill", method="GET").text == "grain"
        own.wait_until(lambda: "stream_end" in (tmp_path / "own.log").read_text())
        own.stop()
        assert (tmp_path / "own.log").read_text().count("stream_end") == 1
        assert "stream_end" not in own.log()


def reference_of(answer: Answer) -> str:
    """Return the reference that the error of a failed stream tells the reader."""
    found = re.search(r"under reference (\w+)", answer.body.decode())
    assert found, answer.body
    return found[1]


class Burning(ServedApplication):
    """The application whose generator fails, with no logging configured, under one of the servers."""

    def __init__(self, folder: Path, server: str) -> None:
        super().__init__(folder, server)
        (folder / "hosted.py").write_text(HOST.format(before="", after=""))


@pytest.mark.parametrize("server", SERVERS)
def test_a_stack_trace_is_in_the_log_without_any_configuration_under(tmp_path: Path, server: str) -> None:
    with Burning(tmp_path, server) as own:
        own.wait_until_up()
        reference = reference_of(send(own.url + "/burning", method="GET"))
        own.wait_until(lambda: "RuntimeError: the mill has burnt down" in own.log())
        log = own.log()
    assert log.count(f"reference {reference}") == 1
    assert log.count("RuntimeError: the mill has burnt down") == 1
    assert "Traceback (most recent call last)" in log


ASKED = """
from flask import Flask
from flask_headrace import Headrace


class Mill:
    name = "mill"

    def stream(self, request):
        yield "smoke"
        raise RuntimeError("the mill has burnt down")


app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="mill/wheel")
Headrace(app, providers=[Mill()])
"""


def test_a_stack_trace_is_on_standard_error_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "asked.py").write_text(ASKED)
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "asked", "headrace", "ask", "hi"],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (reference,) = re.findall(r"under reference (\w+)", done.stderr)
    assert done.stderr.count(f"reference {reference}") == 2  # in the log, and in the message
    assert "RuntimeError: the mill has burnt down" in done.stderr


def test_a_stack_trace_is_on_standard_error_of_a_test_client(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Flask("tested")
    app.config.update(HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)

    def burning():
        yield "smoke"
        raise RuntimeError("the mill has burnt down")

    app.add_url_rule("/burning", "burning", lambda: headrace.stream_from(burning()))
    monkeypatch.setattr("logging.root.handlers", [])  # without pytest's own
    assert b"under reference" in app.test_client().get("/burning").data
    assert "RuntimeError: the mill has burnt down" in capsys.readouterr().err
