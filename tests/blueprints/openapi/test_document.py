"""/openapi.json: it documents all endpoints, is valid OpenAPI, and the running service conforms to it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from flask_headrace import Headrace
from tests.support.reader import send
from tests.support.service import Service
from tests.support.upstream import Upstream, openai_wire

UNDOCUMENTED = {"/", "/manifest.webmanifest", "/openapi.json", "/headrace-static/{filename}"}
"""Paths for browsers, and the document itself."""

EXPECTED = """
[[operations]]
include-path = "/v1/messages/count_tokens"
checks.not_a_server_error.expected-statuses = ["2xx", "4xx", 501]
"""
"""The provider of the service's default model does not count tokens."""


def document_of(service: Service) -> dict:
    return send(service.url + "/openapi.json", method="GET").json


def test_describes_each_endpoint_and_no_other(service: Service) -> None:
    app = Flask("host", static_folder=None)
    Headrace(app)
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {
        (path, method.upper()) for path, methods in document_of(service)["paths"].items() for method in methods
    }
    assert {(path, method) for path, method in served if path not in UNDOCUMENTED} == documented


def test_explains_each_field_of_a_body(service: Service) -> None:
    document = document_of(service)
    bodies = [
        method["requestBody"]
        for path in document["paths"].values()
        for method in path.values()
        if "requestBody" in method
    ]
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(bodies)))
    assert names > {"ChatBody", "ChatCompletionBody", "ResponseBody", "MessagesBody"}
    fields = {
        f"{name}.{field}": schema
        for name in sorted(names)
        for field, schema in document["components"]["schemas"][name]["properties"].items()
    }
    assert [field for field, schema in fields.items() if "description" not in schema] == []


def test_names_its_server_under_the_prefix_of_a_host() -> None:
    app = Flask("host")
    Headrace(app, url_prefix="/assistant")
    answer = app.test_client().get("/assistant/openapi.json")
    assert answer.json["servers"] == [{"url": "/assistant"}]


@pytest.mark.slow
def test_the_service_keeps_to_it(service: Service, upstream: Upstream, tmp_path: Path) -> None:
    # A JSON document too, for those that ask for one: where it were none, the connection would be broken.
    upstream.answer("default", openai_wire.answer('"Hello"'))
    tool = Path(sys.executable).parent / "st"
    (tmp_path / "schemathesis.toml").write_text(EXPECTED)
    # Which of the bodies that fit the schema make sense is more than a schema can say.
    arguments = ["--exclude-checks", "positive_data_acceptance", "--phases", "coverage,fuzzing", "--max-examples", "15"]
    ran = subprocess.run(
        [tool, "run", service.url + "/openapi.json", *arguments, "--seed", "7", "--no-color", "--warnings", "off"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    cases = re.search(r"(\d+) generated", ran.stdout)
    assert cases is not None
    assert int(cases[1]) > 200
