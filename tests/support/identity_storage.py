"""Blob storage over HTTPS that accepts tokens of an identity: Azurite with `--oauth basic`.

Azurite 3.37 knows the fields that the SDK signs, and 3.35 does not. All other tests use 3.35, because 3.37 computes the
CRC-64 of each block in JavaScript, which makes an export of 50,000 clients take 1.6 times as long.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from devhost.local.azurite import STORAGE_ACCOUNT, start_azurite
from shared.storage import StorageAccount

_HOST = "127.0.0.1"
_PACKAGE = "azurite-of-identities"


class LocalIdentity:
    """An identity whose tokens nobody has signed: the emulator checks their claims only."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        expires = int(time.time()) + 3600
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
            "nbf": int(time.time()) - 60,
            "iat": int(time.time()) - 60,
            "exp": expires,
            "oid": "23657296-5cd5-45b0-a809-d972a7f4dfe1",
            "tid": "dd0d0df1-06c3-436c-8034-4b9a153097ce",
        }
        return AccessToken(f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}.c2ln", expires)

    def close(self) -> None:
        """Do nothing: there is no connection."""


class IdentityAccount(StorageAccount):
    """The emulator's account, reached as production reaches one: by HTTPS and identity, without its key."""

    def __init__(self, port: int) -> None:
        super().__init__(STORAGE_ACCOUNT)
        self._port = port

    @cached_property
    def _identity(self) -> Any:
        return LocalIdentity()

    def _url(self, service: str) -> str:
        assert service == "blob"
        return f"https://{_HOST}:{self._port}/{STORAGE_ACCOUNT}"


@contextmanager
def identity_storage(folder: Path) -> Iterator[tuple[int, Path]]:
    """Start the emulator; yield the port of its Blob service, and the file of the certificate to trust."""
    certificate, key = _write_certificate(folder)
    azurite = start_azurite(
        folder / "azurite", options=("--oauth", "basic", "--cert", certificate, "--key", key), package=_PACKAGE
    )
    try:
        yield azurite.ports[0], certificate
    finally:
        azurite.stop()


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _write_certificate(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(_HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
