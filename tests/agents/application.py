"""An application that streams agents of published libraries. It runs in an environment with any version of them."""

from __future__ import annotations

import logging
import os
import warnings

from agents import Agent as OpenAIAgent
from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
from flask import Flask
from langchain_core.output_parsers import StrOutputParser
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openai import OpenAIResponsesModel as PydanticResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from flask_headrace import Headrace
from flask_headrace.agents import langchain, langgraph, openai_agents, pydantic_ai

warnings.simplefilter("ignore")
logging.basicConfig()
set_tracing_disabled(True)

UPSTREAM, QUESTION = os.environ["AGENTS_UPSTREAM"], "Where is the mill?"

app = Flask(__name__)
headrace = Headrace(app)


def find(what: str) -> str:
    """Find a thing."""
    return f"{what} is in Salem"


def pydantic_agent(name, model=OpenAIChatModel):
    return Agent(model(name, provider=OpenAIProvider(base_url=UPSTREAM, api_key="-")), tools=[find])


def chat_model(name, **options):
    options = {"stream_usage": True, "max_retries": 0, **options}
    return ChatOpenAI(model=name, base_url=UPSTREAM, api_key="-", **options)


def graph(name):
    return create_react_agent(chat_model(name), [tool(find)])


def sdk_run(name, model=OpenAIChatCompletionsModel):
    client = AsyncOpenAI(base_url=UPSTREAM, api_key="-", max_retries=0)
    agent = OpenAIAgent("Finder", tools=[function_tool(find)], model=model(name, client))
    return lambda: Runner.run_streamed(agent, QUESTION)


ASKED = {"messages": [("user", QUESTION)]}
AGENTS = {
    "pydantic_ai": lambda name: pydantic_ai.events(pydantic_agent(name).run_stream_events(QUESTION)),
    "pydantic_ai_responses": lambda name: pydantic_ai.events(
        pydantic_agent(name, PydanticResponsesModel).run_stream_events(QUESTION)
    ),
    "pydantic_ai_text": lambda name: pydantic_ai.events(lambda: pydantic_agent(name).run_stream(QUESTION)),
    "langchain": lambda name: langchain.events(chat_model(name).bind_tools([tool(find)]).stream(QUESTION)),
    "langchain_async": lambda name: langchain.events(chat_model(name).bind_tools([tool(find)]).astream(QUESTION)),
    "langchain_text": lambda name: langchain.events((chat_model(name) | StrOutputParser()).astream(QUESTION)),
    "langchain_responses": lambda name: langchain.events(
        chat_model(name, use_responses_api=True).bind_tools([tool(find)]).astream(QUESTION)
    ),
    "langchain_events": lambda name: langchain.events(graph(name).astream_events(ASKED, version="v2")),
    "langgraph": lambda name: langgraph.events(graph(name).stream(ASKED, stream_mode="messages")),
    "langgraph_async": lambda name: langgraph.events(graph(name).astream(ASKED, stream_mode="messages")),
    "langgraph_modes": lambda name: langgraph.events(
        graph(name).astream(ASKED, stream_mode=["updates", "messages"], subgraphs=True)
    ),
    "openai_agents": lambda name: openai_agents.events(sdk_run(name)),
    "openai_agents_responses": lambda name: openai_agents.events(sdk_run(name, OpenAIResponsesModel)),
    "langgraph_updates": lambda name: langgraph.events(graph(name).astream(ASKED, stream_mode="updates")),
}


@app.post("/<agent>/<name>")
def stream(agent, name):
    return headrace.stream_from(AGENTS[agent](name))
