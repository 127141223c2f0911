"""Pictures, documents and text files of a question: each provider receives them, or refuses them with a sentence."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_headrace import Headrace
from flask_headrace.testing import FakeProvider
from tests.conftest import upstreams
from tests.support.reader import Answer, send
from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire, responses_wire

DATA = base64.b64encode("Zeile, “two”\n".encode()).decode()
PDF, PNG = "data:application/pdf;base64,JVBERi0=", "data:image/png;base64,iVBORw0="
TEXT = {"type": "file", "url": f"data:text/markdown;charset=utf-8;base64,{DATA}", "name": "notes.md"}
IN_ONE_TEXT = "notes.md:\n\nZeile, “two”\n"
WIRES = {"openai": openai_wire, "anthropic": anthropic_wire, "answers": responses_wire}
FILE = """
[upstreams.answers]
kind = "openai-responses"
base_url = "{url}/v1"
"""


@pytest.fixture(scope="module")
def attaching(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    config: Path = tmp_path_factory.mktemp("attachments") / "headrace.toml"
    config.write_text(FILE.format(url=upstream.url))
    with Service(**upstreams(upstream), HEADRACE_CONFIG=str(config), HEADRACE_EMBEDDED="1") as running:
        yield running


def question(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is in it?"}, part]}]


def ask(service: Service, model: str, part: dict[str, Any], **fields: Any) -> Answer:
    return send(service.url + "/api/chat", {"model": model, "messages": question(part), **fields})


def sent(service: Service, upstream: Upstream, provider: str, part: dict[str, Any]) -> Any:
    upstream.answer("reads", WIRES[provider].answer("Words."))
    assert ask(service, f"{provider}/reads", part).text == "Words."
    body = upstream.requests("reads")[-1].body
    return body.get("messages", body.get("input"))[-1]["content"][1]


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("openai", {"type": "text", "text": IN_ONE_TEXT}),
        ("answers", {"type": "input_file", "file_data": TEXT["url"], "filename": "notes.md"}),
        (
            "anthropic",
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "Zeile, “two”\n"},
                "title": "notes.md",
            },
        ),
    ],
)
def test_a_text_file_arrives(attaching: Service, upstream: Upstream, provider: str, part: dict[str, Any]) -> None:
    assert sent(attaching, upstream, provider, TEXT) == part


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("openai", {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}),
        ("answers", {"type": "input_file", "file_data": PDF, "filename": "a.pdf"}),
        (
            "anthropic",
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "a.pdf",
            },
        ),
    ],
)
def test_a_document_arrives(attaching: Service, upstream: Upstream, provider: str, part: dict[str, Any]) -> None:
    assert sent(attaching, upstream, provider, {"type": "file", "url": PDF, "name": "a.pdf"}) == part


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("openai", {"type": "image_url", "image_url": {"url": PNG}}),
        ("answers", {"type": "input_image", "image_url": PNG, "detail": "auto"}),
        ("anthropic", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0="}}),
    ],
)
def test_a_picture_arrives(attaching: Service, upstream: Upstream, provider: str, part: dict[str, Any]) -> None:
    assert sent(attaching, upstream, provider, {"type": "image", "url": PNG}) == part


class TestTheEmbeddedModel:
    def test_reads_a_text_file(self, attaching: Service) -> None:
        attaching.wait_until(lambda: ask(attaching, "local/smollm2", TEXT, max_tokens=4).status == 200, 60)
        assert ask(attaching, "local/smollm2", TEXT, max_tokens=4).is_done

    @pytest.mark.parametrize(
        ("part", "feature"), [({"type": "file", "url": PDF}, "files"), ({"type": "image", "url": PNG}, "images")]
    )
    def test_refuses_others(self, attaching: Service, part: dict[str, Any], feature: str) -> None:
        answer = ask(attaching, "local/smollm2", part)
        assert answer.status == 400
        assert answer.error["message"] == f"local does not support {feature}: omit it, or use another model."

    def test_refuses_a_text_that_cannot_be_read(self, attaching: Service) -> None:
        part = {"type": "file", "url": "data:text/plain;base64,/w==", "name": "a.txt"}
        answer = ask(attaching, "local/smollm2", part)
        assert answer.status == 400
        assert answer.error["message"] == (
            "The file 'a.txt' is text by its media type, 'text/plain', and is not in UTF-8: save it in UTF-8."
        )

    def test_is_listed_with_what_it_lacks(self, attaching: Service) -> None:
        models = send(attaching.url + "/api/models", method="GET").json["models"]
        local = next(model for model in models if model["id"] == "local/smollm2")
        assert local["reasoning_efforts"] == []
        assert local["capabilities"] | {"image_input": False, "pdf_input": False} == local["capabilities"]


class TestAProviderOfTheApplication:
    def answered(self, provider: FakeProvider, part: dict[str, Any]) -> tuple[int, Any]:
        provider.answers("Words.")
        app = Flask("attachments")
        Headrace(app, providers=[provider], page=False)
        body = {"model": "fake/m", "messages": question(part), "stream": False}
        response = app.test_client().post("/api/chat", data=json.dumps(body))
        return response.status_code, response.json

    def test_receives_files_as_they_are(self) -> None:
        provider = FakeProvider()
        assert self.answered(provider, TEXT)[0] == 200
        assert provider.questions[0].messages[0].content[1].name == "notes.md"

    def test_receives_pictures_of_megabytes_also_in_a_test_client(self) -> None:
        provider = FakeProvider()
        url = "data:image/png;base64," + "iVBO" * (1024 * 1024)
        assert self.answered(provider, {"type": "image", "url": url})[0] == 200
        assert provider.questions[0].messages[0].content[1].url == url

    def test_without_files_receives_texts(self) -> None:
        provider = FakeProvider()
        provider.unsupported_features = {"files"}
        assert self.answered(provider, TEXT)[0] == 200
        assert provider.questions[0].messages[0].content[1].text == IN_ONE_TEXT

    def test_without_files_refuses_others(self) -> None:
        provider = FakeProvider()
        provider.unsupported_features = {"files"}
        status, body = self.answered(provider, {"type": "file", "url": PDF})
        assert (status, body["error"]["message"]) == (
            400, "fake does not support files: omit it, or use another model."
        )  # fmt: skip
