"""Views of random types, collations and values on SQLite: right bytes, or a refusal that names a column.

Each run makes two fresh views from a new seed, which the report of a failure shows. What is right is read from the file
by Python's own driver, without any code of ours.
"""

from __future__ import annotations

import csv
import re
import secrets
import sqlite3
from contextlib import closing
from io import StringIO
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import FIELD_COLUMNS, CellKind, TargetField, column_kind, source_columns
from exports.request.formats import CsvFormat

ROWS = 120
RENDERER = CsvRenderer(ALL_COLUMNS, CsvFormat(formula_guard=False))
DECLARED = ("TEXT", "VARCHAR(40)", "INTEGER", "BIGINT", "NUMERIC", "REAL", "BLOB", "DATE", "BOOLEAN", "STRING", "")
COLLATIONS = ("", "COLLATE BINARY", "COLLATE NOCASE", "COLLATE RTRIM")
TEXTS = ("x", "1", "01", "1.0", "true", "2026-01-31", 'a,"b"\n=1', "Łódź", " x ", "", "1e3", "Straße", "NULL")
FITTING: dict[CellKind, tuple[Any, ...]] = {
    CellKind.TEXT: (*TEXTS, 0, -7, 2**62, 0.1, 1e300, -1234567890.0, None),
    CellKind.BOOLEAN: (0, 1, "t", "FALSE", " true ", "", None),
    CellKind.DATE: ("2026-01-31", "2026-01-31T09:00", "2026-01-31 09:00:00", "", None),
}
CODES: tuple[tuple[Any, ...], ...] = (
    tuple(f"{'aBé_Z-'[n % 6]}{n}" for n in range(ROWS)),
    tuple(range(-10, ROWS - 10)),
    tuple(f"{n:03}" for n in range(ROWS)),
    tuple(f"{'aA'[n % 2]}{n // 2}" for n in range(ROWS)),
    tuple("x" + " " * n for n in range(ROWS)),
    tuple(n / 4 for n in range(ROWS)),
    tuple(n if n % 2 else f"{n}" for n in range(ROWS)),
    tuple(f"{n}".encode() for n in range(ROWS)),
)
TENANTS = ("t", "T", 7, "7", "07", 7.5)


def make_view(file: Path, chance: Random) -> str:
    """Make a table of random declarations and values, and a view of it; return the text of its tenant."""
    tenant = chance.choice((*"ttttt", *TENANTS))
    names = ["tenant", "code", *(name for name in FIELD_COLUMNS if name != "code")]
    declared = ", ".join(f'"{name} of" {_declaration(chance)}' for name in names)
    values = [(tenant, code, *(_value(name, chance) for name in names[2:])) for code in chance.choice(CODES)]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f'CREATE TABLE "kept; ""here" ({declared})')
        connection.executemany(f'INSERT INTO "kept; ""here" VALUES ({", ".join("?" * len(names))})', values)
        listed = ", ".join(f'"{name} of" AS {name}' for name in names)
        connection.execute(f'CREATE VIEW clients AS SELECT {listed} FROM "kept; ""here"')
        if chance.random() < 0.5:
            connection.execute('CREATE INDEX keys ON "kept; ""here" ("tenant of", "code of")')
    return str(tenant)


def _declaration(chance: Random) -> str:
    return f"{chance.choice(('TEXT', *DECLARED))} {chance.choice(('', '', *COLLATIONS))}"


def _value(name: str, chance: Random) -> Any:
    """Return a value for a column. One in two views has a BLOB somewhere, which no cell can show."""
    return (
        b"\xff\x00" if chance.random() < 0.5 / ROWS / len(FIELD_COLUMNS) else chance.choice(FITTING[column_kind(name)])
    )


def export(source: SqlClientSource, tenant: str, chance: Random) -> bytes:
    """Plan, read every page on both paths, and return the file."""
    selection = ClientSelection(tenant, RENDERER.source_columns)
    found = source.find_boundaries(selection, chance.choice((7, 40, 1_000)))
    written = []
    for start, stop in pairwise([None, *found.starts, None]):
        rendered = b"".join(part.data for part in source.render(selection, KeyRange(start, stop), RENDERER))
        rows = render_lists(source.read(selection, KeyRange(start, stop)), RENDERER)
        assert rendered == b"".join(part.data for part in rows)
        written.append(rendered)
    records = list(csv.reader(StringIO(b"".join(written).decode(), newline="")))
    assert found.total_rows == len(records)
    return b"".join(written)


def kept(file: Path, tenant: str) -> dict[str, tuple[Any, ...]]:
    """Return the rows whose tenant has this text: the text of the code, and the values of the columns of fields."""
    names = ", ".join(FIELD_COLUMNS)
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute(f"SELECT tenant, code, {names} FROM clients").fetchall()
    return {_text(row[1]): row[2:] for row in rows if _text(row[0]) == tenant}


def _text(value: Any) -> str:
    """Return the documented cell of a value in a text field."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


@pytest.mark.parametrize("run_number", [1, 2])
def test_a_random_view_gives_right_bytes_or_a_refusal_that_names_a_column(tmp_path: Path, run_number: int) -> None:
    seed = secrets.randbits(32)
    check_view(tmp_path / "clients.sqlite", seed)


def check_view(file: Path, seed: int) -> str:
    """Make the view of a seed, export it, and compare every cell of a text field; return the refusal, if any."""
    chance = Random(seed)
    tenant = make_view(file, chance)
    refusal, exported = "", b""
    with closing(SqlClientSource(f"sqlite:///{file}")) as source:
        try:
            exported = export(source, tenant, chance)
        except SourceMismatchError as error:
            refusal = str(error)
    if refusal:
        named = re.findall(r"The column (\w+) of", refusal)
        assert set(named) & {*FIELD_COLUMNS, "tenant"}, f"seed {seed}: {refusal}"
        assert "got another type" not in refusal, f"seed {seed}: nothing has changed"
        return refusal
    rows = kept(file, tenant)
    records = list(csv.reader(StringIO(exported.decode(), newline="")))
    fields = [mapping.target_field for mapping in ALL_COLUMNS]
    assert len(records) == len(rows), f"seed {seed}"
    for record in records:
        row = rows[record[fields.index(TargetField.CODE)]]
        for field, cell in zip(fields, record, strict=True):
            names = source_columns(field)
            if len(names) == 1 and column_kind(name := names[0]) is CellKind.TEXT:
                assert cell == _text(row[FIELD_COLUMNS.index(name)]).replace("\0", ""), f"seed {seed}: {name}"
    return ""
