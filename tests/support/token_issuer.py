"""An issuer of access tokens on this machine: a discovery document and a key set over HTTP, real keys, real tokens."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "api://client-export"
SUBJECT = "8f1c2d34-0000-4000-8000-00000000aaaa"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A key pair of an issuer."""

    key_id: str
    algorithm: str
    private: PrivateKey

    @property
    def public(self) -> dict[str, Any]:
        """The public half as in a key set."""
        made = json.loads(jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key()))
        return {**made, "kid": self.key_id, "use": "sig"}

    @property
    def pem(self) -> bytes:
        """The public half as text, which an attacker may use as the secret of an HMAC."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)


def rsa_key(key_id: str = "rsa-1", bits: int = 2048) -> SigningKey:
    return SigningKey(key_id, "RS256", rsa.generate_private_key(public_exponent=65537, key_size=bits))


def ec_key(key_id: str = "ec-1") -> SigningKey:
    return SigningKey(key_id, "ES256", ec.generate_private_key(ec.SECP256R1()))


def encoded(part: Any) -> str:
    """Encode a part of a token: bytes as they are, anything else as JSON."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class TokenIssuer:
    """A running issuer.

    Attributes:
        keys: The published keys, as in a key set. A test may change them.
        requests: The paths that were asked for.
        status: The status of every answer; the body is empty unless it is 200.
        documents: Other bodies by path.
        pause_seconds: How long it waits before every answer.
    """

    signing: SigningKey
    port: int = 0
    keys: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    status: int = 200
    documents: dict[str, bytes] = field(default_factory=dict)
    pause_seconds: float = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token; None as a change leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "nbf": now, "exp": now + 600} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: SigningKey | None = None, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Sign a token. `kid` as None in the headers leaves the id of the key out."""
        key = key or self.signing
        sent = {name: value for name, value in ({"kid": key.key_id} | dict(headers or {})).items() if value is not None}
        return jwt.encode(self.claims(**changes), key.private, key.algorithm, sent)

    def token_of_text(self, header: Any, payload: Any) -> str:
        """Sign parts as they are, which a library would refuse to write."""
        signed = f"{encoded(header)}.{encoded(payload)}"
        signature = jwt.get_algorithm_by_name("RS256").sign(signed.encode(), self.signing.private)
        return f"{signed}.{encoded(signature)}"

    def document(self, path: str) -> bytes:
        """Return the body for a path."""
        if path in self.documents:
            return self.documents[path]
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        return json.dumps({"keys": self.keys}).encode()


@contextmanager
def a_token_issuer(signing: SigningKey | None = None, port: int = 0) -> Iterator[TokenIssuer]:
    """Run an issuer until the end of the block. It publishes its signing key."""
    issuer = TokenIssuer(signing or rsa_key())
    issuer.keys = [issuer.signing.public]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.requests.append(self.path)
            time.sleep(issuer.pause_seconds)
            body = issuer.document(self.path) if issuer.status == 200 else b""
            self.send_response(issuer.status)
            self.send_header("location", f"{issuer.url}/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    issuer.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
