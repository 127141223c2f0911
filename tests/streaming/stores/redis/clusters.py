"""Servers with failover: a real Redis Cluster, and a master with a replica and Sentinels."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis
from redis.crc import key_slot

from flask_headrace.streaming.stores.redis.keys import PREFIX
from tests.streaming.stores.redis.server import RedisServer
from tests.support.event_loop import until
from tests.support.service import free_port

SLOTS = 16384
OURS = key_slot(PREFIX.encode())
"""The slot in which all of our keys are."""

DOWN_AFTER = 400
"""Milliseconds of silence after which a server is taken for dead."""

FAILOVER = 15.0
"""Seconds in which another one must have taken its place, also on a machine that is busy."""


class Node(RedisServer):
    """A server of a group, on a port."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        folder.mkdir()
        self.port = free_port()
        super().__init__(program, folder, "--port", str(self.port), "--repl-diskless-sync-delay", "0", *options)

    def is_synced(self) -> bool:
        about = self.client.info("replication")
        return about["role"] == "slave" and about["master_link_status"] == "up"

    def is_master(self) -> bool:
        return self.client.info("replication")["role"] == "master"


class Cluster:
    """Three masters, and a replica of the one that has our slot; the slots are theirs by thirds."""

    def __init__(self, program: str, folder: Path) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(DOWN_AFTER))
        self.nodes = [
            Node(program, folder / f"node{number}", *options, "--cluster-port", str(free_port())) for number in range(4)
        ]
        self.owner = self.nodes[OURS * 3 // SLOTS]
        self.replica = self.nodes[3]
        self._join()

    @property
    def others(self) -> list[Node]:
        """The masters that do not have our slot."""
        return [node for node in self.nodes[:3] if node is not self.owner]

    def _join(self) -> None:
        for number, node in enumerate(self.nodes[:3]):
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first + (number > 0), last + (number < 2))
        for number, node in enumerate(self.nodes):
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            bus = self.nodes[0].client.config_get("cluster-port")["cluster-port"]
            node.client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, bus)
        until(lambda: all(len(self.seen_by(node)) == 4 for node in self.nodes), 20)
        self.replica.client.execute_command("CLUSTER", "REPLICATE", self.id_of(self.owner))
        until(self.replica.is_synced, 20)
        until(lambda: all(self.is_well(node) for node in self.nodes), 20)

    def seen_by(self, node: Node) -> list[str]:
        return node.client.execute_command("CLUSTER", "NODES").decode().splitlines()

    def is_well(self, node: Node) -> bool:
        return b"cluster_state:ok" in node.client.execute_command("CLUSTER", "INFO")

    def id_of(self, node: Node) -> str:
        return node.client.execute_command("CLUSTER", "MYID").decode()

    def move_slot(self, source: Node, target: Node) -> Iterator[None]:
        """Move our slot key by key; the other servers hear of it from these two."""
        target.client.execute_command("CLUSTER", "SETSLOT", OURS, "IMPORTING", self.id_of(source))
        source.client.execute_command("CLUSTER", "SETSLOT", OURS, "MIGRATING", self.id_of(target))
        for name in sorted(source.names(), reverse=True):
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, name, 0, 2000)
            yield
        for node in (target, source):
            node.client.execute_command("CLUSTER", "SETSLOT", OURS, "NODE", self.id_of(target))

    def url(self, *nodes: Node) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)

    def close(self) -> None:
        for node in self.nodes:
            node.close()


class Guarded:
    """A master, its replica, and three Sentinels that know them as `answers`."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.master = Node(program, folder / "one")
        self.replica = Node(program, folder / "two", "--replicaof", "127.0.0.1", str(self.master.port))
        until(self.replica.is_synced, 20)
        self.ports = [free_port() for _ in range(3)]
        self.processes = [self._begin(port) for port in self.ports]
        self.clients = [redis.Redis(port=port) for port in self.ports]
        until(self._is_complete, 20)
        for client in self.clients:
            # They look at the servers every ten seconds otherwise.
            client.execute_command("SENTINEL", "DEBUG", "info-period", "100")

    def _begin(self, port: int) -> subprocess.Popen[bytes]:
        settings = self.folder / f"sentinel-{port}.conf"
        settings.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor answers 127.0.0.1 {self.master.port} 2\n"
            f"sentinel down-after-milliseconds answers {DOWN_AFTER}\nsentinel failover-timeout answers 2000\n"
        )
        return subprocess.Popen([self.program, str(settings), "--sentinel"], stdout=subprocess.DEVNULL)

    def _is_complete(self) -> bool:
        try:
            seen = [client.sentinel_masters()["answers"] for client in self.clients]
        except (redis.ConnectionError, KeyError):
            return False
        return all(one["num-other-sentinels"] == 2 and one["num-slaves"] == 1 for one in seen)

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/answers"

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.processes:
            process.kill()
            process.wait()
        self.master.close()
        self.replica.close()
