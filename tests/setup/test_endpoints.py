"""What of the extension an application takes: its endpoints, and the models that clients may name."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_headrace import ConfigurationError, Headrace
from tests.support.reader import QUESTION
from tests.support.upstream import Upstream, openai_wire


def application(**arguments: Any) -> Flask:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_MODEL="openai/default")
    headrace = Headrace(app, **arguments)

    @app.get("/own/<path:model>")
    def own(model: str) -> Any:
        return headrace.stream(QUESTION, model=model, stream=False)

    return app


def paths(app: Flask) -> set[str]:
    return {rule.rule for rule in app.url_map.iter_rules()}


class TestEndpoints:
    def test_an_application_has_all_by_default(self) -> None:
        assert {"/", "/api/chat", "/v1/responses", "/v1/messages", "/ai/chat"} <= paths(application())

    def test_only_the_chosen_ones_are_there(self) -> None:
        app = application(endpoints=("native", "ai-sdk"))
        assert {"/", "/api/chat", "/api/models", "/ai/chat", "/ai/object", "/api/streams/<id>"} <= paths(app)
        assert not [path for path in paths(app) if path.startswith("/v1")]
        described = app.test_client().get("/openapi.json").json
        assert described is not None
        assert not [path for path in described["paths"] if path.startswith("/v1")]

    @pytest.mark.parametrize("name", ["openai", "openai-responses", "anthropic"])
    def test_each_protocol_below_v1_has_the_list_of_models(self, name: str) -> None:
        assert "/v1/models" in paths(application(endpoints=[name]))

    def test_the_page_is_there_only_with_the_endpoints_that_it_uses(self) -> None:
        assert "/" not in paths(application(endpoints=["openai"]))

    def test_without_any_the_views_of_the_application_can_be_followed(self) -> None:
        app = application(endpoints=())
        assert "/api/streams/<id>" in paths(app)
        assert not paths(app) & {"/api/chat", "/v1/chat/completions", "/ai/chat"}

    def test_an_unknown_name_is_named(self) -> None:
        with pytest.raises(ConfigurationError, match="endpoints names 'v1', which is none of native, openai"):
            application(endpoints=["v1"])

    def test_a_string_is_no_list(self) -> None:
        with pytest.raises(ConfigurationError, match=r"endpoints is 'native': give a list of names"):
            application(endpoints="native")


class TestModels:
    @pytest.fixture
    def app(self, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Flask:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url + "/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-openai")
        for name in ("default", "gpt-small", "gpt-large"):
            upstream.answer(name, openai_wire.answer(name))
        return application(models=["openai/*-small", "smart"])

    @pytest.mark.parametrize("model", ["openai/gpt-small", None])
    def test_a_client_may_name_an_offered_model_or_none(self, app: Flask, model: str | None) -> None:
        body = {"model": model, "messages": QUESTION, "stream": False}
        assert app.test_client().post("/api/chat", json=body).status_code == 200

    @pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"])
    @pytest.mark.parametrize("model", ["openai/gpt-large", "openai/gpt-small/../gpt-large", "nobody/small"])
    def test_any_other_model_is_not_found_whether_it_exists_or_not(self, app: Flask, path: str, model: str) -> None:
        body = {"model": model, "messages": QUESTION, "max_tokens": 5}
        answer = app.test_client().post(path, json=body)
        assert answer.status_code == 404
        assert f"No model {model!r} is offered here" in answer.text

    def test_the_default_model_may_be_named_as_it_is_listed(
        self, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url + "/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-openai")
        monkeypatch.setenv("HEADRACE_MODEL", "openai/default")
        upstream.answer("default", openai_wire.answer("default"))
        client = application(models=["openai/*-small"]).test_client()
        (listed,) = [model["id"] for model in client.get("/api/models").get_json()["models"] if model["default"]]
        body = {"model": listed, "messages": QUESTION, "stream": False}
        assert client.post("/api/chat", json=body).get_json()["text"] == "default"

    @pytest.mark.parametrize("field", ["models", "fallbacks"])
    def test_a_list_of_models_for_the_provider_is_not_found(self, app: Flask, upstream: Upstream, field: str) -> None:
        """OpenRouter and LiteLLM ask another model of such a list if the first one fails."""
        body = {"model": "openai/gpt-small", "messages": QUESTION, field: ["gpt-large"]}
        before = len(upstream.requests("gpt-small"))
        answer = app.test_client().post("/v1/chat/completions", json=body)
        assert answer.status_code == 404
        assert f"{field} names further models" in answer.text
        assert len(upstream.requests("gpt-small")) == before

    def test_a_view_of_the_application_may_name_any(self, app: Flask) -> None:
        assert app.test_client().get("/own/openai/gpt-large").status_code == 200

    def test_the_lists_have_the_offered_ones_and_the_default(self, app: Flask, upstream: Upstream) -> None:
        client = app.test_client()
        native = [model["id"] for model in client.get("/api/models").get_json()["models"]]
        openai = [model["id"] for model in client.get("/v1/models").get_json()["data"]]
        assert native == openai
        assert set(native) <= {"openai/default", "openai/gpt-small"}
        assert client.get("/v1/models/openai/gpt-large").status_code == 404
