"""What an application writes, as a type checker sees it: right calls pass, wrong ones are found before they run."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import require
from tests.packaging.checkout import make_repository, run
from tests.support.service import ROOT

pytestmark = pytest.mark.slow

USER = """
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response
from flask_headrace import Headrace, StreamEndedInfo, stream_ended

app = Flask(__name__)
headrace = Headrace(app, url_prefix="/assistant", authorize=lambda: "alice")
turns = [{"role": "user", "content": "hi"}]
schema: Mapping[str, Any] = {"type": "object"}


@app.post("/")
def right() -> Response:
    headrace.stream(turns)
    headrace.stream(({"role": "user", "content": "hi"},), model="smart", system="Be short.", owner="alice")
    headrace.stream(turns, max_tokens=7, temperature=0, stop=["."], reasoning_effort="low")
    headrace.stream(turns, tools=[{"name": "find", "parameters": {}}], tool_choice="auto", stream_tool_arguments=True)
    headrace.stream(turns, tools=({"name": "find"},), tool_choice={"name": "find"})
    headrace.stream(turns, resumable=True, id="0123456789abcdef")
    return headrace.stream(turns, schema=schema, stream=False)


def wrong() -> None:
    headrace.stream("hi")  # type: ignore[arg-type]
    headrace.stream(turns, "smart")  # type: ignore[call-arg]
    headrace.stream(turns, system=["Be short."])  # type: ignore[arg-type]
    headrace.stream(turns, temperature="hot")  # type: ignore[arg-type]
    headrace.stream(turns, tools={"name": "find"})  # type: ignore[arg-type]
    headrace.stream(turns, tool_choice="always")  # type: ignore[arg-type]
    headrace.stream(turns, schema='{"type": "object"}')  # type: ignore[arg-type]
    headrace.stream(turns, resumable="yes")  # type: ignore[arg-type]
    headrace.stream(turns, id=7)  # type: ignore[arg-type]
"""

SETTINGS = """
[mypy]
strict = true
ignore_missing_imports = true
follow_imports = silent

[mypy-openai.*,anthropic.*,redis.*,prometheus_client.*,genai_prices.*]
follow_imports = skip
"""


FOREIGN = r"""
    "_(Io|Async)Watcher" | "set_hub" | "Literal\[False\]".*"exception"   # gevent
    | "(Arbiter|BaseApplication|ClientSocket\*|GeventWorker)" | "type\[WSGIApplication\]"  # gunicorn
    | module\ "gunicorn\.
    | server/.*attribute\ of\ "None"  # gunicorn, whose logger and body are there once it runs
    | "AbstractConnection" | redis/pubsub.*attribute\ of\ "None" | "set\[str\ \|\ dict\[str,\ Any\]\]"  # redis
    | module\ "xllamacpp"
    | http/exchange.*"property"  # queue.queue of gevent
"""
"""What pyright reports about these packages, whose stubs are wrong or incomplete. To mypy the packages are untyped."""


def find_pyright() -> str:
    return require(str(ROOT / "tests/node_modules/.bin/pyright"), "npm ci --prefix tests")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("checkout"))


EVERY_NAME = (ROOT / "tests/packaging/every_name.py").read_text()


class TestAnApplicationThatUsesEachPublicName:
    """tests/test_public_api.py sees to it that the application uses each."""

    def test_is_without_an_error_to_mypy(self, tmp_path: Path) -> None:
        (tmp_path / "every_name.py").write_text(EVERY_NAME)
        (tmp_path / "mypy.ini").write_text(SETTINGS)
        output = run(sys.executable, "-m", "mypy", "every_name.py", folder=tmp_path, MYPYPATH=str(ROOT))
        assert output.startswith("Success"), output

    def test_is_without_an_error_to_pyright_at_its_strictest(self, tmp_path: Path) -> None:
        (tmp_path / "every_name.py").write_text(EVERY_NAME)
        settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "strict"}
        (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
        output = run(find_pyright(), "--pythonpath", sys.executable, folder=tmp_path)
        assert output.startswith("0 errors"), output


class TestViewsOfAnApplication:
    """An error that is not expected fails the test, and so does an expected one that is not there."""

    def test_are_checked_by_mypy(self, tmp_path: Path) -> None:
        (tmp_path / "user.py").write_text(USER)
        (tmp_path / "mypy.ini").write_text(SETTINGS)  # the libraries of the package need not be read
        output = run(sys.executable, "-m", "mypy", "user.py", folder=tmp_path, MYPYPATH=str(ROOT))
        assert output.startswith("Success"), output

    def test_are_checked_by_pyright(self, tmp_path: Path) -> None:
        (tmp_path / "user.py").write_text(USER)
        settings = {"extraPaths": [str(ROOT)], "reportUnnecessaryTypeIgnoreComment": "error"}
        (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
        output = run(find_pyright(), "--pythonpath", sys.executable, folder=tmp_path)
        assert output.startswith("0 errors"), output


class TestCheckout:
    """The package itself, with the settings of pyproject.toml and no others."""

    def test_is_without_an_error_to_mypy(self, checkout: Path) -> None:
        output = run(sys.executable, "-m", "mypy", "-p", "flask_headrace", folder=checkout)
        assert output.startswith("Success"), output

    def test_is_found_by_pyright_and_without_an_error_of_its_own(self, checkout: Path) -> None:
        report = json.loads(run(find_pyright(), "--outputjson", "--pythonpath", sys.executable, folder=checkout))
        assert report["summary"]["filesAnalyzed"] >= len(list((checkout / "flask_headrace").rglob("*.py")))
        messages = [
            f"{Path(item['file']).relative_to(checkout)}:{item['range']['start']['line'] + 1}: {item['message']}"
            for item in report["generalDiagnostics"]
            if item["severity"] == "error"
        ]
        assert [message for message in messages if not re.search(FOREIGN, message, re.VERBOSE)] == []
