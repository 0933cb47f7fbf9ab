"""What SQLite's values become in cells and in moments, and how the others are refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS, ClientStatus, TargetField
from exports.request.filters import ClientFilter
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

DECLARED = {
    "TEXT": "TEXT",
    "VARCHAR(9)": "TEXT",
    "INTEGER": "NUMBER",
    "BIGINT": "NUMBER",
    "BOOLEAN": "NUMBER",
    "DATE": "NUMBER",
    "DATETIME": "NUMBER",
    "DECIMAL(10,2)": "NUMBER",
    "NUMERIC": "NUMBER",
    "REAL": "REAL",
    "DOUBLE PRECISION": "REAL",
    "FLOAT": "REAL",
    "BLOB": "AS IS",
    "JSON": "NUMBER",
    "": "AS IS",
}
"""The types that tables declare, by what SQLite makes of numbers and of texts of numbers in them."""

VALUES: list[tuple[Any, dict[str, str]]] = [
    (None, dict.fromkeys(("TEXT", "NUMBER", "REAL", "AS IS"), "")),
    ("text", dict.fromkeys(("TEXT", "NUMBER", "REAL", "AS IS"), "text")),
    ("2026-01-31", dict.fromkeys(("TEXT", "NUMBER", "REAL", "AS IS"), "2026-01-31")),
    (42, {"TEXT": "42", "NUMBER": "42", "REAL": "42.0", "AS IS": "42"}),
    ("042", {"TEXT": "042", "NUMBER": "42", "REAL": "42.0", "AS IS": "042"}),
    (
        2**62,
        {"TEXT": str(2**62), "NUMBER": str(2**62), "REAL": "4.611686018427388e+18", "AS IS": str(2**62)},
    ),
    (
        0.1 + 0.2,
        {"TEXT": "0.3", "NUMBER": "0.30000000000000004", "REAL": "0.30000000000000004", "AS IS": "0.30000000000000004"},
    ),
    (1234567890.0, {"TEXT": "1234567890.0", "NUMBER": "1234567890", "REAL": "1234567890.0", "AS IS": "1234567890.0"}),
    (1e300, {"TEXT": "1.0e+300", "NUMBER": "1e+300", "REAL": "1e+300", "AS IS": "1e+300"}),
    (math.inf, {"TEXT": "Inf", "NUMBER": "Infinity", "REAL": "Infinity", "AS IS": "Infinity"}),
]


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "clients.sqlite")


def _fill(file: SqliteFile, name: str, values: list[Any], declared: str = "") -> None:
    file.fill([{"code": f"C{place:02}", name: value} for place, value in enumerate(values)], **{name: declared})


@pytest.mark.parametrize("declared", DECLARED)
def test_each_value_of_each_declared_type_becomes_its_documented_cell(file: SqliteFile, declared: str) -> None:
    _fill(file, "website", [value for value, _ in VALUES], declared)

    assert file.cells(TargetField.WEBSITE) == [cells[DECLARED[declared]] for _, cells in VALUES]


def test_a_view_gives_expressions_the_cells_of_their_values(file: SqliteFile) -> None:
    file.fill([{"code": "C0"}])
    for sql, cell in {"1 = 1": "1", "1 / 4.0": "0.25", "upper('a') || 1": "A1", "CAST(7 AS TEXT)": "7"}.items():
        file.view(tenant="tenant", code="code", website=sql)
        assert file.cells(TargetField.WEBSITE) == [cell]


@pytest.mark.parametrize("first", ["name", "CAST(name AS TEXT)", "''"])
def test_a_union_view_gives_numbers_the_cells_of_their_values_in_a_column_of_text(file: SqliteFile, first: str) -> None:
    """A UNION view declares the types of its first part only, and converts nothing."""
    file.fill([{"code": "C0", "name": "a"}])
    others = ", ".join(f"NULL AS {name}" for name in VIEW_COLUMNS if name not in ("tenant", "code", "website"))
    file.run("DROP VIEW clients")
    file.run(
        f"CREATE VIEW clients AS SELECT tenant, code, {first} AS website, {others} FROM kept "
        f"UNION ALL SELECT tenant, 'C1', 0.1 + 0.2, {others} FROM kept "
        f"UNION ALL SELECT tenant, 'C2', 7, {others} FROM kept"
    )

    assert file.cells(TargetField.WEBSITE)[1:] == ["0.30000000000000004", "7"]
    assert file.pages(2) == (3, [["C0", "C1"], ["C2"]])


def test_a_refused_value_is_named_in_words_of_sql(file: SqliteFile) -> None:
    _fill(file, "name", [b"x"], "BLOB")

    with pytest.raises(SourceMismatchError, match=r"\(binary data, such as a BLOB\)"):
        file.cells(TargetField.NAME)


@pytest.mark.parametrize("wanted", [ClientFilter(), ClientFilter(statuses=(ClientStatus.ACTIVE,))])
def test_a_code_that_is_not_utf_8_is_named_by_plans_and_pages(file: SqliteFile, wanted: ClientFilter) -> None:
    file.fill([{"code": f"C{number}", "status": "Active"} for number in range(9)])
    file.run("UPDATE kept SET code = CAST(x'436166e9' AS TEXT) WHERE code = 'C3'")
    selection = ClientSelection(TENANT, ("code", "name"), wanted)

    for rows_per_page in (1, 500):
        with pytest.raises(SourceMismatchError, match=r"column code .*character set"):
            file.source.find_boundaries(selection, rows_per_page)
    with pytest.raises(SourceMismatchError, match=r"column code .*character set"):
        list(file.source.sample(selection, [KeyRange()], 9))


@pytest.mark.parametrize("declared", ["TEXT", "BLOB", "", "INTEGER"])
def test_a_blob_in_one_row_is_refused_with_its_column_and_client(file: SqliteFile, declared: str) -> None:
    _fill(file, "name", ["a"] * 3000 + [b"Caf\xc3\xa9", "b"], declared)

    with pytest.raises(SourceMismatchError, match="column name ") as caught:
        file.cells(TargetField.NAME)

    assert "C3000" in caught.value.private
    assert "Caf" not in str(caught.value)


def test_text_that_is_not_utf_8_is_refused_with_its_column_and_client(file: SqliteFile) -> None:
    _fill(file, "name", ["a"] * 3000, "TEXT")
    file.run("UPDATE kept SET name = CAST(x'436166e9' AS TEXT) WHERE code = 'C2345'")

    with pytest.raises(SourceMismatchError, match=r"column name .*character set") as caught:
        file.cells(TargetField.NAME)

    assert "C2345" in caught.value.private


@pytest.mark.parametrize("value", [2461071.5, 20260131, "20260131", "10000-01-01", "2026-02-30", "31/01/2026", b"x"])
def test_a_value_that_is_no_date_is_refused_with_its_column_and_client(file: SqliteFile, value: Any) -> None:
    _fill(file, "incorporation_date", ["2026-01-31", None, "2026-01-31 10:00:00", value], "")

    with pytest.raises(SourceMismatchError, match="column incorporation_date ") as caught:
        file.cells(TargetField.INCORPORATION_DATE)

    assert "C03" in caught.value.private


def test_booleans_are_integers_or_words(file: SqliteFile) -> None:
    _fill(file, "vat_registered", [0, 1, "true", "false", "T", "f", "1", None], "")

    expected = ["false", "true", "true", "false", "true", "false", "true", ""]
    assert file.cells(TargetField.VAT_REGISTERED) == expected


@pytest.mark.parametrize("value", [2, "yes", 0.5, b"1"])
def test_a_value_that_is_no_boolean_is_refused_with_its_column_and_client(file: SqliteFile, value: Any) -> None:
    _fill(file, "vat_registered", [0, value], "")

    with pytest.raises(SourceMismatchError, match="column vat_registered ") as caught:
        file.cells(TargetField.VAT_REGISTERED)

    assert "C01" in caught.value.private


SINCE = datetime(2026, 1, 31, 9, tzinfo=UTC)
AT_SINCE = [
    "2026-01-31T09:00:00.000Z",
    "2026-01-31T09:00:00Z",
    "2026-01-31t09:00:00z",
    "2026-01-31T09:00Z",
    "2026-01-31T10:00:00+01:00",
    "2026-01-31T04:00:00.000-05:00",
    "2026-01-31 09:00:00",
    "2026-01-31 09:00:00.000000",
    "2026-01-31 09:00",
    int(SINCE.timestamp()),
    "2026-02-01",
    "2026-01-31",
    "2026-01-31T09:00:00.000001Z",
]
BEFORE_SINCE = [
    "2026-01-31T08:59:59.999Z",
    "2026-01-31T09:59:59+01:00",
    "2026-01-31 08:59:59.999999",
    "2026-01-30",
    "2026-01-31T22:59:59+14:00",
    int(SINCE.timestamp()) - 1,
    0,
    None,
]


@pytest.mark.parametrize("declared", ["", "TEXT", "DATETIME", "INTEGER"])
def test_updated_since_compares_moments_whatever_text_keeps_them(file: SqliteFile, declared: str) -> None:
    values = [value for value in [*AT_SINCE, *BEFORE_SINCE] if declared != "TEXT" or type(value) is not int]
    _fill(file, "updated_at", values, declared)

    assert file.find(updated_since=SINCE) == [f"C{n:02}" for n, value in enumerate(values) if value in AT_SINCE]
    before = [f"C{n:02}" for n, value in enumerate(values) if value is not None and value not in AT_SINCE]
    assert file.find(updated_until=SINCE) == before


def test_updated_since_is_exact_to_the_microsecond(file: SqliteFile) -> None:
    _fill(file, "updated_at", ["2026-01-31T09:00:00.000Z", "2026-01-31T09:00:00.000004Z", "2026-01-31T09:00:00.001Z"])

    assert file.find(updated_since=SINCE + timedelta(microseconds=4)) == ["C01", "C02"]
    assert file.find(updated_since=SINCE + timedelta(microseconds=5)) == ["C02"]
    assert file.find(updated_until=SINCE + timedelta(microseconds=4)) == ["C00"]
    assert file.find(updated_until=SINCE + timedelta(microseconds=5)) == ["C00", "C01"]


@pytest.mark.parametrize("bound", ["updated_since", "updated_until"])
@pytest.mark.parametrize(
    "value",
    ["31.01.2026 09:00", "2026-02-30 09:00:00", "2026-01-31T24:00:00Z", "now", "", 1769850000000, 2461071.5, b"2026"],
)
def test_a_value_that_is_no_moment_is_refused_with_column_and_client(file: SqliteFile, value: Any, bound: str) -> None:
    _fill(file, "updated_at", ["2026-01-31T09:00:00.000Z", "2026-01-31", value])

    with pytest.raises(SourceMismatchError, match=r"column updated_at .*not a moment") as caught:
        file.find(**{bound: SINCE})  # type: ignore[arg-type]

    assert "C02" in caught.value.private


def test_updated_since_is_refused_at_the_plan_too(file: SqliteFile) -> None:
    _fill(file, "updated_at", ["2026-01-31T09:00:00.000Z", "tomorrow"])

    with pytest.raises(SourceMismatchError, match="column updated_at "):
        file.find(updated_since=SINCE)
    assert file.find() == ["C00", "C01"]
