"""The pytest plugin, as it comes with the wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.packaging.checkout import PYTHON, bare_environment

PLUGIN_USER = """
import sys


def test_startup():
    assert "pytest_flask_headrace" in sys.modules
    assert "flask_headrace" not in sys.modules


def test_answer(headrace_provider, read_stream):
    import flask_headrace

    app = flask_headrace.create_app()
    headrace_provider.install(app)
    headrace_provider.answers("from ", "the wheel")
    answer = read_stream(app.test_client().post("/api/chat", json={"messages": [{"role": "user", "content": "hi"}]}))
    assert answer.answer.text == "from the wheel"
    print(flask_headrace.__file__)
"""


def test_the_plugin_of_pytest_works(site: Path, tmp_path: Path) -> None:
    (tmp_path / "test_user.py").write_text(PLUGIN_USER)
    command = [PYTHON, "-W", "error::pytest.PytestWarning", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    # Variables of the surrounding run, such as the number of its worker, mean something to other plugins.
    bare = bare_environment(site, HEADRACE_EMBEDDED="0")
    run = subprocess.run(
        [*command, "-p", "no:schemathesis", "-p", "no:langsmith_plugin", "-p", "no:valkey"],
        cwd=tmp_path,
        env={name: value for name, value in bare.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "2 passed" in run.stdout, run.stdout + run.stderr
    assert str(site) in run.stdout
