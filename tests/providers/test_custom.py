"""Custom providers: the example of docs/models.md, and every optional member."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_headrace import Headrace
from flask_headrace.core.errors import ConfigurationError, UpstreamError
from flask_headrace.core.events import Completed, ResponseStarted, TextDelta, Usage
from flask_headrace.core.source_link import LinkOpened
from flask_headrace.providers.base import Provider
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.custom import ProviderAdapter, adapt_provider
from tests.support.service import ROOT

REQUEST = ChatRequest("m", (Message("user", "hi"),))


@pytest.fixture(autouse=True)
def nothing_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)


def documented_code() -> str:
    """Return the code of the example in docs/models.md."""
    section = (ROOT / "docs/models.md").read_text().partition("## A provider of your own")[2]
    found = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def ask(app: Flask, text: str, **fields: Any) -> Any:
    body = {"messages": [{"role": "user", "content": text}], "stream": False, **fields}
    return app.test_client().post("/api/chat", json=body)


def test_the_one_that_the_docs_show_takes_20_lines_and_works() -> None:
    code = documented_code()
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict[str, Any] = {"__name__": "shown"}
    exec(code, names)
    app = names["app"]
    answer = ask(app, "pretty bird", model="parrot/grey").json
    assert (answer["text"], answer["model"], answer["finish_reason"]) == ("pretty bird ", "parrot/grey", "stop")
    assert app.test_client().get("/api/models").json["models"][0]["id"] == "parrot/parrot"
    failed = ask(app, "", model="parrot/grey")
    assert (failed.status_code, failed.json["error"]["code"]) == (502, "upstream_failed")


class ScriptedProvider:
    """A provider that yields the given items, and raises those that are exceptions."""

    name = "own"

    def __init__(self, *given: Any) -> None:
        self.given = given
        self.closed = 0

    def stream(self, request: ChatRequest) -> Iterator[Any]:
        try:
            for item in self.given:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed += 1


def test_it_stands_in_chains_where_its_error_lets_the_next_take_over(tmp_path: Path) -> None:
    path = tmp_path / "headrace.toml"
    path.write_text('[models.both]\nchain = ["own/a", "other/b"]\nretries = 0')
    app = Flask("host")
    app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_CONFIG=str(path))
    custom, other = ScriptedProvider("one ", UpstreamError("gone")), ScriptedProvider("one ", "two")
    other.name = "other"
    Headrace(app, providers=[custom, other])
    answer = ask(app, "hi", model="both").json
    assert answer["text"] == "one two"
    assert [each["model"] for each in answer["usage"]["attempts"]] == ["own/a", "other/b"]
    assert (custom.closed, other.closed) == (1, 1)


@pytest.mark.parametrize("unsupported", ["images", 5, None, {"pictures"}])
def test_fields_that_it_cannot_honour_are_a_set_of_those_that_there_are(unsupported: Any) -> None:
    custom = ScriptedProvider("hi")
    custom.unsupported_features = unsupported  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match=r"unsupported_features is .*: it must be a set of request features"):
        adapt_provider(custom)


@pytest.mark.parametrize("names", ["grey", 5, [1], [""], None])
def test_a_list_of_models_that_is_none_spoils_nothing_else(names: Any, caplog: pytest.LogCaptureFixture) -> None:
    custom = ScriptedProvider("hi")
    custom.models = lambda: names  # type: ignore[attr-defined]
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = "0"
    Headrace(app, providers=[custom])
    listed = app.test_client().get("/api/models").json
    assert (listed["default"], listed["models"]) == (None, [])
    assert ask(app, "hi", model=f"{custom.name}/x").json["text"] == "hi"
    assert ask(app, "hi", model="bare").status_code == 404
    assert "failed to return its list of models" in caplog.text


class TestProviderAdapter:
    def test_fills_in_what_is_left_out(self) -> None:
        provider = adapt_provider(ScriptedProvider("hi"))
        assert isinstance(provider, Provider)
        assert (provider.pricing_provider, provider.is_embedded, provider.unsupported_features) == (
            "own",
            False,
            frozenset(),
        )
        assert provider.models() == ["own"]
        provider.preload()
        provider.health_check()
        assert repr(provider).startswith("<ProviderAdapter <")

    def test_leaves_what_is_there(self) -> None:
        custom = ScriptedProvider()
        custom.models = lambda: ["a", "b"]
        custom.unsupported_features = {"seed"}
        custom.pricing_provider = "free"
        custom.health_check = lambda: (_ for _ in ()).throw(UpstreamError("not now"))
        provider = adapt_provider(custom)
        assert (provider.models(), provider.unsupported_features, provider.pricing_provider) == (
            ["a", "b"],
            {"seed"},
            "free",
        )
        with pytest.raises(UpstreamError, match="not now"):
            provider.health_check()

    def test_takes_text_events_and_lists_of_them(self) -> None:
        custom = ScriptedProvider(
            "a", TextDelta("b"), [TextDelta("c"), TextDelta("d")], [Usage(1, 2), Completed("length")], "too late"
        )
        link, *batches = ProviderAdapter(custom).stream(REQUEST)
        assert isinstance(link, LinkOpened)
        assert batches == [
            [TextDelta("a")],
            [TextDelta("b")],
            [TextDelta("c"), TextDelta("d")],
            [Usage(1, 2), Completed("length")],
        ]
        assert custom.closed == 1
        assert list(ProviderAdapter(ScriptedProvider()).stream(REQUEST))[1:] == [[Completed("stop")]]

    @pytest.mark.parametrize(
        "wrong", [3, None, ResponseStarted("a", "b", "c"), [ResponseStarted("a", "b", "c")], ["text"]]
    )
    def test_refuses_what_is_no_piece_of_an_answer(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match="yield text, or events other than ResponseStarted"):
            list(ProviderAdapter(ScriptedProvider(wrong)).stream(REQUEST))

    def test_refuses_counts_below_nothing(self) -> None:
        with pytest.raises(ValueError, match="the numbers of a Usage must be 0 or more"):
            list(ProviderAdapter(ScriptedProvider(Usage(1, -2))).stream(REQUEST))

    @pytest.mark.parametrize("custom", [object(), "own", type("Named", (), {"name": "x"})(), ScriptedProvider])
    def test_refuses_what_is_no_provider(self, custom: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"is no provider: give it a `name` and a method"):
            adapt_provider(custom)

    @pytest.mark.parametrize("name", ["", "a/b", None])
    def test_refuses_a_name_that_cannot_stand_before_a_slash(self, name: Any) -> None:
        custom = ScriptedProvider()
        custom.name = name
        with pytest.raises(ConfigurationError, match="it must be text without a slash"):
            adapt_provider(custom)


def test_two_of_one_name_are_a_mistake() -> None:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    with pytest.raises(ConfigurationError, match="Two providers are called 'own'"):
        Headrace(app, providers=[ScriptedProvider(), ScriptedProvider()])
