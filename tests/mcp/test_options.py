"""The arguments of `MCPServer` that are not valid, and where the package is not installed."""

from __future__ import annotations

from typing import Any

import pytest

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.mcp import MCPServer


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"url": "ftp://a/"}, "must begin with http:// or https:// and name a host"),
            ({"url": "http:///mcp"}, "name a host"),
            ({"url": "http://a:port/"}, "it is no address"),
            ({"url": 5}, "it is no address"),
            ({"allow": []}, "allow is empty"),
            ({"allow": "search"}, r"allow is 'search': it must be a list of names"),
            ({"allow": [""]}, "allow is"),
            ({"allow": [5]}, "allow is"),
            ({"allow": None}, "allow is None"),
            ({"prefix": "a.b"}, "prefix is 'a.b'"),
            ({"prefix": "a" * 33}, "up to 32 letters"),
            ({"needs_approval": "all"}, "needs_approval is 'all'"),
            ({"needs_approval": None}, "needs_approval is None"),
            ({"timeout": 0}, "timeout is 0"),
            ({"timeout": "5"}, "timeout is '5': it must be more than 0 seconds"),
            ({"headers": {"a b": "c"}}, "headers has the name 'a b'"),
            ({"headers": {"a": "c\r\nd: e"}}, "The header a has a value"),
            ({"headers": {"a": 5}}, "The header a has a value"),
        ],
    )
    def test_what_is_not_valid(self, arguments: dict[str, Any], message: str) -> None:
        arguments = {"url": "http://127.0.0.1/mcp", "allow": ["a"], **arguments}
        with pytest.raises(ConfigurationError, match=message):
            MCPServer(arguments.pop("url"), **arguments)

    def test_its_repr_has_no_secret(self) -> None:
        server = MCPServer("https://user:word@example.com:8443/mcp?key=1", allow=["a"])
        assert repr(server) == "<MCPServer https://example.com:8443/mcp>"

    def test_without_the_package(self, monkeypatch) -> None:
        for name in ("flask_headrace.mcp_client.remote_tools", "flask_headrace.mcp_client.connection"):
            monkeypatch.delitem(__import__("sys").modules, name, raising=False)
        monkeypatch.setitem(__import__("sys").modules, "mcp", None)
        with pytest.raises(ConfigurationError, match=r"pip install -U 'flask-headrace\[mcp\]'"):
            MCPServer("http://127.0.0.1/mcp", allow=["a"])
