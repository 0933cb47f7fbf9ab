"""Which receivers a notification may be sent to, and how much of a receiver's URL may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from exports.request.faults import NOT_HTTPS, NOT_PUBLIC
from shared.addresses import address_of, is_local_name, is_public
from shared.faults import FaultKind


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL. Its path and query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refusal_of(url: str, *, allow_private: bool) -> FaultKind | None:
    """Return why a URL is refused, or None if it is allowed. Does not resolve the host name."""
    if allow_private:
        return None
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return NOT_HTTPS
    address = address_of(host)
    if is_local_name(host) if address is None else not is_public(address):
        return NOT_PUBLIC
    return None
