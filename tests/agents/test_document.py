"""The programs in docs/agents.md, as they stand there: each streams the run of a real library."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

from tests.agents.contract import CALL
from tests.reliability.servers import ServedApplication
from tests.support.reader import Answer, send
from tests.support.service import ROOT
from tests.support.upstream import Upstream, openai_wire, responses_wire

SNIPPETS = re.findall(r"^( *)```python\n(.*?)^ *```", (ROOT / "docs/agents.md").read_text(), re.MULTILINE | re.DOTALL)

PRELUDE = """
import os

import httpx
from agents import function_tool
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from flask_headrace import Headrace


class Application(Flask):
    snippet = ""

    def add_url_rule(self, rule, endpoint=None, view_func=None, **options):
        # Several of the views have one name, and one path.
        super().add_url_rule(self.snippet + rule, endpoint or self.snippet, view_func, **options)


app = Application(__name__)
app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", HEADRACE_EMBEDDED=False, HEADRACE_MODEL="openai/none")
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"check_same_thread": False}}
headrace = Headrace(app)
db = SQLAlchemy(app)


class Thing(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    place: Mapped[str]


with app.app_context():
    db.create_all()
    db.session.add(Thing(name="The mill", place="It stands in Salem"))
    db.session.commit()


@app.get("/search")
def search():
    return [f"It is about {request.args['q']}. ", "It is in Salem."]


async def my_agent(question, passages):
    for passage in passages:
        yield passage


def find(what: str) -> str:
    "Find a thing."
    return f"{what} is in Salem"


SEARCH = f"http://127.0.0.1:{os.environ['PORT']}/search"
prompt = ChatPromptTemplate.from_template("{question}")
model = ChatOpenAI(model="in langchain", stream_usage=True)
graph = create_react_agent(ChatOpenAI(model="in langgraph", stream_usage=True), [find])
NAMES = dict(globals())
"""

RUN = """
app.snippet = "/{number}"
exec(compile({snippet!r}, "docs/agents.md", "exec"), names := dict(NAMES, **{given}))
"""
"""Runs one snippet with the names that it does not define itself."""

OF_A_TOOL = """
from pydantic_ai import Agent

from flask_headrace.agents.pydantic_ai import events

agent_of_a_tool = Agent("openai:gpt-5-mini", tools=[names["find"]])


@app.post("/tool")
def answer():
    return headrace.stream_from(events(agent_of_a_tool.run_stream_events(request.json["question"])))
"""
"""An application for the snippet that is a tool."""


def application() -> str:
    """Return the source of an application with all snippets."""
    code = PRELUDE
    for number, (indent, text) in enumerate(SNIPPETS):
        snippet = re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        # In OpenAI's SDK a tool is no plain function.
        given = "{'find': function_tool(find)}" if "import Agent, Runner" in snippet else "{}"
        code += RUN.format(number=number, snippet=snippet, given=given)
    return code + OF_A_TOOL


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedApplication]:
    settings = {
        "OPENAI_BASE_URL": f"{upstream.url}/v1",
        "OPENAI_API_KEY": "-",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_DEFAULT_MODEL": "in an sdk",
    }
    folder = tmp_path_factory.mktemp("snippets")
    name = "gunicorn -c gunicorn.conf.py"
    with ServedApplication(folder, name, code=application(), python=sys.executable, **settings) as running:
        running.wait_until_up(60)
        yield running


def asked(host: ServedApplication, path: str) -> Answer:
    question = {"question": "Where is the mill?"}
    answer = send(f"{host.url}{path}", question, headers={"Content-Type": "application/json"})
    assert answer.is_done, host.log()
    return answer


def test_each_is_run_here() -> None:
    routes = [re.findall(r'@app\.post\("([^"]+)"\)', text) for _, text in SNIPPETS]
    assert routes == [["/agent"], ["/agent"], ["/chain"], ["/graph"], ["/sdk"], []]


def test_an_async_generator(host: ServedApplication) -> None:
    assert asked(host, "/0/agent").text == "It is about Where is the mill?. It is in Salem."


@pytest.mark.parametrize(
    ("path", "model", "result"),
    [
        ("/1/agent", "gpt-5-mini", "The mill is in Salem"),
        ("/3/graph", "in langgraph", "The mill is in Salem"),
        ("/4/sdk", "in an sdk", "The mill is in Salem"),
        ("/5/tool", "gpt-5-mini", "It stands in Salem"),
    ],
)
def test_an_agent_with_a_tool(host: ServedApplication, upstream: Upstream, path: str, model: str, result: str) -> None:
    wire = openai_wire if "langgraph" in model else responses_wire
    finish = {"finish": "tool_calls"} if wire is openai_wire else {}
    upstream.answer(model, [wire.answer(CALL, **finish), wire.answer("It is ", "in Salem.")])
    answer = asked(host, path)
    assert answer.text == "It is in Salem."
    assert answer.named("tool")[-1] == {"call": 0, "result": result}


def test_a_chain(host: ServedApplication, upstream: Upstream) -> None:
    upstream.answer("in langchain", openai_wire.answer("It is ", "in Salem."))
    answer = asked(host, "/2/chain")
    assert answer.text == "It is in Salem."
    [usage] = answer.named("usage")
    assert not usage["estimated"]
