"""A `FakeProvider` in the place of all models of an application: what it was asked, and how that ends."""

from __future__ import annotations

import pytest
from flask import Flask

from flask_headrace import (
    ConfigurationError,
    Headrace,
    Message,
)
from flask_headrace.testing import FakeProvider, Silence, read_stream
from tests.support.reader import QUESTION
from tests.testing.application import Application, make_application


@pytest.fixture
def shop() -> Application:
    return make_application()


class TestQuestions:
    def test_are_recorded_as_they_were_asked(self, shop: Application, provider: FakeProvider) -> None:
        provider.answers("a", times=None)
        for fields in ({}, {"model": "anthropic/claude", "system": "Be kind.", "temperature": 0.5}, {"model": "smart"}):
            shop.ask(**fields)
        first, second, third = provider.questions
        assert (first.model, second.model, third.model) == ("openai/gpt-5", "anthropic/claude", "smart")
        assert first.messages == (Message("user", "hi"),)
        assert second.messages[0] == Message("system", "Be kind.")
        assert second.temperature == 0.5

    @pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
    def test_of_every_endpoint_are_answered(self, shop: Application, provider: FakeProvider, path: str) -> None:
        provider.answers("Hello", times=None)
        body = {"model": "openai/gpt-4", "messages": QUESTION, "stream": False}
        answer = shop.client.post(path, json=body, headers={"X-User": "ann"})
        assert "Hello" in answer.text
        assert provider.questions[0].model == shop.told[0].model == "openai/gpt-4"

    def test_of_one_provider_among_others_have_its_own_names(self) -> None:
        app = Flask("shop")
        provider = FakeProvider("mine").answers("Hello")
        headrace = Headrace(app, providers=[provider])
        app.add_url_rule("/own", view_func=lambda: headrace.stream(QUESTION, model="mine/big"))
        assert read_stream(app.test_client().get("/own")).answer.model == "mine/big"
        assert provider.questions[0].model == "big"


class TestInstallation:
    def test_is_undone(self, shop: Application) -> None:
        registry = shop.app.extensions["headrace"].registry
        provider = FakeProvider().answers("a")
        provider.install(shop.app)
        read_stream(shop.ask())
        for _ in range(2):
            provider.uninstall()
        assert shop.app.extensions["headrace"].registry is registry
        reading = read_stream(shop.ask())
        assert reading.status == 503
        assert len(provider.questions) == 1

    def test_of_two_providers_ends_in_reverse(self, shop: Application) -> None:
        outer, inner = FakeProvider().answers("outer"), FakeProvider().answers("inner")
        outer.install(shop.app)
        inner.install(shop.app)
        assert read_stream(shop.ask()).answer.text == "inner"
        inner.uninstall()
        assert read_stream(shop.ask()).answer.text == "outer"
        outer.uninstall()

    def test_needs_the_extension(self) -> None:
        with pytest.raises(ConfigurationError, match="'bare' has no Headrace"):
            FakeProvider().install(Flask("bare"))

    def test_keeps_the_names_of_the_application(self, provider: FakeProvider, shop: Application) -> None:
        listed = shop.client.get("/api/models", headers={"X-User": "ann"}).json
        assert (listed["default"], [model["id"] for model in listed["models"]]) == ("openai/gpt-5", ["openai/gpt-5"])
        assert shop.client.get("/healthz").status_code == 200

    def test_keeps_what_clients_may_name(self) -> None:
        app = Flask("shop")
        app.config.update(HEADRACE_EMBEDDED=False)
        Headrace(app, models=["openai/*"])
        provider = FakeProvider().answers("a")
        provider.install(app)
        client = app.test_client()
        statuses = [
            client.post("/api/chat", json={"messages": QUESTION, "model": model}).status_code
            for model in ("openai/gpt-5", "anthropic/claude")
        ]
        assert statuses == [200, 404]
        provider.uninstall()

    def test_stops_what_is_open_at_its_end(self, shop: Application) -> None:
        provider = FakeProvider().answers("one", Silence(), times=2)
        provider.install(shop.app)
        shop.ask(resumable=True).close()
        left_open = shop.ask()
        assert shop.told == []
        provider.uninstall()
        assert [answer.reason for answer in shop.told] == ["stopped", "stopped"]
        left_open.close()
