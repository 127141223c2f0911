"""The lower limit of a relay on gevent: it copies bytes without parsing them.

    python byte_relay.py PORT UPSTREAM_PORT

Only the request's path and model are rewritten. It has no limits, no errors and no terminal event: it is no
usable relay, but shows the cost of the sockets and the event loop alone.
"""

# ruff: noqa: E402  # gevent patches the standard library before anything else is imported
from gevent import monkey

monkey.patch_all()

import re
import sys

import gevent.socket
from gevent.server import StreamServer

READ_SIZE = 65536


def main(port: int, upstream_port: int) -> None:
    """Serve until the process ends."""

    def relay(client: gevent.socket.socket, _address: object) -> None:
        with gevent.socket.create_connection(("127.0.0.1", upstream_port)) as upstream:
            sending = gevent.spawn(send_requests, client, upstream)
            try:
                copy(upstream, client)
            finally:
                sending.kill()

    StreamServer(("127.0.0.1", port), relay, backlog=4096).serve_forever()


def send_requests(client: gevent.socket.socket, upstream: gevent.socket.socket) -> None:
    """Send the client's requests to the upstream; shut down both connections when the client has disconnected."""
    try:
        while request := client.recv(READ_SIZE):
            upstream.sendall(rewrite(request))
    finally:
        upstream.shutdown(gevent.socket.SHUT_RDWR)


def copy(upstream: gevent.socket.socket, client: gevent.socket.socket) -> None:
    """Send the upstream's bytes to the client, as they come."""
    try:
        while data := upstream.recv(READ_SIZE):
            client.sendall(data)
    except OSError:
        return


def rewrite(request: bytes) -> bytes:
    """Turn a request to the relay into a request to the upstream. The request must have come in one piece."""
    head, _, body = request.partition(b"\r\n\r\n")
    body = body.replace(b'"openai/', b'"')
    head = head.replace(b"/api/chat", b"/v1/chat/completions")
    return re.sub(rb"(?<=Content-Length: )\d+", b"%d" % len(body), head) + b"\r\n\r\n" + body


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
