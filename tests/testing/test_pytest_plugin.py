"""The pytest plugin, in the suites of small projects: its fixtures, and that other suites do not notice it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import environment

APP = """
import pytest
from flask import Flask, request
from flask_headrace import Headrace

answers = []


def create_app():
    app = Flask("shop")
    app.config.update(TESTING=True, HEADRACE_EMBEDDED=False)
    headrace = Headrace(app)
    headrace.on_end(answers.append)

    @app.post("/ask")
    def ask():
        return headrace.stream([{"role": "user", "content": "hi"}], model="smart", resumable=True)

    return app
"""
CONFTEST = """
import pytest
from shop import create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()
"""


def run_suite(folder: Path, *options: str, **files: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on modules in a folder, of which each is one keyword argument, with the plugin as it is installed."""
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code)
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis"]
    return subprocess.run(
        [*command, "-p", "no:langsmith_plugin", "-p", "no:valkey", *options],
        cwd=folder, env=environment(PYTHONPATH=str(folder)), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def check_passed(done: subprocess.CompletedProcess[str], passed: int) -> None:
    assert f"{passed} passed" in done.stdout, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert "warning" not in done.stdout


def test_the_provider_answers_the_fixture_app(tmp_path: Path) -> None:
    code = """
import shop


def test_answer(client, headrace_provider, read_stream):
    headrace_provider.answers("one ", "two")
    answer = read_stream(client.post("/ask")).answer
    assert (answer.text, answer.model) == ("one two", "smart")
    assert headrace_provider.questions[0].model == "smart"
    assert [told.text for told in shop.answers] == ["one two"]


def test_provider_is_new_for_each_test(headrace_provider, client, read_stream):
    assert headrace_provider.questions == []
    assert "unscripted" in client.post("/ask").text


def test_without_the_provider(client):
    assert client.post("/ask").status_code == 503
"""
    check_passed(run_suite(tmp_path, shop=APP, conftest=CONFTEST, test_shop=code), 3)


def test_the_provider_is_gone_after_the_test_from_an_application_that_stays(tmp_path: Path) -> None:
    conftest = CONFTEST.replace("@pytest.fixture\ndef app", "@pytest.fixture(scope='session')\ndef app")
    code = """
from flask_headrace.testing import Silence
import shop


def test_left_open(client, headrace_provider):
    headrace_provider.answers("one", Silence())
    client.post("/ask").close()
    assert shop.answers == []


def test_without_it(client):
    assert [told.reason for told in shop.answers] == ["stopped"]
    assert client.post("/ask").status_code in (404, 503)


def test_with_it_again(client, headrace_provider, read_stream):
    headrace_provider.answers("again")
    assert read_stream(client.post("/ask")).answer.text == "again"
"""
    check_passed(run_suite(tmp_path, shop=APP, conftest=conftest, test_shop=code), 3)


def test_the_provider_is_installed_by_hand_where_there_is_no_fixture_app(tmp_path: Path) -> None:
    code = """
from shop import create_app


def test_answer(headrace_provider, read_stream):
    app = create_app()
    headrace_provider.install(app)
    headrace_provider.answers("by hand")
    assert read_stream(app.test_client().post("/ask")).answer.text == "by hand"


class TestOther:
    import pytest

    @pytest.fixture(params=["a text", None])
    def app(self, request):
        return request.param

    def test_app_that_is_none_of_flask(self, app, headrace_provider):
        assert headrace_provider.name == "fake"
"""
    check_passed(run_suite(tmp_path, shop=APP, test_shop=code), 3)


def test_an_error_in_the_fixture_app_is_the_one_that_is_shown(tmp_path: Path) -> None:
    conftest = "import pytest\n\n\n@pytest.fixture\ndef app(database):\n    pass\n"
    done = run_suite(tmp_path, conftest=conftest, test_shop="def test_app(headrace_provider):\n    pass\n")
    assert "fixture 'database' not found" in done.stdout


def test_other_suites_import_nothing_of_the_package(tmp_path: Path) -> None:
    code = """
import sys


def test_modules():
    assert "pytest_flask_headrace" in sys.modules
    assert {"flask_headrace", "gevent", "flask", "msgspec"} & sys.modules.keys() == set()


def test_own_fixture_of_that_name(read_stream):
    assert read_stream == "mine"
"""
    conftest = "import pytest\n\n\n@pytest.fixture\ndef read_stream():\n    return 'mine'\n"
    check_passed(run_suite(tmp_path, conftest=conftest, test_other=code), 2)


def test_the_fixtures_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    listed = run_suite(tmp_path, "--fixtures").stdout
    assert "headrace_provider" in listed
    assert "Return a `FakeProvider` that answers all questions of the fixture `app`" in listed


@pytest.mark.parametrize("options", [("-n", "2"), ("-p", "no:headrace")])
def test_the_plugin_gets_along_with_xdist_and_can_be_left_out(tmp_path: Path, options: tuple[str, ...]) -> None:
    code = """
import pytest


@pytest.mark.parametrize("number", range(4))
def test_answer(client, headrace_provider, read_stream, number):
    headrace_provider.answers(str(number))
    assert read_stream(client.post("/ask")).answer.text == str(number)
"""
    done = run_suite(tmp_path, *options, shop=APP, conftest=CONFTEST, test_shop=code)
    if options[0] == "-n":
        check_passed(done, 4)
    else:
        assert "fixture 'headrace_provider' not found" in done.stdout


def test_the_fixtures_work_in_this_suite(headrace_provider, read_stream) -> None:
    assert headrace_provider.questions == []
    assert callable(read_stream)
