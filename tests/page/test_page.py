"""The page as a response: its headers, its files, and where it looks for the API."""

import re
from posixpath import dirname, join, normpath

import pytest
from flask import Flask

from flask_headrace.blueprints.chat_page import create_page_blueprint


def client_of(prefix=None, *, has_page=True, **options):
    app = Flask("host", **options)
    app.register_blueprint(create_page_blueprint(has_page=has_page), url_prefix=prefix)
    return app.test_client()


@pytest.mark.parametrize(("prefix", "path"), [(None, "/"), ("/assistant", "/assistant/")])
class TestPage:
    def test_it_finds_the_api_beside_itself(self, prefix, path):
        assert f'data-api="{path}api"' in client_of(prefix).get(path).text

    def test_it_finds_the_api_behind_a_proxy_that_mounts_it(self, prefix, path):
        page = client_of(prefix).get(path, environ_overrides={"SCRIPT_NAME": "/mounted"})
        assert f'data-api="/mounted{path}api"' in page.text

    def test_all_its_files_are_there_and_of_their_type(self, prefix, path):
        client = client_of(prefix)
        files = re.findall(r'(?:href|src)="(/[^"]+)"', client.get(path).text)
        assert len(files) >= 10
        for file in files:
            response = client.get(file)
            assert response.status_code == 200, file
            kind = {
                "js": "text/javascript",
                "css": "text/css",
                "svg": "image/svg+xml",
                "png": "image/png",
                "webmanifest": "application/manifest+json",
            }[file.rpartition(".")[2]]
            assert response.mimetype == kind
            assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_every_module_that_is_imported_is_there(self, prefix, path):
        client = client_of(prefix)
        base = f"{path}headrace-static/"
        seen, left = set(), {"chat/main.js"}
        while left:
            name = left.pop()
            seen.add(name)
            response = client.get(base + name)
            assert response.status_code == 200, name
            imported = re.findall(r'from "(\.[^"]+)"', response.text)
            left |= {normpath(join(dirname(name), address)) for address in imported} - seen
        assert "markdown/markdown.js" in seen


@pytest.mark.parametrize(("prefix", "path"), [(None, "/"), ("/assistant", "/assistant/")])
def test_without_the_page_its_files_stay(prefix, path):
    client = client_of(prefix, has_page=False)
    assert client.get(path).status_code == 404
    assert client.get(f"{path}manifest.webmanifest").status_code == 404
    assert client.get(f"{path}headrace-static/network/stream.js").status_code == 200


class TestHeaders:
    def test_nothing_foreign_may_be_loaded_and_nobody_may_frame_it(self):
        policy = client_of().get("/").headers["Content-Security-Policy"]
        assert policy == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def test_it_tells_nobody_where_a_reader_came_from_and_is_always_fresh(self):
        headers = client_of().get("/").headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-cache"
        assert headers["X-Content-Type-Options"] == "nosniff"

    def test_nothing_is_written_inside_the_document(self):
        text = client_of().get("/").text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\s(?:src=|type=\"application/json\"))", text)

    def test_a_host_s_own_static_folder_does_not_hide_its_files(self):
        response = client_of(static_folder=".").get("/headrace-static/chat/main.js")
        assert response.status_code == 200
