"""Creates a database of sample clients: a table, and the view `clients` on it, as in a user's own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from exports.commands.sample.clients import SampleClients
from exports.commands.sample.pools import Part
from exports.commands.sample.schema import ROWS_PER_REPORT, SampleRefusedError
from exports.ports.client_urls import names_tables

OnProgress = Callable[[int, int], None]
"""Called with the number of clients written so far, and the number of all clients."""


def create_sample_database(
    url: str,
    clients: int,
    tenants: Sequence[str],
    seed: int,
    on_progress: OnProgress | None = None,
    storage: str = "",
) -> None:
    """Create or replace a database of sample clients.

    In SQLite and PostgreSQL, readers see no new client before all are written. In Table Storage they do.

    Args:
        url: URL of SQLite or PostgreSQL, or of a table (`exports.adapters.clients_tables.source.read_address`).
        clients: Number of all clients; `share_out` divides them among the tenants.
        seed: Random seed. The same seed, tenants and number give the same clients.
        storage: The storage account to use if the URL names none.

    Raises:
        SampleRefusedError: The URL is of another kind, or the database holds tables that this command did not make.
    """
    if clients < 0 or not tenants or len(set(tenants)) != len(tenants):
        raise SampleRefusedError("Give a number of clients that is not negative, and one or more different tenants.")
    rows = _reported(_all_rows(share_out(clients, tenants), seed), clients, on_progress or (lambda _done, _of: None))
    if names_tables(url):
        from exports.commands.sample.tables import fill_tables

        return fill_tables(url, storage, rows)
    target = _parsed(url)
    if target.get_backend_name() == "sqlite":
        from exports.commands.sample.sqlite import fill_sqlite

        fill_sqlite(target, rows)
    elif target.get_backend_name() in {"postgresql", "postgres"}:
        from exports.commands.sample.postgres import fill_postgres

        fill_postgres(target, rows)
    else:
        raise SampleRefusedError(
            "Sample clients can be written to SQLite, PostgreSQL or Table Storage: "
            "sqlite:///…, postgresql://… or azure-tables:…"
        )
    return None


def share_out(clients: int, tenants: Sequence[str]) -> dict[str, int]:
    """Give the first tenant three quarters, and divide the rest equally. The remainder goes to the earlier tenants."""
    if len(tenants) == 1:
        return {tenants[0]: clients}
    rest, others = clients // 4, len(tenants) - 1
    shares = [rest // others + (index < rest % others) for index in range(others)]
    return dict(zip(tenants, [clients - rest, *shares], strict=True))


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise SampleRefusedError("That is not a database URL, such as sqlite:///clients.sqlite.") from error


def _all_rows(shares: dict[str, int], seed: int) -> Iterator[Part]:
    """Yield all clients in the order of the primary key, so that its index grows at its end."""
    return chain.from_iterable(SampleClients(tenant, seed).rows(1, shares[tenant]) for tenant in sorted(shares))


def _reported(rows: Iterator[Part], total: int, on_progress: OnProgress) -> Iterator[Part]:
    on_progress(0, total)
    for done in range(0, total, ROWS_PER_REPORT):
        yield from islice(rows, ROWS_PER_REPORT)
        on_progress(min(done + ROWS_PER_REPORT, total), total)
