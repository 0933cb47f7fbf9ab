"""To whom a webhook may go."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.addresses import address_of, is_local_name, is_public

NOT_SET_UP = (
    "This service cannot notify anybody: whoever runs it has to set EXPORT_WEBHOOK_SECRET. Leave notify out until then."
)


def origin_of(url: str) -> str:
    """Give what of a URL may be seen."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refusal_reason(url: str, *, allow_private: bool) -> str | None:
    """Say why a URL must not be sent to, as far as that can be told without resolving its name; None if it may."""
    if allow_private:
        return None
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "Use https."
    address = address_of(host)
    if is_local_name(host) if address is None else not is_public(address):
        return "This is not an address of the public Internet."
    return None
