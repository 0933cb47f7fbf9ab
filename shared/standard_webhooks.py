"""Signs webhooks with symmetric secrets, as Standard Webhooks 1.0.0 (standardwebhooks.com) defines."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_PURPOSE = b"client-export webhooks v1\0"


def derive_secret(master: str, tenant: str) -> str:
    """Derive the secret of a tenant, `whsec_…` with 32 bytes, from a master secret.

    The secret of one tenant reveals nothing about the master secret or the secrets of other tenants. The function is
    HKDF (RFC 5869) with SHA-256 for one block: it extracts from the master secret and expands for the tenant.
    """
    extracted = hmac.digest(_PURPOSE, master.encode(), "sha256")
    return _PREFIX + base64.b64encode(hmac.digest(extracted, tenant.encode() + b"\x01", "sha256")).decode()


def derive_secrets(masters: Sequence[str], tenant: str) -> list[str]:
    """Derive the secrets that sign a tenant's webhooks, one from each master secret, the current one first."""
    return [derive_secret(master, tenant) for master in masters]


def signed_headers(secrets: Sequence[str], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """Build the signed headers for one try to deliver a message.

    Args:
        secrets: `whsec_…`. Each of them signs, so a receiver may know either the old or the new one during a rotation.
        message_id: The same for every try of one event. It must not contain a full stop, which separates the parts of
            the signed text.
        moment: The time of this try.
    """
    if "." in message_id:
        message = "a message id must not contain a full stop"
        raise ValueError(message)
    timestamp = str(int(moment.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(secret, signed) for secret in secrets),
    }


def _sign(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
