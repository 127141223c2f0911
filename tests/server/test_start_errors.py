"""A mistake of the configuration is reported in one sentence by every program that loads an application."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT, environment, free_port

pytestmark = pytest.mark.slow

HOSTED = """
from flask import Flask
from flask_headrace import Headrace


def create_app():
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False)
    Headrace(app)
    return app
"""
FILES = {
    "broken.toml": "[models.first\n",
    "nested.toml": f"[models.first]\nchain = {'[' * 5000}\n",
    "unknown.toml": '[models.first]\nchian = ["openai/one"]\n',
    "nobody.toml": '[models.first]\nchain = ["nobody/one"]\n',
    "keyless.toml": '[upstreams.mill]\nkind = "openai"\nbase_url = "http://127.0.0.1:9"\napi_key_env = "MILL_KEY"\n',
}
MISTAKES = {
    "a file that does not exist": ("HEADRACE_CONFIG=/nowhere.toml", "HEADRACE_CONFIG is '/nowhere.toml', which cannot"),
    "a file that is not TOML": ("HEADRACE_CONFIG=broken.toml", "broken.toml is not TOML"),
    "a file that is nested too deep": ("HEADRACE_CONFIG=nested.toml", "nested.toml is not TOML"),
    "an unknown key": ("HEADRACE_CONFIG=unknown.toml", "chian is no key: did you mean chain?"),
    "a model that no provider has": ("HEADRACE_CONFIG=nobody.toml", "no provider 'nobody' is set up: set its key"),
    "a key that is not set": ("HEADRACE_CONFIG=keyless.toml", "api_key_env is MILL_KEY, a variable that is not set"),
    "no provider": ("HEADRACE_MODEL=gpt", "HEADRACE_MODEL is 'gpt': write it as provider/name"),
    "no model": ("HEADRACE_MODEL=openai/", "HEADRACE_MODEL is 'openai/': write it as provider/name"),
    "a setting": ("HEADRACE_HEARTBEAT=often", "HEADRACE_HEARTBEAT is 'often'"),
}
OURS, PLAIN = ("-c", str(ROOT / "gunicorn.conf.py")), ("--no-control-socket",)
BIND = ("-b", "127.0.0.1:PORT")
PROGRAMS = {
    "check ours": ("gunicorn", *OURS, "--check-config"),
    "check a host": ("gunicorn", *OURS, "--check-config", "hosted:app"),
    "check a factory": ("gunicorn", *OURS, "--check-config", "hosting:create_app()"),
    "check with plain gunicorn": ("gunicorn", *PLAIN, "-k", "gevent", "--check-config", "hosted:app"),
    "start ours": ("gunicorn", *OURS),
    "start a host": ("gunicorn", *OURS, "-w", "2", "hosted:app"),
    "start with plain gunicorn": ("gunicorn", *PLAIN, "-k", "gevent", *BIND, "hosted:app"),
    "start two workers": ("gunicorn", *PLAIN, "-k", "gevent", *BIND, "-w", "2", "hosting:create_app()"),
    "start threads": ("gunicorn", *PLAIN, "-k", "gthread", *BIND, "-w", "3", "hosted:app"),
    "ask": ("flask", "--app", "hosting", "headrace", "ask", "hi"),
    "models": ("flask", "--app", "hosting:create_app", "headrace", "models"),
    "run": ("flask", "--app", "hosting", "run", "--port", "PORT"),
    "run debug": ("flask", "--app", "hosting", "run", "--debug", "--port", "PORT"),
    "waitress": ("waitress", "--listen=127.0.0.1:PORT", "hosted:app"),
}
SERVING_OURS = {"check ours", "start ours"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "hosting.py").write_text(HOSTED)
    (folder / "hosted.py").write_text("from hosting import create_app\n\napp = create_app()\n")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def run(folder: Path, program: str, **settings: str) -> tuple[int, str, str]:
    """Run a program to its end; return its exit status, standard output and standard error."""
    port = str(free_port())
    settings = {"HEADRACE_EMBEDDED": "0", "HEADRACE_BIND": f"127.0.0.1:{port}", "PYTHONPATH": str(folder), **settings}
    done = subprocess.run(
        [sys.executable, "-m", *(word.replace("PORT", port) for word in PROGRAMS[program])],
        cwd=ROOT if program in SERVING_OURS else folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_mistake_is_told_in_one_sentence(folder: Path, program: str, mistake: str) -> None:
    setting, says = MISTAKES[mistake]
    name, _, value = setting.partition("=")
    status, output, error = run(folder, program, **{name: value if value not in FILES else str(folder / value)})
    assert status != 0
    assert error.count(says) == 1
    assert "Headrace cannot start. " in error
    assert "Traceback" not in output + error
    assert error.count("Booting worker") <= 3
    if not program.startswith("start") and program != "check with plain gunicorn":
        assert (output, len(error.splitlines())) == ("", 1)


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name.startswith("check")])
def test_a_configuration_without_a_mistake_passes_the_check(folder: Path, program: str) -> None:
    assert run(folder, program) == (0, "", "")


@pytest.mark.parametrize("program", ["start a host", "start with plain gunicorn", "start two workers"])
@pytest.mark.parametrize("log", ["LOG_LEVEL=debug", "LOG_LEVEL=critical", "--log-level debug", "--error-logfile log"])
def test_a_mistake_is_told_whatever_is_logged(folder: Path, program: str, log: str) -> None:
    name, _, level = log.partition("=")
    settings = {name: level} if level else {"GUNICORN_CMD_ARGS": log}
    status, _, error = run(folder, program, HEADRACE_CONFIG="/nowhere.toml", **settings)
    assert status != 0
    assert error.count("Headrace cannot start. HEADRACE_CONFIG is '/nowhere.toml'") == 1
    assert "Traceback" not in error
    if "logfile" in log:
        assert "Headrace cannot start. HEADRACE_CONFIG is '/nowhere.toml'" in (folder / "log").read_text()


@pytest.mark.parametrize("level", ["loud", ""])
@pytest.mark.parametrize("program", ["check ours", "check a host", "start ours", "start a host"])
def test_an_unknown_log_level_is_told(folder: Path, program: str, level: str) -> None:
    status, _, error = run(folder, program, LOG_LEVEL=level)
    assert status != 0
    assert f"Headrace cannot start. LOG_LEVEL is '{level}': it must be one of debug, info" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("count", ["two", "", "1.5", "-1"])
def test_make_run_tells_a_number_of_workers_that_is_none(count: str) -> None:
    done = subprocess.run(
        ["make", "run"],
        cwd=ROOT,
        env=environment(WEB_CONCURRENCY=count, HEADRACE_EMBEDDED="0", HEADRACE_BIND=f"127.0.0.1:{free_port()}"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert f"WEB_CONCURRENCY is '{count}': it must be a whole number of 1 or more" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_application_may_catch_the_error_itself(folder: Path) -> None:
    code = "\n".join(
        [
            "from flask import Flask",
            "from flask_headrace import ConfigurationError, Headrace",
            "try:",
            "    Headrace(Flask('caught'))",
            "except ConfigurationError as error:",
            "    print(error.message)",
            "raise RuntimeError('another')",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(HEADRACE_MODEL="gpt"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "HEADRACE_MODEL is 'gpt': write it as provider/name.\n"
    assert "Traceback" in done.stderr
    assert "RuntimeError: another" in done.stderr
