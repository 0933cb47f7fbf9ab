"""The proxy of the database passes bytes on, slows them down, blocks them, or disconnects."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.source_proxy import SourceProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while piece := self.request.recv(1024):
            self.request.sendall(piece)


@pytest.fixture
def proxy() -> Iterator[SourceProxy]:
    """A proxy of a server that sends back the bytes that it receives."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        proxy = SourceProxy(server.server_address[1])
        yield proxy
        proxy.stop()
        server.shutdown()
        thread.join()


@pytest.fixture
def caller(proxy: SourceProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as caller:
        caller.sendall(b"hello")
        assert caller.recv(1024) == b"hello"
        yield caller


def test_blocked_bytes_arrive_after_the_proxy_heals(proxy: SourceProxy, caller: socket.socket) -> None:
    proxy.block()
    caller.sendall(b"late")
    caller.settimeout(0.2)
    with pytest.raises(TimeoutError):
        caller.recv(1024)

    proxy.heal()

    caller.settimeout(10)
    assert caller.recv(1024) == b"late"


def test_a_slow_proxy_loses_nothing(proxy: SourceProxy, caller: socket.socket) -> None:
    proxy.slow()
    caller.sendall(b"x" * 20_000)

    assert _read(caller, 20_000) == b"x" * 20_000


def test_after_a_cut_new_connections_are_accepted(proxy: SourceProxy, caller: socket.socket) -> None:
    proxy.cut()

    assert caller.recv(1024) == b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as another:
        another.sendall(b"again")
        assert another.recv(1024) == b"again"


def _read(caller: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        read += caller.recv(1024)
    return read
