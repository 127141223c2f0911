"""The errors and warnings for a Redis that cannot be a store: before the first stream, and in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent.server import StreamServer

from flask_headrace.core.errors import ConfigurationError, HeadraceError, StoreUnavailable
from flask_headrace.streaming.stores.factory import open_store
from tests.conftest import require
from tests.streaming.stores.redis.server import RedisServer
from tests.streaming.stores.stage import WIDE
from tests.support.service import free_port
from tests.support.upstream import certificate

EVICTING = [f"{of}-{how}" for of in ("allkeys", "volatile") for how in ("lru", "lfu", "random")] + ["volatile-ttl"]


@pytest.fixture(scope="module")
def program() -> str:
    return require("redis-server", "apt-get install redis-server")


@pytest.fixture
def start(program: str, tmp_path: Path) -> Iterator[list[RedisServer]]:
    """Return what starts servers of a test's own."""
    servers: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        servers.append(RedisServer(program, folder, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def check(url: str) -> str | None:
    store = open_store(url, WIDE)
    try:
        with gevent.Timeout(10):
            return store.check()
    finally:
        store.close()


def refused(url: str, kind: type[HeadraceError] = ConfigurationError) -> str:
    """Return what is said of a store that cannot be used; there is no password in it."""
    with pytest.raises(kind) as raised:
        check(url)
    assert "s3cret" not in raised.value.message
    assert "HEADRACE_STORE" in raised.value.message or kind is StoreUnavailable
    return raised.value.message


def test_one_that_is_well_is_told_nothing_of_and_left_as_it_was(server: RedisServer) -> None:
    assert check(server.url) is None
    assert server.names() == set()


class TestPasswords:
    def test_a_wrong_one(self, server: RedisServer) -> None:
        server.client.execute_command("ACL", "SETUSER", "headrace", "on", ">right", "~*", "&*", "+@all")
        try:
            assert check(server.url.replace("://", "://headrace:right@")) is None
            message = refused(server.url.replace("://", "://headrace:s3cret@"))
            assert "refuses the user or password" in message
        finally:
            server.client.execute_command("ACL", "DELUSER", "headrace")

    def test_none_where_one_is_needed(self, start) -> None:
        server = start()
        server.client.config_set("requirepass", "right")
        server.client.close()
        assert "refuses the user or password" in refused(server.url)

    def test_one_where_none_is_needed(self, server: RedisServer) -> None:
        assert "needs no password" in refused(server.url.replace("://", "://:s3cret@"))

    @pytest.mark.parametrize(
        "may",
        [
            ["~other:*", "&*", "+@all"],
            ["~*", "+@all"],
            ["~*", "&*", "+@all", "-@scripting"],
            ["~*", "&*", "+@all", "-subscribe"],
            ["~*", "&*", "+@all", "-ping"],
            ["%R~*", "&*", "+@all"],
            ["~*", "&*", "+@all", "-@write"],
        ],
    )
    def test_a_user_who_may_not_do_all_that_is_needed(self, server: RedisServer, may: list[str]) -> None:
        server.client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">s3cret", "resetchannels", *may)
        try:
            assert "its user may not do all" in refused(server.url.replace("://", "://narrow:s3cret@"))
        finally:
            server.client.execute_command("ACL", "DELUSER", "narrow")

    def test_the_rights_that_are_named_then_are_enough(self, server: RedisServer) -> None:
        may = [
            "~{headrace:3}:*",
            "&{headrace:3}:*",
            "+@scripting",
            "+@read",
            "+@write",
            "+@pubsub",
            "+@connection",
            "+time",
        ]
        server.client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">right", "resetchannels", *may)
        try:
            assert check(server.url.replace("://", "://narrow:right@")) is None
        finally:
            server.client.execute_command("ACL", "DELUSER", "narrow")


class TestTls:
    def test_an_unknown_authority_and_a_known_one(self, start, tmp_path: Path) -> None:
        authority, _ = certificate.make(tmp_path)
        port = free_port()
        start(
            *("--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(authority)),
            *(
                "--tls-cert-file",
                str(tmp_path / certificate.CERTIFICATE),
                "--tls-key-file",
                str(tmp_path / certificate.CERTIFICATE_KEY),
            ),
        )
        message = refused(f"rediss://:s3cret@127.0.0.1:{port}")
        assert "certificate is not trusted" in message
        assert "ssl_ca_certs=" in message
        assert check(f"rediss://127.0.0.1:{port}?ssl_ca_certs={authority}") is None

    def test_a_server_that_speaks_none(self, start, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flask_headrace.streaming.stores.redis.connection.CALL_TIMEOUT", 0.3)
        port = free_port()
        start("--port", str(port))
        # What it says to that is not the same each time: it may as well just hang up.
        with pytest.raises((ConfigurationError, StoreUnavailable), match=f"rediss://127.0.0.1:{port}"):
            check(f"rediss://127.0.0.1:{port}")


class TestAnotherKind:
    def test_a_read_only_replica(self, start) -> None:
        replica = start("--replicaof", "127.0.0.1", "1")
        assert "is a replica, and cannot be written to: name its master" in refused(replica.url)
        replica.client.config_set("replica-read-only", "no")
        assert check(replica.url) is None

    def test_a_server_of_a_cluster(self, start) -> None:
        port = free_port()
        start("--port", str(port), "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
        message = refused(f"redis://127.0.0.1:{port}/2")
        assert "server of a cluster: write redis+cluster://" in message
        message = refused(f"redis+cluster://127.0.0.1:{port}", StoreUnavailable)
        assert "no server of it has the slot" in message

    def test_a_sentinels_port(self, program: str, start, tmp_path: Path) -> None:
        port = free_port()
        settings = tmp_path / "sentinel.conf"
        settings.write_text(f"dir {tmp_path}\n")
        server = start("--port", str(port))
        server.kill()
        server._command = [program, str(settings), "--sentinel", "--port", str(port), "--bind", "127.0.0.1"]
        server._command += ["--unixsocket", str(server.socket)]
        server.start()
        assert "a Sentinel's port: write redis+sentinel://" in refused(f"redis://127.0.0.1:{port}/1")
        assert "is no cluster" in refused(f"redis+cluster://127.0.0.1:{port}")
        assert "it knows none" in refused(f"redis+sentinel://127.0.0.1:{port}/mymaster")

    def test_one_server_where_a_cluster_or_sentinels_are_named(self, start) -> None:
        port = free_port()
        start("--port", str(port))
        assert "is no cluster" in refused(f"redis+cluster://127.0.0.1:{port}")
        message = refused(f"redis+sentinel://user:s3cret@127.0.0.1:{port}/mymaster")
        assert "are no Sentinels" in message

    def test_one_that_lets_in_nobody_from_elsewhere(self) -> None:
        def deny(client: gevent.socket.socket, _: object) -> None:
            client.sendall(b"-DENIED Redis is running in protected mode because no password is set.\r\n")

        denying = StreamServer(("127.0.0.1", 0), deny)
        denying.start()
        assert "protected-mode" in refused(f"redis://127.0.0.1:{denying.server_port}")
        denying.close()

    def test_one_without_scripts(self, start) -> None:
        server = start("--rename-command", "EVAL", "", "--rename-command", "EVALSHA", "")
        assert "lacks scripts or streams" in refused(server.url)

    def test_one_without_streams(self, start) -> None:
        server = start("--rename-command", "XADD", "")
        assert "lacks scripts or streams" in refused(server.url)

    def test_a_database_that_it_has_not(self, server: RedisServer) -> None:
        assert "has no database 99" in refused(f"{server.url}?db=99")


class TestEviction:
    @pytest.mark.parametrize("policy", EVICTING)
    def test_is_warned_of_with_what_to_set(self, server: RedisServer, policy: str) -> None:
        server.client.config_set("maxmemory-policy", policy)
        try:
            message = check(server.url)
        finally:
            server.client.config_set("maxmemory-policy", "noeviction")
        assert message is not None
        assert f"maxmemory-policy is {policy}" in message
        assert "set maxmemory-policy to noeviction" in message

    @pytest.mark.parametrize(
        ("denied", "is_known"), [(["-config"], True), (["-info"], True), (["-config", "-info"], False)]
    )
    def test_is_found_out_where_not_everything_may_be_asked(
        self, server: RedisServer, denied: list[str], is_known: bool
    ) -> None:
        server.client.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">right", "~*", "&*", "+@all", *denied)
        server.client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            message = check(server.url.replace("://", "://narrow:right@"))
        finally:
            server.client.config_set("maxmemory-policy", "noeviction")
            server.client.execute_command("ACL", "DELUSER", "narrow")
        assert (message is not None) == is_known


class TestAway:
    def test_nobody_listens(self) -> None:
        assert "no connection to it comes about" in refused("redis://user:s3cret@127.0.0.1:1", StoreUnavailable)

    def test_it_does_not_answer(self, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flask_headrace.streaming.stores.redis.connection.CALL_TIMEOUT", 0.3)
        server.pause()
        try:
            assert "does not answer" in refused(server.url, StoreUnavailable)
        finally:
            server.go_on()

    def test_it_has_no_memory(self, server: RedisServer) -> None:
        server.client.config_set("maxmemory", "1")
        try:
            assert "no memory left" in refused(server.url, StoreUnavailable)
        finally:
            server.client.config_set("maxmemory", "0")
