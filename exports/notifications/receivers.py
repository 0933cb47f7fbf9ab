"""Which receivers a notification may be sent to, and how much of a receiver's URL may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.addresses import address_of, is_local_name, is_public

NOT_SET_UP = (
    "This service cannot send webhooks: its operator must set EXPORT_WEBHOOK_SECRET. Leave webhookUrl out until then."
)
NO_MAIL = "This service cannot send e-mail: its operator must set EXPORT_SMTP_HOST. Leave email out until then."
DOMAIN_REFUSED = "The operator of this service does not allow e-mail to this domain."


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL. Its path and query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def refusal_reason(url: str, *, allow_private: bool) -> str | None:
    """Return why a URL is refused, or None if it is allowed. Does not resolve the host name."""
    if allow_private:
        return None
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return "Use https."
    address = address_of(host)
    if is_local_name(host) if address is None else not is_public(address):
        return "This is not an address on the public Internet."
    return None
