"""PostgreSQL shows snapshots only of its own tables: those of other servers show each connection a state of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exports.errors import SourceRefusedError
from tests.contract.client_stores import SqlStore, client

COLUMNS = "tenant text, code text, name text"


@pytest.fixture
def server(postgres_store: SqlStore) -> Iterator[str]:
    """A server without a driver, which is enough for tables that nobody reads."""
    name = f"f{id(postgres_store)}"
    postgres_store.execute(f"CREATE FOREIGN DATA WRAPPER {name}")
    postgres_store.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER {name}")
    yield name
    postgres_store.execute(f"DROP FOREIGN DATA WRAPPER {name} CASCADE")


VIEWS = {
    "the view": "CREATE FOREIGN TABLE kept ({columns}) SERVER {server}",
    "a view behind it": """CREATE FOREIGN TABLE far ({columns}) SERVER {server};
        CREATE VIEW kept AS SELECT local.* FROM client_records AS local WHERE EXISTS (SELECT 1 FROM far)""",
    "a partition": """CREATE TABLE kept ({columns}) PARTITION BY LIST (tenant);
        CREATE FOREIGN TABLE far PARTITION OF kept FOR VALUES IN ('far') SERVER {server}""",
}


@pytest.mark.parametrize("tables", VIEWS.values(), ids=VIEWS)
def test_a_view_that_reads_a_table_of_another_server_is_refused(
    postgres_store: SqlStore, server: str, tables: str
) -> None:
    postgres_store.execute(tables.format(columns=COLUMNS, server=server))
    postgres_store.replace_view("SELECT tenant, code, name FROM kept")
    with pytest.raises(SourceRefusedError, match="reads the foreign table"), postgres_store.source.open_snapshot():
        pass
    with pytest.raises(SourceRefusedError, match="reads the foreign table"):
        postgres_store.source.snapshot_reading()


def test_the_copy_of_a_table_of_another_server_is_allowed(postgres_store: SqlStore, server: str) -> None:
    postgres_store.put(client("A"))
    postgres_store.execute(f"CREATE FOREIGN TABLE far ({COLUMNS}) SERVER {server}")
    postgres_store.execute("CREATE MATERIALIZED VIEW kept AS SELECT tenant, code, name FROM far WITH NO DATA")
    postgres_store.replace_view("SELECT * FROM kept")
    with postgres_store.source.open_snapshot() as snapshot:
        assert snapshot.readers > 1
