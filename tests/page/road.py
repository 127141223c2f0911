"""The road between a browser and the service: bytes pass until it is cut, or made to lose answers."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.support.listener import Listener


class Road(Listener):
    """A loopback address that leads to `port`, from `with` to its end.

    `is_deaf` lets requests pass and loses what comes back. `limit` is how many bytes of answers each new connection may
    carry before it is cut; None for any number.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_deaf = False
        self.limit: int | None = None
        self.cuts = 0
        self._is_open = True
        self._ends: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self.cut()

    def cut(self) -> None:
        """Break every connection, and let none through."""
        self._is_open = False
        self._break(set(self._ends))

    def mend(self) -> None:
        """Let connections through again."""
        self._is_open, self.is_deaf, self.limit = True, False, None

    def ports(self) -> list[int]:
        """Return the ports that the open connections have at the service's side."""
        found = []
        for end in set(self._ends):
            with contextlib.suppress(OSError):
                if end.getpeername()[1] == self.port:
                    found.append(end.getsockname()[1])
        return found

    def serve(self, client: socket.socket) -> None:
        if not self._is_open:
            return
        with socket.create_connection(("127.0.0.1", self.port)) as service:
            ends = {client, service}
            self._ends |= ends
            threading.Thread(target=self._carry, args=(client, service, ends), daemon=True).start()
            try:
                self._bring_back(service, client)
            finally:
                # A socket that is closed while the other thread reads from it would not tell its peer.
                self._break(ends)

    def _carry(self, client: socket.socket, service: socket.socket, ends: set[socket.socket]) -> None:
        with contextlib.suppress(OSError):
            while received := client.recv(65536):
                service.sendall(received)
        self._break(ends)

    def _bring_back(self, service: socket.socket, client: socket.socket) -> None:
        left = self.limit
        while received := service.recv(65536):
            if self.is_deaf:
                continue
            client.sendall(received if left is None else received[:left])
            if left is not None and (left := left - len(received)) <= 0:
                self.cuts += 1
                return

    def _break(self, ends: set[socket.socket]) -> None:
        self._ends -= ends
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
