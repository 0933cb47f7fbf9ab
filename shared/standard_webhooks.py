"""Signing as receivers of webhooks know it: Standard Webhooks 1.0.0 (standardwebhooks.com), symmetric form."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_PURPOSE = b"client-export webhooks v1\0"


def derive_secret(master: str, tenant: str) -> str:
    """Give a tenant's secret, `whsec_…` of 32 bytes. Whoever has it learns nothing of the master or other tenants.

    HKDF (RFC 5869) with SHA-256, for one block: extract from the master, expand for the tenant.
    """
    extracted = hmac.digest(_PURPOSE, master.encode(), "sha256")
    return _PREFIX + base64.b64encode(hmac.digest(extracted, tenant.encode() + b"\x01", "sha256")).decode()


def derive_secrets(masters: Sequence[str], tenant: str) -> list[str]:
    """Give what signs a tenant's webhooks, the present secret first."""
    return [derive_secret(master, tenant) for master in masters]


def signed_headers(secrets: Sequence[str], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """Make the headers of one try.

    Args:
        secrets: `whsec_…`; each signs, so that a receiver may know either of two while they are exchanged.
        message_id: The same for every try of one event; without a full stop, which parts what is signed.
        moment: Of this try.
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
