"""What an application sets about the page: it reaches the document and the policy, and mistakes are told."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_headrace import ChatPage, ConfigurationError, Headrace
from flask_headrace.blueprints.page_options import FEATURES

SET = {
    "title": "Mühle & <Söhne>",
    "logo": "/static/logo.svg",
    "icon": "https://cdn.example/icon.png",
    "greeting": 'What "grinds"?',
    "introduction": "Ask the miller's boy.",
    "examples": ["Why does it turn?", "</script><b>'"],
    "features": ["export", "structured"],
    "stylesheet": "https://cdn.example/own.css?v=2",
    "language": "en",
}


def client_of(page: Any, **options: Any) -> FlaskClient:
    app = Flask("host")
    app.config["HEADRACE_EMBEDDED"] = False
    Headrace(app, page=page, **options)
    return app.test_client()


def options_of(text: str) -> dict[str, Any]:
    (found,) = re.findall(r'data-page="([^"]*)"', text)
    options: dict[str, Any] = json.loads(html.unescape(found))
    return options


@pytest.mark.parametrize("page", [SET, ChatPage(**SET)], ids=["dict", "ChatPage"])
def test_what_is_set_reaches_the_document(page: Any) -> None:
    text = client_of(page).get("/").text
    assert options_of(text) == {**SET, "features": {name: name in SET["features"] for name in FEATURES}}
    assert "<title>Mühle &amp; &lt;Söhne&gt;</title>" in text
    assert '<html lang="en"' in text
    assert '<link rel="icon" href="https://cdn.example/icon.png">' in text
    styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)
    assert styles[-1] == SET["stylesheet"]


def test_the_policy_admits_what_is_set_and_nothing_else() -> None:
    policy = dict(rule.split(" ", 1) for rule in client_of(SET).get("/").headers["Content-Security-Policy"].split("; "))
    assert policy["img-src"] == "'self' data: blob: https://cdn.example"
    assert policy["style-src"] == "'self' https://cdn.example"
    assert policy["script-src"] == policy["connect-src"] == "'self'"


def test_without_anything_set_the_page_is_its_own() -> None:
    for page in (True, {}, ChatPage()):
        options = options_of(client_of(page).get("/").text)
        assert options.pop("title") == "Headrace"
        assert options.pop("features") == dict.fromkeys(FEATURES, True)
        assert set(options.values()) == {None}


def test_a_mounted_application_has_its_root_before_paths() -> None:
    client = client_of({"logo": "/logo.svg", "icon": "/icon.svg", "stylesheet": "https://a.example/a.css"})
    text = client.get("/", environ_overrides={"SCRIPT_NAME": "/mounted"}).text
    options = options_of(text)
    assert (options["logo"], options["stylesheet"]) == ("/mounted/logo.svg", "https://a.example/a.css")
    assert '<link rel="icon" href="/mounted/icon.svg">' in text


def test_no_page_stays_no_page() -> None:
    assert client_of(False).get("/").status_code == 404


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"titel": "x"}, "page has 'titel', which is no option of the chat page: did you mean title?"),
        ({1: "x"}, "page has 1, which is no option of the chat page: there are title, logo, "),
        ({"title": " "}, "title of the page is empty"),
        ({"title": None}, "title of the page is None: it must be text of 100 characters at most."),
        ({"title": "x" * 101}, "title of the page is 'xxx"),
        ({"greeting": 3}, "greeting of the page is 3: it must be text"),
        ({"logo": "logo.svg"}, "logo of the page is 'logo.svg': write it as /path or https://host/path"),
        ({"logo": "//evil.example/x"}, "logo of the page is '//evil.example/x'"),
        ({"logo": "javascript:alert(1)"}, "logo of the page is"),
        ({"logo": "https://user@evil.example/x"}, "logo of the page is"),
        ({"icon": "https://a.example; script-src *"}, "icon of the page is"),
        ({"stylesheet": "/a b.css"}, "stylesheet of the page is '/a b.css'"),
        ({"stylesheet": "https://a.example'x"}, "stylesheet of the page is"),
        ({"examples": "Why?"}, "examples of the page is 'Why?': it must be a list of questions."),
        ({"examples": [""]}, "examples of the page has '': each must be text"),
        ({"examples": {"a": "b"}}, "examples of the page is {'a': 'b'}"),
        ({"examples": [3]}, "examples of the page has 3"),
        ({"features": ["magic"]}, "features of the page has 'magic', which is none: there are attachments, "),
        ({"features": 1}, "features of the page is 1: it must be a list of names, of attachments, "),
        ({"language": "german"}, "language of the page is 'german': write it as de or pt-BR."),
        ({"language": 'de" onload="'}, "language of the page is"),
    ],
)
def test_a_mistake_is_told(page: dict[Any, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        client_of(page)
    assert message in raised.value.message


@pytest.mark.parametrize("page", ["Mill", 3, None, ["title"]])
def test_another_type_is_a_type_error(page: Any) -> None:
    with pytest.raises(TypeError, match=r"page is .*: pass True, False, a ChatPage, or a dict"):
        client_of(page)


class TestFile:
    def test_sets_the_page_of_the_service(self, tmp_path: Path) -> None:
        path = tmp_path / "headrace.toml"
        path.write_text('[page]\ntitle = "Mill"\nexamples = ["Why?"]\nfeatures = []\n')
        app = Flask("host")
        app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_CONFIG=str(path))
        Headrace(app)
        options = options_of(app.test_client().get("/").text)
        assert (options["title"], options["examples"]) == ("Mill", ["Why?"])
        assert not any(options["features"].values())

    def test_gives_way_to_the_argument(self, tmp_path: Path) -> None:
        path = tmp_path / "headrace.toml"
        path.write_text('[page]\ntitle = "Mill"\n')
        app = Flask("host")
        app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_CONFIG=str(path))
        Headrace(app, page={"greeting": "Hi"})
        assert options_of(app.test_client().get("/").text)["title"] == "Headrace"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("page = 3", "headrace.toml: page is 3: write it as a table, [page]."),
            ('[page]\nlogo = "x"', "headrace.toml: in [page], logo of the page is 'x': write it as"),
            ("[page]\nname = 3", "headrace.toml: in [page], page has 'name', which is no option of the chat page"),
        ],
    )
    def test_with_a_mistake_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "headrace.toml"
        path.write_text(text)
        app = Flask("host")
        app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_CONFIG=str(path))
        with pytest.raises(ConfigurationError) as raised:
            Headrace(app)
        assert message in raised.value.message


@pytest.mark.parametrize(("prefix", "root"), [(None, ""), ("/assistant", ""), (None, "/mounted"), ("/a/b", "/mounted")])
class TestManifest:
    def manifest(self, page: Any, prefix: str | None, root: str) -> tuple[FlaskClient, dict[str, Any]]:
        client = client_of(page, url_prefix=prefix)
        response = client.get(f"{prefix or ''}/manifest.webmanifest", environ_overrides={"SCRIPT_NAME": root})
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/manifest+json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return client, json.loads(response.text)

    def test_begins_at_the_page_and_goes_no_further(self, prefix: str | None, root: str) -> None:
        _, manifest = self.manifest(True, prefix, root)
        start = f"{root}{prefix or ''}/"
        assert [manifest[name] for name in ("id", "start_url", "scope")] == [start] * 3
        assert (manifest["name"], manifest["display"]) == ("Headrace", "standalone")

    def test_has_icons_that_are_there(self, prefix: str | None, root: str) -> None:
        client, manifest = self.manifest(True, prefix, root)
        assert {icon["sizes"] for icon in manifest["icons"]} == {"any", "192x192", "512x512"}
        for icon in manifest["icons"]:
            response = client.get(icon["src"].removeprefix(root))
            assert (response.status_code, response.mimetype) == (200, icon["type"])
            if icon["type"] == "image/png":
                width, height = (int.from_bytes(response.data[place : place + 4], "big") for place in (16, 20))
                assert icon["sizes"] == f"{width}x{height}"

    def test_has_what_the_application_sets(self, prefix: str | None, root: str) -> None:
        _, manifest = self.manifest({"title": "Mühle", "icon": "/mill.png", "language": "de"}, prefix, root)
        assert (manifest["name"], manifest["short_name"], manifest["lang"]) == ("Mühle", "Mühle", "de")
        assert manifest["icons"] == [{"src": f"{root}/mill.png", "sizes": "any", "type": "image/png"}]

    def test_is_what_the_document_names(self, prefix: str | None, root: str) -> None:
        text = client_of(True, url_prefix=prefix).get(f"{prefix or ''}/", environ_overrides={"SCRIPT_NAME": root}).text
        (link,) = re.findall(r'<link rel="manifest"[^>]* href="([^"]+)"', text)
        assert link == f"{root}{prefix or ''}/manifest.webmanifest"


def test_the_manifest_is_no_secret_of_an_application_with_a_login() -> None:
    def nobody() -> str:
        raise AssertionError("nobody is asked for who they are")

    assert client_of(True, authorize=nobody).get("/manifest.webmanifest").status_code == 200
