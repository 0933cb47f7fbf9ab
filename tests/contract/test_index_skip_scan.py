"""An index skip scan finds the same pages as numbering all keys, and does not run if it might be slow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from exports.adapters.clients_sql import index_skip_scan
from exports.adapters.clients_sql import source as sql_clients
from exports.adapters.clients_sql.described import describe_selected
from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.numbered_boundaries import numbered_boundaries
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.ranges import Boundaries, KeyRange
from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter
from tests.contract.client_stores import TENANT, SqlStore, client

SELECTION = ClientSelection(TENANT, ("code", "name"))
SKIP_SCAN_STORES = ("sqlite_store", "skip_scan_postgres_store")


@pytest.fixture(params=SKIP_SCAN_STORES)
def store(request: pytest.FixtureRequest) -> SqlStore:
    opened: SqlStore = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def numbered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows with every pass that numbers all keys."""
    passes: list[int] = []
    number = numbered_boundaries

    def counted(*args: Any) -> Boundaries:
        passes.append(len(passes))
        return number(*args)

    monkeypatch.setattr(sql_clients, "numbered_boundaries", counted)
    return passes


def put_codes(store: SqlStore, *codes: str) -> None:
    store.put(*map(client, codes), *(client(f"{code}x", tenant="harbour") for code in codes))


def replace_clients(store: SqlStore, columns: str, *statements: str) -> None:
    """Replace the view by a table without constraints, which may hold rows that a proper view would not."""
    store.replace_view(None)
    store.execute(f"CREATE TABLE clients (tenant TEXT, {columns}, name TEXT)")
    for statement in statements:
        store.execute(statement)


def insert(store: SqlStore, *codes: str | None) -> None:
    for code in codes:
        store.execute("INSERT INTO clients VALUES (:tenant, :code, 'x')", tenant=TENANT, code=code)


def both_ways(store: SqlStore, rows_per_page: int) -> Boundaries:
    """Return the boundaries that a skip scan finds, which must equal those of numbering."""
    source = store.source
    assert isinstance(source, SqlClientSource)
    with source._connection() as connection:
        view = describe_selected(connection, SELECTION)
        found = index_skip_scan.skip_scan_boundaries(connection, view, SELECTION, rows_per_page)
        assert found is not None
        assert found == numbered_boundaries(connection, view, SELECTION, rows_per_page)
    return found


@pytest.mark.parametrize("rows_per_page", [*(pytest.param(rows, marks=pytest.mark.thorough) for rows in (1, 3)), 7])
@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 21])
def test_a_skip_scan_finds_the_same_boundaries_as_numbering(
    store: SqlStore, numbered: list[int], count: int, rows_per_page: int
) -> None:
    if count:
        put_codes(store, *(f"C{number:02d}" for number in range(count)))

    found = both_ways(store, rows_per_page)

    assert found.total_rows == count
    assert found.starts == tuple(f"C{number:02d}" for number in range(rows_per_page, count, rows_per_page))


def test_many_clients_of_one_tenant_are_skip_scanned(store: SqlStore, numbered: list[int]) -> None:
    put_codes(store, "A", "B", "C", "D", "E")

    assert store.source.find_boundaries(SELECTION, 2) == Boundaries(5, ("C", "E"))
    assert numbered == []


@pytest.mark.parametrize("codes", [("A", None, "B", "C"), (None,), (None, None, None)])
def test_a_skip_scan_notices_a_client_without_code(
    store: SqlStore, numbered: list[int], codes: tuple[str | None, ...]
) -> None:
    replace_clients(store, "code TEXT", "CREATE UNIQUE INDEX keys ON clients (tenant, code)")
    insert(store, *codes)

    for rows_per_page in (1, 2, 10):
        with pytest.raises(SourceMismatchError, match="no code"):
            store.source.find_boundaries(SELECTION, rows_per_page)
    assert numbered == []


@pytest.mark.parametrize("rows_per_page", [1, *(pytest.param(rows, marks=pytest.mark.thorough) for rows in (2, 3, 10))])
def test_a_skip_scan_ends_if_codes_occur_many_times(store: SqlStore, numbered: list[int], rows_per_page: int) -> None:
    replace_clients(store, "code TEXT", "CREATE INDEX keys ON clients (tenant, code)")
    insert(store, *"AAAAABBBC")

    starts = store.source.find_boundaries(SELECTION, rows_per_page).starts

    assert list(starts) == sorted(set(starts))
    assert numbered == []


NUMBERED_VIEWS: dict[str, str] = {
    "a code that is an expression": "SELECT tenant, code || '' AS code, name FROM client_records",
    "codes in lower case": "SELECT tenant, lower(code) AS code, name FROM client_records",
    "distinct rows": "SELECT DISTINCT tenant, code, name FROM client_records",
    "two tables": "SELECT tenant, code, name FROM client_records WHERE code < 'E'"
    " UNION ALL SELECT tenant, code, name FROM client_records WHERE code >= 'E'",
    "numbered rows": "SELECT tenant, code, name FROM"
    " (SELECT *, row_number() OVER (PARTITION BY tenant, code ORDER BY name) AS n FROM client_records) r WHERE n = 1",
    "a tenant joined": "SELECT p.tenant, c.code, c.name FROM client_records c"
    " JOIN (SELECT DISTINCT tenant FROM client_records) p ON p.tenant = c.tenant",
    "grouped rows": "SELECT tenant, code, max(name) AS name FROM client_records GROUP BY tenant, code, updated_at",
}


@pytest.mark.parametrize("case", NUMBERED_VIEWS)
def test_a_view_that_might_sort_at_every_step_is_numbered(store: SqlStore, numbered: list[int], case: str) -> None:
    put_codes(store, *"abcdefg")
    store.replace_view(NUMBERED_VIEWS[case])

    assert store.source.find_boundaries(SELECTION, 3) == Boundaries(7, ("d", "g"))
    assert numbered == [0]


SKIP_SCANNED_VIEWS: dict[str, str] = {
    "other columns joined": "SELECT c.tenant, c.code, m.name FROM client_records c"
    " LEFT JOIN client_records m ON m.tenant = c.tenant AND m.code = c.code",
    "some rows left out": "SELECT tenant, code, name FROM client_records WHERE email IS NULL",
    "names that differ": "SELECT t.tenant, t.code, t.name || '' AS name FROM client_records AS t",
}


@pytest.mark.parametrize("case", SKIP_SCANNED_VIEWS)
def test_a_view_whose_keys_are_plain_columns_is_skip_scanned(store: SqlStore, numbered: list[int], case: str) -> None:
    put_codes(store, *"abcdefg")
    store.replace_view(SKIP_SCANNED_VIEWS[case])

    assert store.source.find_boundaries(SELECTION, 3) == Boundaries(7, ("d", "g"))
    assert numbered == []


def test_filtered_clients_are_numbered(store: SqlStore, numbered: list[int]) -> None:
    put_codes(store, *"abcdefg")
    filtered = ClientSelection(TENANT, ("code",), ClientFilter(search="c"))

    assert store.source.find_boundaries(filtered, 3) == Boundaries(1, ())
    assert numbered == [0]


@pytest.mark.parametrize("tenant", ["x > hop.code", "' > hop_1.code", "x' OR '1'='1"])
def test_the_name_of_a_tenant_is_not_mistaken_for_an_efficient_plan(
    store: SqlStore, numbered: list[int], tenant: str
) -> None:
    store.replace_view("SELECT tenant, lower(code) AS code, name FROM client_records")
    store.put(client("a", tenant=tenant), client("b", tenant=tenant))

    assert store.source.find_boundaries(ClientSelection(tenant, ("code",)), 1) == Boundaries(2, ("b",))
    assert numbered == [0]


def test_keys_that_postgresql_would_rather_sort_are_numbered(
    postgres_store: SqlStore, numbered: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL sorts if there are few clients, and if the index alone does not tell which rows are visible."""
    monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", 0)
    put_codes(postgres_store, *"abcdefg")
    postgres_store.execute("ANALYZE client_records")

    assert postgres_store.source.find_boundaries(SELECTION, 3) == Boundaries(7, ("d", "g"))
    assert numbered == [0]


def test_keys_are_numbered_within_the_limits_if_the_plan_is_unavailable(
    skip_scan_postgres_store: SqlStore, numbered: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed EXPLAIN ends the transaction, so the next transaction must get the time limit again."""
    monkeypatch.setattr(postgresql_plans, "_ALL_KEYS", "NO STATEMENT")
    put_codes(skip_scan_postgres_store, *"abcdefg")
    limits: list[str] = []
    number: Callable[..., Boundaries] = vars(sql_clients)["numbered_boundaries"]

    def noting_the_limit(connection: Connection, *args: Any) -> Boundaries:
        limits.append(str(connection.exec_driver_sql("SHOW statement_timeout").scalar()))
        return number(connection, *args)

    monkeypatch.setattr(sql_clients, "numbered_boundaries", noting_the_limit)

    assert skip_scan_postgres_store.source.find_boundaries(SELECTION, 3) == Boundaries(7, ("d", "g"))
    assert (numbered, limits) == ([0], ["4min"])


def test_steps_in_an_unexpected_order_are_not_trusted(
    store: SqlStore, numbered: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_skip_scan, "_SKIP_SCAN", f"{index_skip_scan._SKIP_SCAN} ORDER BY page DESC")
    put_codes(store, *"abcdefg")

    assert store.source.find_boundaries(SELECTION, 3) == Boundaries(7, ("d", "g"))
    assert numbered == [0]


TYPES = ("varchar(20)", "varchar", "char(7)", "word", 'text COLLATE "C"', "name")


@pytest.mark.parametrize("kind", TYPES)
def test_codes_of_every_text_type_are_found(skip_scan_postgres_store: SqlStore, numbered: list[int], kind: str) -> None:
    store = skip_scan_postgres_store
    store.execute("CREATE DOMAIN word AS varchar(30)")
    replace_clients(store, f"code {kind}", "CREATE UNIQUE INDEX keys ON clients (tenant, code)")
    insert(store, *"abcdefg")

    found = store.source.find_boundaries(SELECTION, 3)

    assert (found.total_rows, [start.strip() for start in found.starts]) == (7, ["d", "g"])
    assert numbered == []


@pytest.mark.parametrize("collation", ["en-x-icu", "sv-x-icu", "de-u-kn-x-icu"])
def test_pages_tile_in_the_order_of_the_collation(
    skip_scan_postgres_store: SqlStore, numbered: list[int], collation: str
) -> None:
    store = skip_scan_postgres_store
    store.execute(f"CREATE COLLATION IF NOT EXISTS \"{collation}\" (provider = icu, locale = '{collation[:-6]}')")
    unique = "CREATE UNIQUE INDEX keys ON clients (tenant, code)"
    replace_clients(store, f'code varchar(20) COLLATE "{collation}"', unique)
    codes = ["a", "B", "b", "A", "10", "9", "é", "E", "Z z", "z-z", "zz", "_", "ä", "ö", "o'c", "-5", "å"]
    insert(store, *codes)

    found = both_ways(store, 3)

    ends = zip([None, *found.starts], [*found.starts, None], strict=True)
    pages = [[row[0] for rows in store.source.read(SELECTION, KeyRange(*pair)) for row in rows] for pair in ends]
    assert sorted(code for page in pages for code in page) == sorted(codes)
    assert [len(page) for page in pages] == [3, 3, 3, 3, 3, 2]


def test_a_security_barrier_view_is_numbered_because_postgresql_sorts_it(
    skip_scan_postgres_store: SqlStore, numbered: list[int]
) -> None:
    store = skip_scan_postgres_store
    put_codes(store, *"abcdefg")
    store.execute("DROP VIEW clients")
    store.execute("CREATE VIEW clients WITH (security_barrier) AS SELECT * FROM client_records WHERE code <> 'b'")

    assert store.source.find_boundaries(SELECTION, 3) == Boundaries(6, ("e",))
    assert numbered == [0]


@pytest.fixture
def running_scan(store: SqlStore, tmp_path: Path) -> Iterator[Iterator[Any]]:
    """The rows of a skip scan over 40 clients. The first row has been fetched; the scan has yet to find the others."""
    put_codes(store, *(f"C{number:02d}" for number in range(40)))
    if store.engine.dialect.name == "sqlite":
        store.execute("PRAGMA journal_mode = WAL")  # lets others write during a read
    engine = create_engine(store.engine.url, execution_options={"stream_results": True, "max_row_buffer": 1})
    values = {"tenant": TENANT, "skipped": 3, "rows_per_page": 4}
    step = dialect_named(engine.dialect.name).skip_scan_step
    assert step is not None
    with engine.connect() as connection:
        rows = connection.execute(text(index_skip_scan.skip_scan_statement(step)), values)
        rows.fetchone()
        yield rows
        rows.close()
    engine.dispose()


def test_all_steps_see_the_same_moment(store: SqlStore, running_scan: Iterator[Any]) -> None:
    """Clients that are added and removed ahead of the scan, and committed, shift no page."""
    for number in range(10, 40, 3):
        store.remove(TENANT, f"C{number:02d}")
    store.put(*(client(f"C{number:02d}-new") for number in range(20, 40)))

    rows = [tuple(row) for row in running_scan]

    assert [code for code, *_ in rows] == [*(f"C{number:02d}" for number in range(4, 40, 4)), None]
    assert rows[-1][1:3] == (10, 4)
