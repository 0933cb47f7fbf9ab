"""Open the source of clients that the setting `CLIENTS_DATABASE_URL` names."""

from __future__ import annotations

from exports.ports.client_urls import names_tables
from exports.ports.clients import ClientSource


def open_clients(url: str, storage: str, deletions_view: str = "") -> ClientSource:
    """Prepare to read clients. The first use connects; a malformed URL is reported only then.

    Args:
        url: `azure-tables:…` (see `exports.adapters.clients_tables.source`), or the URL of any database that
            SQLAlchemy has a driver for.
        storage: The setting of the service's own storage account.
        deletions_view: The name of the view of deleted clients in a SQL database; empty: there is none.
    """
    if names_tables(url):
        from exports.adapters.clients_tables.source import TableClientSource

        return TableClientSource(url, storage)
    from exports.adapters.clients_sql.source import SqlClientSource

    return SqlClientSource(url, deletions_view=deletions_view)
