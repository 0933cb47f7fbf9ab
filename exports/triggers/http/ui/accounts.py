"""Signing in to the ui with the account of the organization: what the page must know about the issuer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from exports.settings import Settings


@dataclass(frozen=True, slots=True)
class Accounts:
    """The issuer, and the page as its public client.

    Attributes:
        scopes: What the page asks the issuer for, separated by spaces.
    """

    issuer: str
    client_id: str
    scopes: str

    @property
    def origin(self) -> str:
        """The origin of the issuer, to which the page may send requests."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"


def accounts_of(settings: Settings) -> Accounts | None:
    """Return how people sign in with their accounts; None if the settings do not say so."""
    if not settings.sign_in_client_id:
        return None
    return Accounts(settings.token_issuer, settings.sign_in_client_id, " ".join(settings.sign_in_scopes))
