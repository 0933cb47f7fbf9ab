"""A receiver that holds its callers up: it takes a request, and then answers slowly, without end or not at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]
"""Answers a request. The connection is closed after it."""

_HEAD, _IDLE_SECONDS = b"\r\n\r\n", 0.02


def accept(connection: socket.socket) -> None:
    """Accept the webhook."""
    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def stay_silent(connection: socket.socket) -> None:
    """Answer nothing until the caller leaves."""
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """Send a header that never ends, one byte a second."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def pour(connection: socket.socket) -> None:
    """Answer 200 with a body that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


@dataclass
class TarPit:
    """A running tar pit.

    Attributes:
        answer: How it answers requests from now on.
        ids: The `webhook-id` of every request so far.
        accepted: The `webhook-id` of every request that it has accepted.
        open: How many connections are open.
        most_open: The most connections that were open at the same time.
    """

    port: int
    answer: Answer = stay_silent
    ids: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def serve(self, connection: socket.socket) -> None:
        """Take one request, and answer it."""
        self._count(1)
        try:
            with connection, suppress(OSError):
                answer = self.answer
                found = _id_of(connection)
                self.ids.append(found)
                answer(connection)
                if answer is accept:
                    self.accepted.append(found)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self.open += change
            self.most_open = max(self.most_open, self.open)


@contextmanager
def a_tar_pit(answer: Answer = stay_silent) -> Iterator[TarPit]:
    """Run a tar pit until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        pit = TarPit(server.getsockname()[1], answer)
        server.settimeout(_IDLE_SECONDS)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    connection, _ = server.accept()
                    connection.settimeout(60)
                    threading.Thread(target=pit.serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield pit
        finally:
            ended.set()
            thread.join()


def _id_of(connection: socket.socket) -> str:
    """Read a request as far as its headers and the first byte of its body; return its `webhook-id`."""
    data = b""
    while _HEAD not in data or data.endswith(_HEAD):
        read = connection.recv(65536)
        if not read:
            raise OSError("the caller left")
        data += read
    for line in data.partition(_HEAD)[0].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"webhook-id":
            return value.strip().decode()
    return ""
