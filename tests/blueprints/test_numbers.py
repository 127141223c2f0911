"""Numbers of models and of clients keep their digits on every way through a real service."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.service import Service

DIGITS = (
    "9007199254740993,123456789012345678901234567890,0.1000000000000000055511151231257827,"
    "1.0,1,1.50,1E5,1e+22,1e400,-1e-400,-0,-0.0"
)
NUMBERS = f'{{"n":[{DIGITS}]}}'
QUOTED = json.dumps(NUMBERS)
PATHS = {"chat": ("openai", "/v1"), "resp": ("openai-responses", "/v1"), "ant": ("anthropic", "")}
ENDED = "data: [DONE]\n\n"


def chat_stream(delta: str, reason: str) -> str:
    chunk = '{"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}'
    return f"data: {chunk % (delta, 'null')}\n\ndata: {chunk % ('{}', json.dumps(reason))}\n\n{ENDED}"


def event(kind: str, fields: str) -> str:
    return f'event: {kind}\ndata: {{"type":"{kind}",{fields}}}\n\n'


def anthropic_stream(start: str, delta: str, reason: str) -> str:
    return (
        event("message_start", '"message":{"id":"m","usage":{"input_tokens":1,"output_tokens":1}}')
        + event("content_block_start", f'"index":0,"content_block":{start}')
        + (event("content_block_delta", f'"index":0,"delta":{delta}') if delta else "")
        + event("content_block_stop", '"index":0')
        + event("message_delta", f'"delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":2}}')
        + event("message_stop", '"x":1')
    )


def responses_stream(item: str) -> str:
    done = event("response.output_item.done", f'"output_index":0,"item":{item}')
    return done + event("response.completed", f'"response":{{"status":"completed","output":[{item}]}}')


CALLS = {
    "chat": chat_stream(
        f'{{"tool_calls":[{{"index":0,"id":"c","function":{{"name":"f","arguments":{QUOTED}}}}}]}}', "tool_calls"
    ),
    "resp": responses_stream(f'{{"type":"function_call","id":"i","call_id":"c","name":"f","arguments":{QUOTED}}}'),
    "ant": anthropic_stream(
        '{"type":"tool_use","id":"c","name":"f","input":{}}',
        f'{{"type":"input_json_delta","partial_json":{QUOTED}}}',
        "tool_use",
    ),
    "ant-whole": anthropic_stream(f'{{"type":"tool_use","id":"c","name":"f","input":{NUMBERS}}}', "", "tool_use"),
    "chat-object": chat_stream(
        f'{{"tool_calls":[{{"index":0,"id":"c","function":{{"name":"f","arguments":{NUMBERS}}}}}]}}', "tool_calls"
    ).replace("-0,", "0,"),
}
DOCUMENTS = {
    "chat": chat_stream(f'{{"content":{QUOTED}}}', "stop"),
    "ant": anthropic_stream('{"type":"text","text":""}', f'{{"type":"text_delta","text":{QUOTED}}}', "end_turn"),
}

FUNCTION_CALL = f'{{"id":"c","type":"function","function":{{"name":"f","arguments":{QUOTED}}}}}'
UI_PART = f'{{"type":"tool-f","toolCallId":"c","state":"output-available","input":{NUMBERS},"output":{NUMBERS}}}'
UI4_CALL = f'{{"state":"result","toolCallId":"c","toolName":"f","args":{NUMBERS},"result":{NUMBERS}}}'
CALLED = {
    "/api/chat": [
        f'{{"role":"assistant","tool_calls":[{{"id":"c","name":"f","arguments":{NUMBERS}}}]}}',
        '{"role":"tool","tool_call_id":"c","content":"ok"}',
    ],
    "/v1/chat/completions": [
        f'{{"role":"assistant","tool_calls":[{FUNCTION_CALL}]}}',
        '{"role":"tool","tool_call_id":"c","content":"ok"}',
    ],
    "/v1/messages": [
        f'{{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{NUMBERS}}}]}}',
        '{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"ok"}]}',
    ],
    "/ai/chat": [f'{{"id":"m","role":"assistant","parts":[{UI_PART}]}}'],
    "/ai/v4/chat": [
        f'{{"id":"m","role":"assistant","content":"","parts":[{{"type":"tool-invocation","toolInvocation":{UI4_CALL}}}]}}'
    ],
    "/v1/responses": [
        f'{{"type":"function_call","call_id":"c","name":"f","arguments":{QUOTED}}}',
        '{"type":"function_call_output","call_id":"c","output":"ok"}',
    ],
}
TOOLS = {
    "/api/chat": '[{"name":"f","parameters":%s}]',
    "/v1/chat/completions": '[{"type":"function","function":{"name":"f","parameters":%s}}]',
    "/v1/messages": '[{"name":"f","input_schema":%s}]',
    "/v1/responses": '[{"type":"function","name":"f","parameters":%s}]',
    "/ai/chat": '[{"name":"f","parameters":%s}]',
    "/ai/v4/chat": '[{"name":"f","parameters":%s}]',
}
ENDPOINTS = tuple(TOOLS)


class Upstream:
    """Answers all requests with one event stream, and keeps the bytes of the last body."""

    def __init__(self) -> None:
        self.stream, self.body = "", ""
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                upstream.body = self.rfile.read(int(self.headers["content-length"])).decode()
                answer = upstream.stream.encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class NumberService:
    """A service with one upstream of each kind."""

    def __init__(self, service: Service, upstream: Upstream) -> None:
        self.service, self.upstream = service, upstream

    def send(self, path: str, body: str, method: str = "POST") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=20)
        connection.request(method, path, body.encode(), {"content-type": "application/json"})
        response = connection.getresponse()
        received = response.read().decode()
        connection.close()
        assert response.status == 200, received
        return received


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NumberService]:
    folder: Path = tmp_path_factory.mktemp("numbers")
    upstream = Upstream()
    tables = [
        f'[upstreams.{name}]\nkind = "{kind}"\nbase_url = "{upstream.url}{path}"\napi_key_env = "ACME_KEY"\n'
        for name, (kind, path) in PATHS.items()
    ]
    (folder / "headrace.toml").write_text("".join(tables))
    settings = {
        "HEADRACE_CONFIG": str(folder / "headrace.toml"),
        "HEADRACE_STORE": f"sqlite:///{folder}/store.db",
        "ACME_KEY": "sk-test-0123456789",
    }
    with Service(**settings) as running:
        yield NumberService(running, upstream)
    upstream.server.shutdown()


def question(path: str, kind: str, *more: str, turns: Iterable[str] = ()) -> str:
    """Return the body of a request."""
    first = '{"id":"q","role":"user","content":"hi","parts":[{"type":"text","text":"hi"}]}'
    if path == "/ai/chat":
        first = '{"id":"q","role":"user","parts":[{"type":"text","text":"hi"}]}'
    if not path.startswith("/ai"):
        first = '{"role":"user","content":"hi"}'
    messages = f"[{','.join([first, *turns])}]"
    fields = [f'"model":"{kind}/m"', f'"{"input" if path == "/v1/responses" else "messages"}":{messages}', *more]
    if path == "/v1/messages":
        fields.append('"max_tokens":99')
    return "{" + ",".join(fields) + "}"


def digits_in(text: str) -> list[str]:
    """Return all lists of numbers in a text."""
    return re.findall(r"\[(9007[^\]]*)\]", text)


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("wire", CALLS)
def test_arguments_of_a_call_reach_every_client(numbers: NumberService, wire: str, path: str, stream: str) -> None:
    numbers.upstream.stream = CALLS[wire]
    more = [] if path.startswith("/ai") else [f'"stream":{stream}']
    answer = numbers.send(path, question(path, wire.partition("-")[0], f'"tools":{TOOLS[path] % "{}"}', *more))
    expected = DIGITS if wire != "chat-object" else DIGITS.replace("-0,", "0,")
    found = digits_in(answer)
    assert found
    assert set(found) == {expected}


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_arguments_and_results_of_earlier_calls_reach_every_provider(
    numbers: NumberService, path: str, kind: str
) -> None:
    numbers.upstream.stream = CALLS[kind]
    tools = f'"tools":{TOOLS[path] % "{}"}'
    numbers.send(path, question(path, kind, tools, turns=CALLED[path]))
    found = digits_in(numbers.upstream.body)
    assert len(found) == (2 if path.startswith("/ai") else 1)
    assert set(found) == {DIGITS}


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_schemas_reach_every_provider(numbers: NumberService, path: str, kind: str) -> None:
    numbers.upstream.stream = CALLS[kind]
    schema = f'{{"type":"object","properties":{{"n":{{"enum":[{DIGITS}]}}}}}}'
    numbers.send(path, question(path, kind, f'"tools":{TOOLS[path] % schema}'))
    assert digits_in(numbers.upstream.body) == [DIGITS]


SCHEMA = '"schema":{"type":"object","properties":{"n":{"items":{"type":"number","maximum":1e401,"minimum":-0.0}}}}'
POSITIVE = DIGITS.replace("-1e-400", "1e-400")


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_grow_are_checked_stored_and_resumed(numbers: NumberService, kind: str) -> None:
    numbers.upstream.stream = DOCUMENTS[kind].replace(DIGITS, POSITIVE)
    fields = (SCHEMA, '"resumable":true', f'"id":"numbers-{kind}-0123456789"')
    streamed = numbers.send("/api/chat", question("/api/chat", kind, *fields))
    assert "[DONE]" in streamed, streamed
    added = re.findall(r'"path":"/n/-","value":([^}]*)\}', streamed)
    assert ",".join(added) == POSITIVE
    whole = numbers.send("/api/chat", question("/api/chat", kind, SCHEMA, '"stream":false'))
    assert f'"document":{{"n":[{POSITIVE}]}}' in whole
    resumed = numbers.send(f"/api/streams/numbers-{kind}-0123456789?last_event_id=2", "", "GET")
    assert f'"ops":[{{"op":"add","path":"","value":{{"n":[{POSITIVE}]}}}}]' in resumed
    sent = numbers.send("/ai/object", f'{{"model":"{kind}/m","prompt":"hi",{SCHEMA}}}')
    assert sent.strip() == f'{{"n":[{POSITIVE}]}}'


def test_stored_calls_and_growing_arguments_keep_them(numbers: NumberService) -> None:
    numbers.upstream.stream = CALLS["chat"]
    fields = ('"tools":[{"name":"f"}]', '"partials":true', '"resumable":true', '"id":"numbers-calls-0123456789"')
    streamed = numbers.send("/api/chat", question("/api/chat", "chat", *fields))
    again = numbers.send("/api/streams/numbers-calls-0123456789", "", "GET")
    for received in (streamed, again):
        assert digits_in(received) == [DIGITS, DIGITS]  # the delta, and the arguments
        assert ",".join(re.findall(r'"path":"/n/-","value":([^}]*)\}', received)) == DIGITS


def test_fields_that_are_echoed_keep_them(numbers: NumberService) -> None:
    numbers.upstream.stream = DOCUMENTS["chat"]
    echoed = (
        f'"temperature":0.50,"text":{{"format":{{"type":"json_schema","name":"a","schema":{{"enum":[{DIGITS}]}}}}}}'
    )
    answer = numbers.send("/v1/responses", question("/v1/responses", "chat", echoed, '"stream":false'))
    assert digits_in(answer) == [DIGITS, DIGITS]
    assert '"temperature":0.50' in answer
