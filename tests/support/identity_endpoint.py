"""The endpoint at which Azure Functions gives the app tokens of its managed identity, on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_SECRET = "the-header-of-this-app"


@dataclass
class IdentityEndpoint:
    """A running endpoint.

    Attributes:
        token: The token that it gives.
        seconds: How long a token lasts.
        status: The status of every answer.
        asked: The query of each request.
    """

    port: int = 0
    token: str = "token-1"
    seconds: int = 3600
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The environment in which the platform starts an app."""
        url = f"http://127.0.0.1:{self.port}/msi/token"
        return {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": _SECRET, "AZURE_CLIENT_ID": "23657296-5cd5-45b0-a809"}

    def answer(self, header: str | None, query: str) -> tuple[int, dict[str, str]]:
        self.asked.append({name: values[0] for name, values in parse_qs(query).items()})
        if header != _SECRET:
            return 401, {}
        if self.status != 200:
            return self.status, {"statusCode": str(self.status), "message": "No identity is assigned to this app."}
        expiry = str(int(time.time()) + self.seconds)
        return 200, {"access_token": self.token, "expires_on": expiry, "resource": "", "token_type": "Bearer"}


@contextmanager
def an_identity_endpoint() -> Iterator[IdentityEndpoint]:
    """Run the endpoint until the end of the block."""
    endpoint = IdentityEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = endpoint.answer(self.headers["x-identity-header"], urlsplit(self.path).query)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
