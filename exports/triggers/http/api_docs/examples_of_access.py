"""Examples of the bodies about API keys and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OLD_KEY: dict[str, Any] = {
    "code": "m5xq2rk7ahwe",
    "name": "Nightly import",
    "tenants": ["northwind"],
    "otherTenants": False,
    "scopes": ["exports:read", "exports:write"],
    "state": "Active",
    "createdDate": "2026-01-31T09:00:00.000Z",
    "expiryDate": None,
    "revokedDate": None,
    "lastUsedDate": "2026-11-23T06:30:01.402Z",
}
_NEW_KEY: dict[str, Any] = {
    **_OLD_KEY,
    "code": "kq7bafw2hzmx",
    "createdDate": "2026-11-23T21:34:55.207Z",
    "lastUsedDate": None,
    "key": "cx_kq7bafw2hzmx_…",
}
_AUDIT_ENTRY: dict[str, Any] = {
    "tenant": "northwind",
    "moment": "2026-11-23T21:34:55.201Z",
    "action": "Started",
    "actor": "m5xq2rk7ahwe",
    "code": "7ybqttn9kg0pf1x6vfw644k23d",
    "fields": ["Name", "VatNumber"],
    "filter": {"statuses": ["Active"], "search": "(given)"},
    "rows": None,
    "bytes": None,
    "linkSource": None,
}

ACCESS_EXAMPLES: Mapping[str, Any] = {
    "CreateKeyDto": {"name": "Nightly import", "scopes": ["exports:read", "exports:write"], "validDays": 365},
    "RotateKeyDto": {"overlapHours": 168},
    "KeyDto": {**_OLD_KEY, "state": "Revoked", "revokedDate": "2026-11-23T21:40:00.000Z"},
    "NewKeyDto": {**_NEW_KEY, "expiryDate": "2027-11-23T21:34:55.207Z"},
    "RotatedKeyDto": {**_NEW_KEY, "replaced": {**_OLD_KEY, "expiryDate": "2026-11-30T21:34:55.207Z"}},
    "ListOfKeyDto": {"data": [_OLD_KEY], "limit": 25, "hasMore": False, "continuationToken": None},
    "ListOfAuditEntry": {"data": [_AUDIT_ENTRY], "limit": 25, "hasMore": False, "continuationToken": None},
}
