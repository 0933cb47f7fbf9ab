"""`docs/client-view.md` says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from exports.adapters.clients_sql.engines import STATEMENT_TIMEOUT_SECONDS
from exports.adapters.clients_tables.keys import TenantKeys
from exports.adapters.clients_tables.source import DEFAULT_PREFIX
from exports.request.fields import (
    SENSITIVE_FIELDS,
    VIEW_COLUMNS,
    CellKind,
    ClientStatus,
    ClientType,
    TargetField,
    cell_kind,
    source_columns,
)
from exports.request.filters import SEARCHED_COLUMNS, ClientFilter

DOCUMENT = (Path(__file__).parents[2] / "docs" / "client-view.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| `.*", DOCUMENT, re.MULTILINE)
]
VIEWS = re.findall(r"CREATE VIEW (?:dbo\.)?clients AS\nSELECT\n(.*?)\nFROM", DOCUMENT, re.DOTALL)
KINDS = {name: cell_kind(field) for field in TargetField for name in source_columns(field)}
TYPES = {CellKind.BOOLEAN: "boolean", CellKind.DATE: "date"}
FILTERS = {
    "manager_code": "managerCodes",
    "partner_code": "partnerCodes",
    "associate_code": "associateCodes",
    "team_code": "teamCodes",
    "status": "statuses",
    "type": "types",
    "service_codes": "serviceCodes",
    "updated_at": "updatedSince",
}


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_marks_the_columns_of_sensitive_fields() -> None:
    marked = {words(row[0])[0] for row in ROWS if "(sensitive)" in row[3]}
    assert marked == {name for field in SENSITIVE_FIELDS for name in source_columns(field)}


def test_the_table_names_the_columns_of_the_view_in_their_order() -> None:
    assert tuple(words(row[0])[0] for row in ROWS) == VIEW_COLUMNS


@pytest.mark.parametrize("row", ROWS, ids=VIEW_COLUMNS)
def test_a_row_says_what_the_column_is_and_feeds(row: list[str]) -> None:
    name, kind, empty, meaning, fields, filters = row
    column = words(name)[0]

    assert kind == ("moment" if column == "updated_at" else TYPES.get(KINDS.get(column, CellKind.TEXT), "text"))
    assert empty == ("no" if column in {"tenant", "code"} else "yes")
    assert meaning
    assert words(fields) == [field for field in TargetField if column in source_columns(field)]
    expected = [FILTERS[column]] if column in FILTERS else []
    assert words(filters) == [*expected, *(["search"] if column in SEARCHED_COLUMNS else [])]


def test_every_filter_is_somewhere_in_the_table() -> None:
    aliases = {field.alias for field in ClientFilter.model_fields.values()}

    assert {word for row in ROWS for word in words(row[5])} == aliases


@pytest.mark.parametrize("word", [*ClientType, *ClientStatus])
def test_every_type_and_status_is_named(word: str) -> None:
    assert f"`{word}`" in DOCUMENT


@pytest.mark.parametrize("select", VIEWS, ids=["PostgreSQL", "Azure SQL"])
def test_the_examples_give_every_column_in_order(select: str) -> None:
    flat = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", select))
    names = [re.split(r" AS |\.", column)[-1].strip() for column in flat.split(",")]

    assert tuple(names) == VIEW_COLUMNS


def test_the_time_limit_is_the_one_in_force() -> None:
    assert STATEMENT_TIMEOUT_SECONDS == 4 * 60
    assert "four minutes a statement" in DOCUMENT


@pytest.mark.parametrize("code", ["C00012345", "A/7 é", "", "o'c|~", "🙂"])
def test_the_keys_that_the_document_makes_are_those_that_are_read(code: str) -> None:
    made: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0], made)

    found = made["keys"]("north wind", code)

    assert TenantKeys("north wind", DEFAULT_PREFIX).code(found["PartitionKey"], found["RowKey"]) == code
    assert "the row key `A~00002f7~000020~0000e9`" in DOCUMENT
    assert made["key"]("A/7 é") == "A~00002f7~000020~0000e9"
