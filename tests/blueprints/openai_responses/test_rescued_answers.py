"""Answers of a provider of the Responses API that another provider completes, for a client of the Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest

from tests.blueprints.openai_responses.same_api import delta, ended, event, frames_of, item, message
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import FINISH, Chunk, Close, Upstream, openai_wire, responses_wire, script

CITATION = {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "t", "url": "https://a/b"}
QUESTION = [{"role": "user", "content": "q"}]


@pytest.fixture(scope="module")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config: Path = tmp_path_factory.mktemp("rescued") / "headrace.toml"
    address = f'base_url = "{upstream.url}/v1"\napi_key_env = "ACME_KEY"\n'
    kinds = {"resp": "", "strict": 'refuse = ["web_search"]\n', "known": 'pass = "known"\n'}
    tables = [f'[upstreams.{name}]\nkind = "openai-responses"\n{address}{more}' for name, more in kinds.items()]
    tables.append(f'[upstreams.chat]\nkind = "openai"\n{address}')
    config.write_text("".join(tables) + '[models.safe]\nchain = ["resp/first", "chat/second"]\nretries = 0\n')
    with Service(HEADRACE_CONFIG=str(config), ACME_KEY="sk-test-0123456789") as running:
        yield running


def ask(service: Service, model: str, **body: Any) -> Answer:
    return send(service.url + "/v1/responses", {"model": model, "input": QUESTION, "stream": True, **body})


def broken(*frames: Chunk) -> Any:
    return script(responses_wire.HEAD, *frames, Close())


class TestAnAnswerThatBreaksOff:
    def test_before_its_first_text_is_another_model_s(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("first", broken(item(message(0, "hi"), 0)[0]))
        upstream.answer("second", openai_wire.answer("hi there"))
        frames = frames_of(ask(service, "safe", prompt_cache_key="k"))
        assert frames[-1]["response"]["output"][0]["content"][0]["text"] == "hi there"
        assert upstream.requests("first")[-1].body["prompt_cache_key"] == "k"
        assert upstream.requests("second")[-1].body["messages"] == QUESTION

    def test_in_its_text_goes_on_with_another_model_s(self, service: Service, upstream: Upstream) -> None:
        upstream.answer("first", broken(item(message(0, "hi", phase="x"), 0)[0], delta("hi", 0)))
        upstream.answer("second", openai_wire.answer("hi there"))
        frames = frames_of(ask(service, "safe"))
        (said,) = frames[-1]["response"]["output"]
        assert (said["content"][0]["text"], said["id"], said["phase"]) == ("hi there", "msg_0", "x")

    def test_behind_what_only_it_has_is_not_continued(self, service: Service, upstream: Upstream) -> None:
        search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
        upstream.answer("first", broken(*item(search, 0), item(message(1, "hi"), 1)[0], delta("hi", 1)))
        upstream.answer("second", openai_wire.answer("hi there"))
        with pytest.raises(IncompleteRead) as caught:
            ask(service, "safe")
        assert b'"code":"restarted"' in caught.value.partial


class TestAnUpstreamThatIsNarrowed:
    def test_refuses_what_its_operator_refuses(self, service: Service, upstream: Upstream) -> None:
        answer = ask(service, "strict/m", tools=[{"type": "web_search"}])
        assert answer.status == 400
        assert "web_search is not allowed for models of strict" in answer.error["message"]

    def test_receives_what_is_known_alone(self, service: Service, upstream: Upstream) -> None:
        hi = [*item(message(0, "hi"), 0, delta("hi", 0), event("output_text.annotation.added", annotation=CITATION))]
        upstream.answer("narrow", script(responses_wire.HEAD, *hi, ended(), FINISH))
        answer = ask(service, "known/narrow", tools=[{"type": "web_search"}], novel=1)
        assert answer.headers["headrace-ignored"] == "novel, tools[0] (web_search)"
        assert not {"novel", "tools"} & upstream.requests("narrow")[-1].body.keys()
