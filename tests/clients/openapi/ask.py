"""Asks questions with the client that openapi-python-client generates."""

from __future__ import annotations

import sys

from headrace_client import Client
from headrace_client.api.default import (
    get_api_models,
    post_api_chat,
    post_v1_chat_completions,
    post_v1_messages,
    post_v1_responses,
)
from headrace_client.models import (
    AnthropicMessage,
    AnthropicMessageParam,
    AnthropicMessageParamRole,
    AnthropicTextBlock,
    ChatAnswer,
    ChatBody,
    ChatCompletion,
    ChatCompletionBody,
    ChatCompletionMessageParam,
    ChatCompletionMessageParamRole,
    ErrorBody,
    Message,
    MessageRole,
    MessagesBody,
    ModelList,
    OutputMessage,
    OutputTextPart,
    ResponseBody,
    ResponseObject,
)

base_url, model = sys.argv[1:]
# docs: a client of openapi-python-client
client = Client(base_url=base_url)
question = Message(role=MessageRole.USER, content="hi")
answer = post_api_chat.sync(client=client, body=ChatBody(messages=[question], model=model, stream=False))
if not isinstance(answer, ChatAnswer):
    sys.exit(f"no answer: {answer}")
print(answer.text, answer.usage.output_tokens if answer.usage else "?")
# end docs

asked = ChatCompletionMessageParam(role=ChatCompletionMessageParamRole.USER, content="hi")
completion = post_v1_chat_completions.sync(client=client, body=ChatCompletionBody(messages=[asked], model=model))
assert isinstance(completion, ChatCompletion)
print(completion.choices[0].message.content)

response = post_v1_responses.sync(client=client, body=ResponseBody(input_="hi", model=model))
assert isinstance(response, ResponseObject)
item = response.output[0]
assert isinstance(item, OutputMessage)
part = item.content[0]
assert isinstance(part, OutputTextPart)
print(part.text)

theirs = AnthropicMessageParam(role=AnthropicMessageParamRole.USER, content="hi")
message = post_v1_messages.sync(client=client, body=MessagesBody(messages=[theirs], model=model, max_tokens=64))
assert isinstance(message, AnthropicMessage)
block = message.content[0]
assert isinstance(block, AnthropicTextBlock)
print(block.text)

models = get_api_models.sync(client=client)
assert isinstance(models, ModelList)
print(len([each for each in models.models if each.default]))

refused = post_api_chat.sync(client=client, body=ChatBody(messages=[], stream=False))
assert isinstance(refused, ErrorBody)
print(refused.error.code)
