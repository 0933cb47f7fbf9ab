"""A proxy between a client and the running service and its storage, which makes single requests fail as networks do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit, urlunsplit

ACCOUNT = "/devstoreaccount1/"
"""Paths of the storage emulator begin with it."""
_OF_ONE_HOP = {"connection", "transfer-encoding", "host", "content-length"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def is_of_storage(self) -> bool:
        return self.path.startswith(ACCOUNT)


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of a request.

    Attributes:
        status: Answer with this status at once; None: pass the request on.
        keep_bytes: Break the connection after this many bytes of the content.
        stalls: Keep the connection open then, until the proxy is closed.
        expire_link: Give a link that expired in 2020.
    """

    status: int | None = None
    retry_after: str | None = None
    keep_bytes: int | None = None
    stalls: bool = False
    expire_link: bool = False


class Proxy(ThreadingHTTPServer):
    """Passes requests on, and keeps them in `seen`. `faults` is asked for each request."""

    daemon_threads = True

    def __init__(self, service: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = urlsplit(service).netloc
        self.storage = ""
        self.seen: list[Seen] = []
        self.closes = threading.Event()
        self.faults: Callable[[Seen], Fault | None] = lambda request: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of_storage(self) -> list[Seen]:
        return [request for request in self.seen if request.is_of_storage]


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        fault = self.server.faults(request) or Fault()
        self.server.seen.append(request)
        if fault.status is not None:
            self._answer(fault.status, {"Retry-After": fault.retry_after} if fault.retry_after else {}, b"")
            return
        target = self.server.storage if request.is_of_storage else self.server.service
        connection = http.client.HTTPConnection(target, timeout=60)
        passed = {name: value for name, value in request.headers.items() if name not in _OF_ONE_HOP}
        connection.request(self.command, self.path, content or None, passed)
        answer = connection.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _OF_ONE_HOP}
        if "location" in map(str.lower, headers) and ACCOUNT in answer.headers["location"]:
            headers = {name: value for name, value in headers.items() if name.lower() != "location"}
            headers["Location"] = self._through_proxy(answer.headers["location"], fault)
        self._answer(answer.status, headers, answer.read(), fault.keep_bytes)
        connection.close()
        if fault.stalls:
            self.server.closes.wait(60)

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 - the names that http.server looks for

    def _answer(self, status: int, headers: dict[str, str], content: bytes, keep_bytes: int | None = None) -> None:
        self.close_connection = True
        if keep_bytes == 0:
            return
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(content)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content if keep_bytes is None else content[:keep_bytes])

    def _through_proxy(self, link: str, fault: Fault) -> str:
        parts = urlsplit(link)
        self.server.storage = parts.netloc
        query = parts.query
        if fault.expire_link:
            fields = ["se=2020-01-01T00:00:00Z" if each.startswith("se=") else each for each in query.split("&")]
            query = "&".join(fields)
        return urlunsplit(("http", urlsplit(self.server.url).netloc, parts.path, query, ""))

    def log_message(self, *arguments: object) -> None:
        """Write no log."""


@contextmanager
def proxy_of(service: str) -> Iterator[Proxy]:
    """Run a proxy in front of a service."""
    proxy = Proxy(service)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closes.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
