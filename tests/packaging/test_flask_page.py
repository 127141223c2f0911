"""docs/flask.md: its commands, and an application of its blocks, from the wheel in a fresh environment."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.reader import Reading, send
from tests.support.service import ROOT, Service, environment
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Upstream, openai_wire

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/flask.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

WORLD = """
from flask import Flask, abort, request
from flask_login import LoginManager, UserMixin, current_user
from flask_sqlalchemy import SQLAlchemy

import events
from flask_headrace import Data, TextDelta

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///flask-page.db"
db = SQLAlchemy(app)
RECIPE = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
login_manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, id):
        self.id = id


class Turn(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    chat = db.Column(db.Text)
    turn = db.Column(db.JSON)


with app.app_context():
    db.create_all()


@login_manager.request_loader
def load_user(request):
    return User(request.headers["X-User"]) if "X-User" in request.headers else None


def owner_of_this_request():
    return current_user.get_id() or abort(401)


def text_of(id):
    return f"text {id}"


def my_agent(body):
    return events.agent(body["question"])


def passages_about(text):
    return f"All about {text}."


def stored_turns(id):
    return [{"role": "user", "content": "What is a mill?"}, {"role": "assistant", "content": "A house."}]


def turns_of(chat):
    return [row.turn for row in db.session.scalars(db.select(Turn).filter_by(chat=chat).order_by(Turn.id))]


@app.get("/turns/<chat>")
def turns(chat):
    return turns_of(chat)

"""
RESEARCH = """
@app.post("/researched")
def researched():
    return headrace.stream_from(answer(request.json["question"]))
"""
EVENTS = """
from flask_headrace import Data, File, Source, StepStarted, ToolCallCompleted, ToolCallStarted, ToolResult

drawing = b"a drawing"

"""
HOOKS = """
from flask import Flask, abort, request

app = Flask(__name__)
cache = {"What is known?": "This is known."}


def owner_of_this_request():
    return request.headers.get("X-User") or abort(401)


def has_credit(owner):
    return owner != "bert"


def passages_about(text):
    return ["The wheel is of oak.", "The shaft is of elm."]

"""
CHAINS = '[models.smart]\nchain = ["openai/smart-one"]\n'
ANN = {"X-User": "ann", "Content-Type": "application/json"}
SERVERS = ("gunicorn -k gevent app:app", "gunicorn -c gunicorn.conf.py app:app")
HEALTH = ("/healthz", "/assistant/healthz")
CREDIT = "You have no credit left."
HOOKED = "gunicorn -k gevent hooks:app"


def block(beginning: str) -> str:
    """Return the block of the page that has these words first of all blocks."""
    return next(block for block in BLOCKS if beginning in block)


MODULES = {
    "app": [
        WORLD,
        block('headrace = Headrace(app, url_prefix="/assistant"'),
        block("def summarise(id)"),
        block("def recipe()"),
        block("def go_on(id)"),
        block("def save(answer)"),
        block("def account(app, stream)"),
        block("def answer(question)"),
        RESEARCH,
    ],
    "events": [EVENTS, block("def agent(question)")],
    "hooks": [HOOKS, block("class NoCredit"), block("def prepare(question)")],
}


class Served(Service):
    """An application of the page's blocks, started by one of its commands in a folder that has a gunicorn.conf.py."""

    def __init__(self, folder: Path, programs: Path, command: str, **settings: str) -> None:
        super().__init__(**settings)
        self.folder = folder
        for name, parts in MODULES.items():
            (folder / f"{name}.py").write_text("\n".join(parts))
        (folder / "chains.toml").write_text(CHAINS)
        shutil.copy(ROOT / "gunicorn.conf.py", folder)
        program, *arguments = shlex.split(command)
        own = ["-b", f"127.0.0.1:{self.port}", "--no-control-socket"]
        if "-c" not in arguments:
            (folder / "gunicorn.conf.py").unlink()
            arguments += own
            del self.settings["HEADRACE_BIND"]
        self.command = [str(programs / program), *arguments]
        self.settings["HEADRACE_CONFIG"] = str(folder / "chains.toml")

    def _is_up(self) -> bool:
        try:
            return any(send(f"{self.url}{path}", method="GET").status == 200 for path in HEALTH)
        except OSError:
            return False


@pytest.fixture(scope="module", params=SERVERS)
def served(
    request: pytest.FixtureRequest, programs: Path, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("page"), programs, request.param, **openai_alone(upstream)) as running:
        yield running


@pytest.fixture(scope="module")
def hooked(programs: Path, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("hooks"), programs, HOOKED, **openai_alone(upstream)) as running:
        yield running


def test_every_block_is_run() -> None:
    used = [part for parts in MODULES.values() for part in parts if part in BLOCKS]
    elsewhere = [block("def test_summary"), block("page={")]  # by tests/testing/test_documents.py, test_flask_looks.py
    assert sorted(BLOCKS) == sorted([*used, *elsewhere])
    for command in SERVERS:
        assert f"`{command}`" in PAGE


def test_what_the_page_installs_is_in_the_wheel(programs: Path) -> None:
    named = set(re.findall(r'`pip install "\.\[(\w+)\]"`', PAGE))
    code = "import importlib.metadata as m; print(*m.metadata('flask-headrace').get_all('Provides-Extra'))"
    extras = subprocess.run(
        [programs / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert named == {"embedded", "mcp", "redis"} <= set(extras)


def test_views_stream_and_stop(served: Served, upstream: Upstream) -> None:
    upstream.answer("gpt-5-mini", openai_wire.answer("Short."))
    assert send(served.url + "/summaries/7", {}).text == "Short."
    assert upstream.requests("gpt-5-mini")[-1].body["messages"][-1]["content"] == "Summarise: text 7"
    number = len(upstream.requests("gpt-5-mini"))
    upstream.answer("gpt-5-mini", openai_wire.answer("Sho", Gate("never"), "rt."))
    with Reading(served.url + "/summaries/8", {}) as reading:
        reading.until(b"Sho")
    assert upstream.ended("gpt-5-mini", number).ended is Ended.ABORTED


def test_the_events_of_an_agent_arrive(served: Served) -> None:
    answer = send(served.url + "/agent", {"question": "What is a mill?"}, headers=ANN)
    assert answer.text == "The wheel is of oak."
    assert answer.is_done
    assert [data["name"] for data in answer.named("data")] == ["progress", "parts"]
    assert answer.named("source")[0]["url"] == "https://mill.example/"
    assert answer.named("tool")[-1]["result"] == {"found": 3}
    for name in ("step", "file"):
        assert len(answer.named(name)) == 1


def test_a_generator_asks_two_models(served: Served, upstream: Upstream) -> None:
    upstream.answer("default", openai_wire.answer("oak ", "wheels"))
    upstream.answer("smart-one", openai_wire.answer("Of ", "oak."))
    answer = send(served.url + "/researched", {"question": "Of what?"}, headers=ANN)
    assert (answer.text, answer.is_done) == ("Of oak.", True)
    assert answer.named("data")[0]["value"] == "Searching oak wheels"
    assert upstream.requests("smart-one")[-1].body["messages"][-1]["content"] == "All about oak wheels.\n\nOf what?"


def test_a_recipe_fits_its_schema_and_can_be_read_again_by_its_owner(served: Served, upstream: Upstream) -> None:
    upstream.answer("default", openai_wire.answer('{"name": ', '"Bread"}'))
    answer = send(served.url + "/recipes", {"dish": "bread"}, headers=ANN)
    assert answer.text == '{"name": "Bread"}'
    path = f"{served.url}/assistant/api/streams/{answer.headers['headrace-stream-id']}"
    assert send(path, method="GET", headers=ANN | {"Last-Event-ID": "0"}).text == answer.text
    assert send(path, method="GET", headers={"X-User": "bert"}).status == 404
    assert send(served.url + "/recipes", {"dish": "bread"}, headers={"Content-Type": "application/json"}).status == 401


def test_a_stored_conversation_goes_on(served: Served, upstream: Upstream) -> None:
    upstream.answer("default", openai_wire.answer("Yes."))
    assert send(served.url + "/conversations/1", {"question": "Of oak?"}, headers=ANN).text == "Yes."
    told = [turn["content"] for turn in upstream.requests("default")[-1].body["messages"]]
    assert told == ["What is a mill?", "A house.", "Of oak?"]


def test_a_conversation_is_saved_and_the_end_is_told(served: Served, upstream: Upstream) -> None:
    upstream.answer("default", openai_wire.answer("A house."))
    send(served.url + "/chats/mills", {"question": "What is a mill?"}, headers=ANN)
    saved = served.wait_until(lambda: send(served.url + "/turns/mills", method="GET").json)
    assert [turn["content"] for turn in saved] == ["What is a mill?", "A house."]
    served.wait_until(lambda: "ann openai/default done stop" in served.log())
    send(served.url + "/chats/mills", {"question": "Of oak?"}, headers=ANN)
    told = [turn["content"] for turn in upstream.requests("default")[-1].body["messages"]]
    assert told == ["What is a mill?", "A house.", "Of oak?"]


def test_questions_are_changed_answered_and_refused_before_they_are_asked(hooked: Served, upstream: Upstream) -> None:
    def ask(question: str, user: str = "ann", **fields: str):
        body = {"messages": [{"role": "user", "content": question}], **fields}
        return send(hooked.url + "/api/chat", body, headers={"X-User": user})

    upstream.answer("smart-one", openai_wire.answer("Oak."))
    assert ask("Of what is the wheel?", model="smart").text == "Oak."
    system = upstream.requests("smart-one")[-1].body["messages"][0]
    assert system == {"role": "system", "content": "The wheel is of oak.\n\nThe shaft is of elm."}
    assert ask("What is known?").text == "This is known."
    refused = ask("Hello?", user="bert")
    assert (refused.status, refused.error["code"], refused.error["message"]) == (402, "no_credit", CREDIT)
    assert ask("Hello?", model="anthropic/claude").status == 404
    assert send(hooked.url + "/v1/chat/completions", {"messages": []}, headers=ANN).status == 404


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ('flask --app app headrace ask "What is a mill?"', "A house."),
        ("flask --app app headrace models", "smart\n"),
    ],
)
def test_the_commands_of_the_terminal(
    served: Served, programs: Path, upstream: Upstream, command: str, printed: str
) -> None:
    assert f"`{command}`" in PAGE
    upstream.answer("default", openai_wire.answer("A house."))
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [programs / program, *arguments], cwd=served.folder, env=environment(**served.settings),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, printed in done.stdout) == (0, True), done.stdout + done.stderr
