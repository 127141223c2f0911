"""LangChain's packages for OpenAI's and for Anthropic's protocols."""

from __future__ import annotations

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from serving import QUESTION, read_note, serve, write_answer

TOOLS = {"read_note": tool(read_note), "write_answer": tool(write_answer)}


class Wheel(BaseModel):
    kind: str
    blades: int


def chat_of(url: str, model: str, api: str) -> BaseChatModel:
    """Return the chat model of a protocol."""
    if api == "messages":
        return ChatAnthropic(base_url=url, api_key="any", model=model, max_retries=0)
    responses = {"use_responses_api": api == "responses"}
    return ChatOpenAI(base_url=url + "/v1", api_key="any", model=model, max_retries=0, **responses)


def work(url: str, model: str, api: str) -> str:
    """Do the task turn by turn, each streamed."""
    chat = chat_of(url, model, api).bind_tools(list(TOOLS.values()))
    messages = [HumanMessage(QUESTION)]
    while True:
        chunks = iter(chat.stream(messages))
        said = next(chunks)
        for chunk in chunks:
            said += chunk
        if not said.tool_calls:
            return said.text
        messages += [said, *(TOOLS[call["name"]].invoke(call) for call in said.tool_calls)]


def leave(url: str, model: str, api: str) -> str:
    """Leave a stream after its first text."""
    stream = chat_of(url, model, api).stream(QUESTION)
    text = next(chunk.text for chunk in stream if chunk.text)
    stream.close()
    return text


def fill(url: str, model: str, api: str) -> dict[str, object]:
    """Let a model fill in a form."""
    chat = chat_of(url, model, api).with_structured_output(Wheel, method="json_schema")
    return chat.invoke(QUESTION).model_dump()


serve(work, leave, fill)
