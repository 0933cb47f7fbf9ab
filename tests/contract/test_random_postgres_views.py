"""Views of random types, collations and values on PostgreSQL: right bytes, or a refusal that names a column.

Each run makes two fresh views from a new seed, which the report of a failure shows.
"""

from __future__ import annotations

import csv
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import URL, Engine, create_engine

from exports.adapters.clients_sql.dialects import postgresql_plans
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.file.xlsx.renderer import XlsxRenderer
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import FIELD_COLUMNS, CellKind, TargetField, column_kind
from exports.request.formats import CsvFormat
from tests.support.workbooks import XLSX

ROWS = 150
RENDERER = CsvRenderer(ALL_COLUMNS, CsvFormat(formula_guard=False))
SHEETS = XlsxRenderer(ALL_COLUMNS, XLSX)
SELECTION = ClientSelection("t", RENDERER.source_columns)
CODES: tuple[str, ...] = (
    "text",
    "varchar(40)",
    "char(40)",
    "name",
    "public.citext",
    "text_code",
    "other_text",
    "bigint",
    "numeric(9,2)",
)
CODES += ('text COLLATE "C"', 'text COLLATE "en-x-icu"', "text COLLATE any_case", "uuid", "float8", "date", "text[]")
FITTING: dict[CellKind, dict[str, tuple[str, ...]]] = {
    CellKind.TEXT: {
        "text": ("'x'", "'1'", "'true'", "'2026-01-31'", "'a,\"b\"\n=1'", "'Łódź'", "' x '", "''"),
        "boolean": ("'t'", "'f'"),
        "integer": ("'1'", "'-7'"),
        "numeric": ("'-7.50'", "'NaN'"),
        "mood": ("'sad'", "'a,b'"),
        "timestamp": ("'2026-01-31'", "'2026-01-31 09:00:00.5'"),
        "timestamptz": ("'2026-01-31 23:30+02'",),
        "text[]": ("'{a,NULL}'", "'{}'"),
        "jsonb": ('\'{"a": [1, "b c"]}\'',),
        "uuid": ("md5('x')",),
    },
    CellKind.BOOLEAN: {"boolean": ("'t'", "'f'"), "integer": ("'1'", "'0'"), "text": ("' TRUE '", "'f'", "''")},
    CellKind.DATE: {"date": ("'2026-01-31'",), "timestamp": ("'2026-01-31 09:00'",), "text": ("'2026-01-31T09:00'",)},
}
"""Literals of each type, for each kind of column."""

EVERY_TYPE = """
SELECT format_type(oid, NULL) FROM pg_type WHERE typtype IN ('b', 'e', 'r', 'm', 'd') AND typisdefined
AND typnamespace <> 'information_schema'::regnamespace
AND NOT EXISTS (SELECT FROM pg_type AS of WHERE of.typarray = pg_type.oid AND of.typtype IN ('c', 'p')) ORDER BY oid
"""


@pytest.fixture
def engine(postgres_schema: URL) -> Iterator[Engine]:
    engine = create_engine(postgres_schema)
    run(
        engine,
        "DROP EXTENSION IF EXISTS citext CASCADE",  # another test may have it in a schema of its own
        "CREATE EXTENSION citext SCHEMA public",
        "CREATE TYPE mood AS ENUM ('sad', 'x', 'a,b')",
        "CREATE DOMAIN text_code AS text",
        "CREATE DOMAIN other_text AS varchar(50)",
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    yield engine
    engine.dispose()


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


def make_view(engine: Engine, chance: Random) -> None:
    """Make a view with a random type and value for each column that fields read. Most types can be written."""
    with engine.connect() as connection:
        every_type = [name for (name,) in connection.exec_driver_sql(EVERY_TYPE)]
    columns = {name: _value(name, chance, every_type) for name in FIELD_COLUMNS if name != "code"}
    code = chance.choice(CODES)
    plain, _, collation = code.partition(" ")
    number = "md5(n::text)" if plain == "uuid" else "n" if plain in {"bigint", "numeric(9,2)", "float8"} else None
    other = {"date": "DATE '2026-01-01' + n", "text[]": "ARRAY[n::text]"}.get(plain)
    text = "(ARRAY['a', 'B', 'é', 'Z', '_', '-'])[1 + n % 6] || n"
    listed = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    run(
        engine,
        f"CREATE VIEW clients AS SELECT 't'::text AS tenant, ({other or number or text})::{plain} {collation} AS code, "
        f"{listed} FROM generate_series(1, {ROWS}) AS n",
    )


def _value(name: str, chance: Random, every_type: list[str]) -> str:
    """Return a literal with a type that can hold it. One in two views has a column of just any type."""
    if chance.random() < 0.01:
        return f"NULL::{chance.choice(every_type)}"
    kind = chance.choice(tuple(FITTING[column_kind(name)]))
    return f"{chance.choice((*FITTING[column_kind(name)][kind], 'NULL'))}::{kind}"


def export(source: SqlClientSource, chance: Random) -> bytes:
    """Plan, read every page on both paths, and return the file."""
    found = source.find_boundaries(SELECTION, chance.choice((7, 40, 1_000)))
    written = []
    for start, stop in pairwise([None, *found.starts, None]):
        for renderer in (SHEETS, RENDERER):
            copied = b"".join(part.data for part in source.render(SELECTION, KeyRange(start, stop), renderer))
            rows = render_lists(source.read(SELECTION, KeyRange(start, stop)), renderer)
            assert copied == b"".join(part.data for part in rows)
        written.append(copied)
    assert found.total_rows == ROWS
    return b"".join(written)


@pytest.mark.parametrize("run_number", [1, 2])
def test_a_random_view_gives_right_bytes_or_a_refusal_that_names_a_column(
    engine: Engine, postgres_schema: URL, run_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = secrets.randbits(32)
    chance = Random(seed)
    monkeypatch.setattr(postgresql_plans, "MIN_SKIP_SCAN_ROWS", chance.choice((0, 20_000)))
    make_view(engine, chance)

    refusal, file = "", b""
    with closing(SqlClientSource(postgres_schema)) as source:
        try:
            file = export(source, chance)
        except SourceMismatchError as error:
            refusal = str(error)
    if refusal:
        named = re.findall(r"The column (\w+) of", refusal)
        assert set(named) & set(FIELD_COLUMNS), f"seed {seed}: {refusal}"
        return
    with engine.connect() as connection:
        printed = {code for (code,) in connection.exec_driver_sql("SELECT concat(code) FROM clients")}
    place = [mapping.target_field for mapping in ALL_COLUMNS].index(TargetField.CODE)
    records = list(csv.reader(StringIO(file.decode(), newline="")))
    assert len(records) == ROWS, f"seed {seed}"
    assert {record[place] for record in records} == printed, f"seed {seed}"
