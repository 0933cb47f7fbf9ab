"""A database ranks codes as it orders clients, whatever the type and the collation of the column `code`."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from tests.contract.client_stores import TENANT, SqlStore, client

ALL = ClientSelection(TENANT, ("code", "name"))
WORDS = ("a", "B", "b-1", "B1", "Ä", "ä2", "z", "Z-1", "zz", "ß", "ss", "10", "9", "_", "o'c", "é1", "E")
NUMBERS = ("-5", "0", "7", "9", "10", "11", "100", "20", "3")
UUIDS = tuple(str(UUID(int=number * 7**40 % 2**128)) for number in range(1, 9))

POSTGRES = {
    "citext": ("code::{schema}.citext", WORDS),
    "text in the order of bytes": ('code COLLATE "C"', WORDS),
    "text in the order of a language": ('code COLLATE "de-x-icu"', WORDS),
    "text without letter case": ("code COLLATE {schema}.no_case", WORDS),
    "char(9)": ("code::char(9)", WORDS),
    "enum": ("code::{schema}.grade", ("low", "high", "middle")),
    "domain of citext": ("code::{schema}.client_code", WORDS),
    "integer": ("code::integer", NUMBERS),
    "bigint": ("code::bigint", NUMBERS),
    "numeric": ("code::numeric(9, 2)", NUMBERS),
    "uuid": ("code::uuid", UUIDS),
}
POSTGRES_TYPES = (
    "DROP EXTENSION IF EXISTS citext CASCADE",  # another test may have it in a schema of its own
    "CREATE EXTENSION citext SCHEMA {schema}",
    "CREATE COLLATION {schema}.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    "CREATE TYPE {schema}.grade AS ENUM ('low', 'middle', 'high')",
    "CREATE DOMAIN {schema}.client_code AS {schema}.citext",
)
SQLITE = {
    "text without letter case": ("code COLLATE NOCASE", WORDS),
    "text without blanks at the end": ("code COLLATE RTRIM", WORDS),
    "integer": ("CAST(code AS INTEGER)", NUMBERS),
}
MARIADB = {
    "text without letter case": ("CONVERT(code USING utf8mb4) COLLATE utf8mb4_general_ci", WORDS),
    "text in the order of a language": ("CONVERT(code USING utf8mb4) COLLATE utf8mb4_german2_ci", WORDS),
    "latin1": ("CONVERT(code USING latin1) COLLATE latin1_german1_ci", WORDS),
    "integer": ("CAST(code AS SIGNED)", NUMBERS),
    "decimal": ("CAST(code AS DECIMAL(9, 2))", NUMBERS),
}


def _assert_ranked(store: SqlStore, code: str, codes: tuple[str, ...]) -> None:
    """Give the view this expression for `code`, and compare the ranks with the order of the clients that are read."""
    store.put(*map(client, codes))
    store.replace_view(
        "SELECT "
        + ", ".join(f"{code} AS code" if name == "code" else name for name in VIEW_COLUMNS)
        + " FROM client_records"
    )
    in_order = [str(row[0]) for rows in store.source.read(ALL, KeyRange()) for row in rows]
    assert len(in_order) == len(codes)

    ranks = store.source.rank_codes(in_order)

    assert ranks[0] == 1
    assert all(after - before in {0, 1} for before, after in pairwise(ranks)), (in_order, ranks)
    for code, rank in zip(in_order, ranks, strict=True):
        before = [row[0] for rows in store.source.read(ALL, KeyRange(stop=code)) for row in rows]
        assert len(before) == sum(other < rank for other in ranks), (code, before)


@pytest.mark.parametrize("case", POSTGRES)
def test_postgresql_ranks_codes_of_every_type_as_it_orders_them(postgres_store: SqlStore, case: str) -> None:
    with postgres_store.engine.connect() as connection:
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
    for statement in POSTGRES_TYPES:
        postgres_store.execute(statement.format(schema=schema))
    code, codes = POSTGRES[case]
    _assert_ranked(postgres_store, code.format(schema=schema), codes)


@pytest.mark.parametrize("case", SQLITE)
def test_sqlite_ranks_codes_of_every_type_as_it_orders_them(sqlite_store: SqlStore, case: str) -> None:
    _assert_ranked(sqlite_store, *SQLITE[case])


@pytest.mark.parametrize("case", MARIADB)
def test_mariadb_ranks_codes_of_every_type_as_it_orders_them(mariadb_store: SqlStore, case: str) -> None:
    _assert_ranked(mariadb_store, *MARIADB[case])
