"""The URLs of the setting `CLIENTS_DATABASE_URL` that name no SQL database."""

from __future__ import annotations


def names_tables(url: str) -> bool:
    """Return whether a URL names a table of Azure Table Storage, which has no views."""
    return url.startswith("azure-tables:")
