"""Routes to an upstream: TLS with verified certificates, and proxies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import msgspec
import pytest

from flask_headrace.core.events import TextDelta
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.embedded.endpoint import STATE_VARIABLE, Ready
from flask_headrace.providers.embedded.provider import EmbeddedProvider
from flask_headrace.providers.http.transport import Transport, find_proxy
from tests.providers.http.requests import ask, body_of
from tests.support.event_loop import until
from tests.support.proxy import Proxy
from tests.support.upstream import Burst, Chunk, Gate, Upstream, openai_wire, script
from tests.support.upstream.steps import FINISH

ROOT = Path(__file__).resolve().parents[3]
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class TestTls:
    def test_hands_on_the_body(self, trusted: Upstream, transport: Transport) -> None:
        assert body_of(ask(transport, trusted.url, "m")) == openai_wire.answer("Hel", "lo").body

    def test_hands_on_what_comes_before_more_of_it_exists(self, trusted: Upstream, transport: Transport) -> None:
        trusted.answer("m", openai_wire.answer("one", Gate("more"), "two"))
        chunks, got = iter(ask(transport, trusted.url, "m").stream), b""
        while b'"one"' not in got:
            got += next(chunks)
        trusted.open_gate("more")
        assert b'"two"' in b"".join(chunks)

    @pytest.mark.parametrize("size", [1, 16_384, 16_385, 65_536, 200_000])
    def test_leaves_nothing_behind_in_its_own_layer(self, trusted: Upstream, transport: Transport, size: int) -> None:
        burst = Burst(Chunk(b"x" * size), 20, per_write=5)
        trusted.answer("m", script(openai_wire.HEAD, burst, Gate("never"), FINISH))
        response, got = ask(transport, trusted.url, "m"), 0
        for chunk in response.stream:
            got += len(chunk)
            if got == 20 * size:
                break
        response.close()
        assert got == 20 * size

    def test_uses_a_connection_again(self, trusted: Upstream, transport: Transport) -> None:
        for _ in range(3):
            body_of(ask(transport, trusted.url, "m"))
        assert trusted.connections.accepted == 1

    def test_does_not_trust_a_certificate_of_an_unknown_authority(self, secure: Upstream, transport: Transport) -> None:
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(transport, secure.url, "m")
        assert secure.requests() == []

    def test_does_not_trust_a_certificate_of_another_name(self, trusted: Upstream, transport: Transport) -> None:
        with Proxy(port=int(trusted.url.rpartition(":")[2])) as proxy, pytest.MonkeyPatch.context() as patch:
            patch.setenv("HTTPS_PROXY", proxy.address)
            with pytest.raises(httpx2.ConnectError, match="mismatch"):
                ask(transport, "https://model.example", "m")
            assert body_of(ask(transport, "https://localhost", "m"))

    def test_trusts_what_ssl_cert_file_names(self, secure: Upstream) -> None:
        code = (
            "from flask_headrace.providers.http.transport import Transport\n"
            "from tests.providers.http.requests import ask, body_of\n"
            f"print(len(body_of(ask(Transport(), {secure.url!r}, 'm'))))\n"
        )
        environment = {**os.environ, "SSL_CERT_FILE": str(secure.ca_file), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout.strip() == str(len(openai_wire.answer("Hel", "lo").body)), done.stderr


class TestProxy:
    def test_tunnels_to_a_secure_upstream(self, trusted: Upstream, transport: Transport, monkeypatch) -> None:
        with Proxy() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
            assert b"Hel" in body_of(ask(transport, trusted.url, "m"))
            assert proxy.heads[0].startswith(f"CONNECT {trusted.url[8:]} HTTP/1.1\r\n")

    def test_is_told_its_user_and_password(self, trusted: Upstream, transport: Transport, monkeypatch) -> None:
        with Proxy() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:pass@{proxy.address}")
            body_of(ask(transport, trusted.url, "m"))
            assert "Proxy-Authorization: Basic dXNAZXI6cGFzcw==" in proxy.heads[0]
        assert "proxy-authorization" not in trusted.requests("m")[0].headers

    def test_forwards_to_a_plain_upstream(self, own_upstream: Upstream, transport: Transport, monkeypatch) -> None:
        own_upstream.answer("m", openai_wire.answer("Hel"))
        with Proxy() as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@{proxy.address}")
            assert b"Hel" in body_of(ask(transport, own_upstream.url, "m"))
            assert proxy.heads[0].startswith(f"POST {own_upstream.url}/v1/chat/completions HTTP/1.1\r\n")
            assert "Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.heads[0]

    def test_is_told_an_address_of_ipv6_in_brackets(self, transport: Transport, monkeypatch) -> None:
        with Proxy(b"HTTP/1.1 502 No\r\n\r\n") as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            with pytest.raises(httpx2.ConnectError):
                ask(transport, "https://[::1]:8443", "m")
            assert proxy.heads[0].split("\r\n")[:2] == ["CONNECT [::1]:8443 HTTP/1.1", "Host: [::1]:8443"]

    def test_that_answers_without_end_is_a_failure_to_connect(self, transport: Transport, monkeypatch) -> None:
        with Proxy(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            with pytest.raises(httpx2.ConnectError, match="the proxy sent no complete response"):
                ask(transport, "https://model.example", "m")

    def test_never_sees_a_question_to_the_embedded_model(self, own_upstream, monkeypatch, tmp_path) -> None:
        own_upstream.answer("m", openai_wire.answer("Hel", "lo"))
        state = Ready(os.getpid(), pid=os.getpid(), port=int(own_upstream.url.rpartition(":")[2]), key="k-0123456")
        (tmp_path / "state.json").write_bytes(msgspec.json.encode(state))
        monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state.json"))
        with Proxy() as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.address)
            batches = list(EmbeddedProvider().stream(ChatRequest("m", (Message("user", "hi"),))))
            assert proxy.heads == []
        assert "".join(event.text for batch in batches for event in batch if isinstance(event, TextDelta)) == "Hello"

    @pytest.mark.parametrize("names", ["127.0.0.1", "*", "x.example,127.0.0.1"])
    def test_is_passed_by_where_no_proxy_says_so(self, own_upstream, transport, monkeypatch, names: str) -> None:
        own_upstream.answer("m", openai_wire.answer("Hel"))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", names)
        assert b"Hel" in body_of(ask(transport, own_upstream.url, "m"))

    @pytest.mark.parametrize(
        "answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"HTTP/1.1 502 No\r\n\r\n"]
    )
    def test_that_refuses_is_a_failure_to_connect(self, trusted, transport, monkeypatch, answer: bytes) -> None:
        with Proxy(answer) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            with pytest.raises(httpx2.ConnectError, match=r"Proxy CONNECT failed: HTTP/1.1 (407|502)"):
                ask(transport, trusted.url, "m")

    def test_that_leaves_or_is_not_there_is_a_failure_to_connect(self, trusted, transport, monkeypatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        with pytest.raises(httpx2.ConnectError):
            ask(transport, trusted.url, "m")

    @pytest.mark.parametrize(
        "proxy",
        ["socks5://127.0.0.1:1080", "https://127.0.0.1:443", "127.0.0.1:99999", "http://127.0.0.1:x", "http://"],
    )
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_of_no_kind_that_is_known_is_a_failure_to_connect(self, transport, monkeypatch, scheme, proxy) -> None:
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
        with pytest.raises(httpx2.ConnectError, match=r"not of the form http://host:port"):
            ask(transport, f"{scheme}://model.example", "m")

    @pytest.mark.parametrize(
        ("scheme", "names", "found"),
        [
            ("https", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
            ("https", {"https_proxy": "p:3128"}, "http://p:3128"),
            ("http", {"HTTPS_PROXY": "http://p:3128"}, None),
            ("https", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "api.acme.example"}, None),
            ("https", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".acme.example"}, None),
            ("https", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "other.example"}, "http://p:3128"),
            ("https", {"HTTPS_PROXY": ""}, None),
        ],
    )
    def test_is_named_by_the_environment(
        self, monkeypatch, scheme: str, names: dict[str, str], found: str | None
    ) -> None:
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        assert find_proxy(scheme, "api.acme.example", 443) == found


def test_connections_to_different_origins_are_kept_apart(transport: Transport) -> None:
    with Upstream() as first, Upstream() as second:
        for upstream in (first, second):
            upstream.answer("m", openai_wire.answer("a"))
            body_of(ask(transport, upstream.url, "m"))
        until(lambda: first.connections.accepted == second.connections.accepted == 1)
