"""Views of random types, collations and values on MariaDB: right bytes, or a refusal that names a column.

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

from exports.errors import SourceMismatchError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import FIELD_COLUMNS, CellKind, TargetField, column_kind
from exports.request.formats import CsvFormat
from tests.contract.client_stores import empty_database
from tests.contract.mariadb_views import MariadbViews
from tests.contract.viewed_clients import TENANT

ROWS = 150
RENDERER = CsvRenderer(ALL_COLUMNS, CsvFormat(formula_guard=False))
SELECTION = ClientSelection(TENANT, RENDERER.source_columns)
COLLATIONS = """
SELECT full_collation_name FROM information_schema.collation_character_set_applicability
WHERE character_set_name IS NOT NULL AND character_set_name <> 'binary'
"""
TEXT_CODE = "CONCAT(ELT(1 + seq % 6, 'a', 'B', 'b', 'Z', '_', '-'), seq)"
CODES = {
    "bigint": "seq",
    "int(9) zerofill": "seq",
    "decimal(9,2)": "seq / 7 + seq",
    "uuid": "CONCAT(LPAD(HEX(seq * 7919 % 256), 8, '0'), '-0000-4000-8000-', LPAD(HEX(seq), 12, '0'))",
    "inet6": "CONCAT('::', HEX(seq))",
    "double": "seq",
    "date": "DATE '2026-01-01' + INTERVAL seq DAY",
    "varbinary(20)": "seq",
}
"""Codes that are not text, by type. The last three are refused."""

FITTING: dict[CellKind, dict[str, dict[str, str]]] = {
    CellKind.TEXT: {
        "varchar(30)": {"'a,\"b\"\\n=1'": 'a,"b"\n=1', "'Łódź 😀'": "Łódź 😀", "' x '": " x ", "''": ""},
        "varchar(30) character set latin2": {"'Łódź'": "Łódź"},
        "text character set cp1250": {"'a?'": "a?", "x'61'": "a"},
        "tinyint(1)": {"1": "1"},
        "bigint unsigned": {"18446744073709551615": "18446744073709551615"},
        "int(5) zerofill": {"7": "00007"},
        "decimal(20,10)": {"0": "0.0000000000", "-7.5": "-7.5000000000"},
        "float": {"0.1": "0.1"},
        "double": {"0.1e0 + 0.2e0": "0.30000000000000004"},
        "bit(9)": {"257": "257"},
        "year": {"2026": "2026"},
        "time(2)": {"'-100:00:00.5'": "-100:00:00.500000"},
        "datetime(6)": {"'2026-01-31'": "2026-01-31 00:00:00", "'0000-00-00'": "refused"},
        "timestamp NULL": {"'2026-01-31'": "2026-01-31T00:00:00Z"},
        "enum('sad','a,b')": {"'a,b'": "a,b"},
        "set('a','b')": {"'a,b'": "a; b"},
        "uuid": {"MD5('x')": "9dd4e461-268c-8034-f5c8-564e155c67a6"},
    },
    CellKind.BOOLEAN: {
        "tinyint(1)": {"1": "true", "0": "false", "2": "refused"},
        "bit(1)": {"1": "true"},
        "varchar(9)": {"' TRUE '": "true", "'f'": "false", "''": ""},
    },
    CellKind.DATE: {
        "date": {"'2026-01-31'": "2026-01-31", "'0000-00-00'": "refused"},
        "datetime(3)": {"'2026-01-31 09:00:00.5'": "2026-01-31"},
        "varchar(30)": {"'2026-01-31T09:00'": "2026-01-31"},
    },
}
"""The cells of literals, by type, for each kind of column. "refused" if the export must fail."""

NEVER_WRITTEN = ("binary(3)", "blob", "point", "geometry")


@pytest.fixture
def views(mariadb_url: str) -> Iterator[MariadbViews]:
    with empty_database(mariadb_url) as database, closing(MariadbViews(database)) as made:
        yield made


def make_view(views: MariadbViews, chance: Random) -> dict[str, str]:
    """Make a view with a random type for each column that fields read. Return the cell that each column must have.

    All clients have the same values. One in two views has a column of a type or a value that must be refused.
    """
    declared, literals, cells = {}, {}, {}
    for name in FIELD_COLUMNS:
        if name != "code":
            declared[name], literals[name], cells[name] = _value(name, chance)
    if chance.random() < 0.25:
        refused = chance.choice([name for name in declared if column_kind(name) is CellKind.TEXT])
        declared[refused], literals[refused], cells[refused] = chance.choice(NEVER_WRITTEN), "NULL", "refused"
    collation = chance.choice(views.query(COLLATIONS))
    text = f"varchar(20) character set {collation.partition('_')[0]} collate {collation}"
    code_type = chance.choice((text, text, *CODES))
    declared["code"], literals["code"] = code_type, CODES.get(code_type, TEXT_CODE)
    columns = ", ".join(f"{name} {of}" for name, of in declared.items())
    views.run(
        f"CREATE TABLE kept ({columns}) ENGINE=MyISAM",
        f"INSERT INTO kept SELECT {', '.join(literals[name] for name in declared)} FROM seq_1_to_{ROWS}",
    )
    views.view(**{name: name for name in declared})
    return cells


def _value(name: str, chance: Random) -> tuple[str, str, str]:
    """Return a type, a literal and its cell. Values that must be refused are rare, for there are 66 columns."""
    kinds = FITTING[column_kind(name)]
    of = chance.choice(tuple(kinds))
    literal = chance.choice((*kinds[of], "NULL"))
    if kinds[of].get(literal) == "refused" and chance.random() < 0.9:
        literal = "NULL"
    return of, literal, kinds[of].get(literal, "")


def export(views: MariadbViews, chance: Random) -> bytes:
    """Plan, read every page, and return the file."""
    found = views.source.find_boundaries(SELECTION, chance.choice((7, 40, 1_000)))
    assert found.total_rows == ROWS
    ranges = [KeyRange(start, stop) for start, stop in pairwise([None, *found.starts, None])]
    return b"".join(part.data for each in ranges for part in views.source.render(SELECTION, each, RENDERER))


@pytest.mark.parametrize("run_number", [1, 2])
def test_a_random_view_gives_right_bytes_or_a_refusal_that_names_a_column(views: MariadbViews, run_number: int) -> None:
    seed = secrets.randbits(32)
    chance = Random(seed)
    cells = make_view(views, chance)

    refusal, file = "", b""
    try:
        file = export(views, chance)
    except SourceMismatchError as error:
        refusal = str(error)
    if refusal:
        named = re.findall(r"The column (\w+) of", refusal)
        must_fail = {name for name, cell in cells.items() if cell == "refused"}
        assert set(named) & (must_fail | {"code"}), f"seed {seed}: {refusal}"
        return
    assert "refused" not in cells.values(), f"seed {seed}"
    records = list(csv.reader(StringIO(file.decode(), newline="")))
    assert len(records) == ROWS, f"seed {seed}"
    fields = [mapping.target_field for mapping in ALL_COLUMNS]
    codes = {record[fields.index(TargetField.CODE)] for record in records}
    assert codes == set(views.query("SELECT CAST(code AS CHAR) FROM kept")), f"seed {seed}"
    for name, field in _single_fields():
        assert {record[fields.index(field)] for record in records} == {cells[name]}, f"seed {seed}: {name}"


def _single_fields() -> list[tuple[str, TargetField]]:
    """Return the columns that have a field of their own."""
    by_name = {re.sub(r"(?<!^)(?=[A-Z])", "_", field.value).lower(): field for field in TargetField}
    return [(name, by_name[name]) for name in FIELD_COLUMNS if name != "code" and name in by_name]
