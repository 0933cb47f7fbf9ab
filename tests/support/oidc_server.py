"""Runs an OpenID Connect server that others wrote, so that more than our own tests agree on what a token is."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devhost.local.node import installed_node
from devhost.local.ports import on_a_free_port
from devhost.local.processes import Process
from tests.support.accounts import wait_for_log_text
from tests.support.token_issuer import AUDIENCE

_SCRIPT = Path(__file__).with_name("oidc_server.mjs")


@dataclass(frozen=True)
class OidcServer:
    """A running server, which is the issuer of tokens."""

    url: str

    def token(self) -> str:
        """Get an access token as a service does: by client id and secret (RFC 6749, section 4.4)."""
        form = {
            "grant_type": "client_credentials",
            "client_id": "nightly-import",
            "client_secret": "known-to-everybody",
        }
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}/token", body, timeout=30) as answer:
            return str(json.load(answer)["access_token"])


@contextmanager
def an_oidc_server(directory: Path, *roles: str) -> Iterator[OidcServer]:
    """Run the server until the end of the block. Its tokens have these roles."""

    def start(port: int) -> tuple[Process, int]:
        command: list[str | Path] = [installed_node().program, _SCRIPT, str(port), AUDIENCE, ",".join(roles)]
        process = Process("OpenID Connect server", command, log=directory / "oidc-server.log")
        try:
            wait_for_log_text(process, "listening")
        except BaseException:
            process.stop()
            raise
        return process, port

    process, port = on_a_free_port(start)
    try:
        yield OidcServer(f"http://127.0.0.1:{port}")
    finally:
        process.stop()
