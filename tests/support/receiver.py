"""A receiver of webhooks: a real HTTP server on this machine that records requests and responds as a test sets it."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 200
"""On the real Durable extension, work that a killed host had begun continues after a minute; a test kills two."""
HANG_UP = 0


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that the receiver got. Header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A running receiver: the requests it got, and the responses it sends.

    Attributes:
        statuses: The statuses of the next responses, one after the other; 204 after the last. For `HANG_UP` it
            closes the connection without a response.
        headers: Sent with every response.
        pause_seconds: How long it waits before every response.
        received: All requests so far.
    """

    port: int = 0
    scheme: str = "http"
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0
    received: list[ReceivedRequest] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    def wait_for(self, count: int) -> Sequence[ReceivedRequest]:
        """Wait until at least `count` requests have arrived; return all requests so far."""
        return self.wait_until(lambda received: len(received) >= count)

    def wait_until(self, reached: Callable[[Sequence[ReceivedRequest]], bool]) -> Sequence[ReceivedRequest]:
        """Wait until the requests so far satisfy a condition; return them."""
        wait_until(
            lambda: reached(self.received),
            TIMEOUT_SECONDS,
            explain=lambda: f"only {len(self.received)} requests arrived: {self.received}",
        )
        return list(self.received)


@contextmanager
def a_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    receiver = Receiver(scheme="http" if tls is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(ReceivedRequest(self.path, headers, body))
            time.sleep(receiver.pause_seconds)
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            if status == HANG_UP:
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore the error: in some tests the client closes the connection or rejects the certificate."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
