"""A receiver of webhooks: a real HTTP server on this machine that keeps what it gets and answers as told."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEADLINE_SECONDS = 60
HANG_UP = 0


@dataclass(frozen=True)
class Got:
    """One request. Header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """What was received, and how to answer: the statuses one after another, then 204 for ever. `HANG_UP` is no answer.

    Attributes:
        headers: Sent with every answer.
        pause_seconds: Before an answer.
    """

    port: int = 0
    scheme: str = "http"
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0
    got: list[Got] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    def wait_for(self, count: int) -> Sequence[Got]:
        """Wait until so many requests have come; give them all."""
        return self.wait_until(lambda got: len(got) >= count)

    def wait_until(self, reached: Callable[[Sequence[Got]], bool]) -> Sequence[Got]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not reached(self.got):
            assert time.monotonic() < deadline, f"only {len(self.got)} came: {self.got}"
            time.sleep(0.02)
        return list(self.got)


@contextmanager
def a_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    receiver = Receiver(scheme="http" if tls is None else "https")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(self.path, headers, body))
            time.sleep(receiver.pause_seconds)
            status = receiver.answers.pop(0) if receiver.answers else 204
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
            """A client that hangs up, or does not like the certificate, is what some tests are about."""

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
