"""SQLite compares keys, tenants and filter values by the types of their values and the collations of their columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exports.errors import SourceMismatchError
from exports.ports.clients import ClientSelection
from tests.contract.sqlite_files import SqliteFile
from tests.contract.viewed_clients import TENANT

NUMBERS = [-5, 0, 7, 9, 10, 42, 99, 100, 1000, 2**63 - 1]
WORDS = ["B", "a", "A", "a ", "c", "C", "é", "É", "_", "10", "9"]


@pytest.fixture
def file(tmp_path: Path) -> SqliteFile:
    return SqliteFile(tmp_path / "clients.sqlite")


SIZES = (1, *(pytest.param(rows, marks=pytest.mark.thorough) for rows in (2, 3)), 100)
"""How many rows a page has. The smallest and a single page are tested in every run."""


def _fill(file: SqliteFile, codes: list[Any], declared: str = "", **more: str) -> None:
    file.fill([{"code": code} for code in codes], code=declared, **more)


@pytest.mark.parametrize("rows_per_page", SIZES)
@pytest.mark.parametrize("declared", ["INTEGER", "BIGINT", "", "NUMERIC", "BLOB", "ANY"])
def test_integer_keys_make_any_number_of_pages(file: SqliteFile, declared: str, rows_per_page: int) -> None:
    _fill(file, NUMBERS, declared)

    total, pages = file.pages(rows_per_page)

    assert total == len(NUMBERS)
    assert [code for page in pages for code in page] == [str(number) for number in NUMBERS]
    assert {len(page) for page in pages[:-1]} <= {rows_per_page}


@pytest.mark.parametrize("rows_per_page", SIZES)
@pytest.mark.parametrize("collation", ["BINARY", "NOCASE", "RTRIM"])
@pytest.mark.parametrize("sql", ["code", "CAST(code AS TEXT)", "upper(code) || code", "code || ''"])
def test_text_keys_page_in_the_order_of_their_collation(
    file: SqliteFile, collation: str, sql: str, rows_per_page: int
) -> None:
    file.run(f"CREATE TABLE kept (tenant TEXT, code TEXT COLLATE {collation})")
    file.run("INSERT INTO kept VALUES (?, ?)", [(TENANT, word) for word in WORDS])
    file.run(f"CREATE INDEX by_code ON kept (tenant, code COLLATE {collation})")
    file.view(tenant="tenant", code=sql)

    total, pages = file.pages(rows_per_page)

    codes = [code for page in pages for code in page]
    assert total == len(WORDS)
    assert len(codes) == len(set(codes)) == len(WORDS)
    ranks = file.source.rank_codes(codes)
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("codes", "declared", "said"),
    [
        ([1.5, 2.5], "REAL", "type REAL"),
        ([1, 2], "REAL", "type REAL"),
        ([b"1", b"2"], "BLOB", "type BLOB"),
        ([1, "a"], "", "types INTEGER and TEXT"),
        ([1, 2.5, 3], "INTEGER", "types INTEGER and REAL"),
        (["a", b"b"], "TEXT", "types TEXT and BLOB"),
        ([1, b"b"], "", "types INTEGER and BLOB"),
        (["a", "b", 3], "", "types (TEXT and INTEGER|INTEGER and TEXT)"),
    ],
)
def test_keys_of_other_or_several_types_are_refused_by_name(
    file: SqliteFile, codes: list[Any], declared: str, said: str
) -> None:
    _fill(file, codes, declared)

    with pytest.raises(SourceMismatchError, match=rf"column code .*{said}.*CAST\(code AS TEXT\)"):
        file.source.find_boundaries(ClientSelection(TENANT, ("code",)), 1)


def test_a_client_without_a_code_is_a_mismatch_for_integer_keys_too(file: SqliteFile) -> None:
    _fill(file, [1, None, 2], "INTEGER")

    with pytest.raises(SourceMismatchError, match="has no code"):
        file.pages(1)


@pytest.mark.parametrize("declared", ["INTEGER", "", "NUMERIC"])
def test_a_tenant_that_is_a_number_is_found_by_its_text_alone(file: SqliteFile, declared: str) -> None:
    file.fill([{"code": "a"}, {"code": "b"}], tenant=7, tenant_type=declared)

    assert file.find("7") == ["a", "b"]
    assert file.pages(1, "7") == (2, [["a"], ["b"]])
    for other in ("07", "7.0", "7e0", " 7", "+7", "x", "7\0"):
        assert (file.find(other), file.pages(1, other)[0]) == ([], 0)


FOUND = {
    "1": ["int", "text"],
    "01": ["zero"],
    "1.0": [],
    "1.5": ["real"],
    "+1": [],
    "abc": ["word"],
    "ABC": [],
    "a\0": [],
    "99999999999999999999": [],
}


@pytest.mark.parametrize("text", FOUND)
def test_a_listed_value_finds_clients_by_its_text(file: SqliteFile, text: str) -> None:
    values = {"int": 1, "text": "1", "zero": "01", "real": 1.5, "word": "abc", "none": None, "blob": b"1"}
    file.fill([{"code": code, "manager_code": value} for code, value in values.items()], manager_code="")

    assert sorted(file.find(manager_codes=(text,))) == FOUND[text]


@pytest.mark.parametrize(("text", "expected"), [("1", ["a"]), ("01", []), ("1.0", []), ("abc", []), ("2", ["b"])])
def test_a_listed_value_finds_integers_by_their_text(file: SqliteFile, text: str, expected: list[str]) -> None:
    file.fill([{"code": "a", "team_code": 1}, {"code": "b", "team_code": 2}], team_code="INTEGER")

    assert file.find(team_codes=(text,)) == expected


def test_a_listed_value_is_compared_in_the_collation_of_its_column(file: SqliteFile) -> None:
    file.fill([{"code": "a", "team_code": "Tax"}, {"code": "b", "team_code": "VAT"}], team_code="TEXT COLLATE NOCASE")

    assert file.find(team_codes=("TAX",)) == ["a"]


@pytest.mark.parametrize("declared", ["TEXT", "BLOB", ""])
def test_codes_and_tenants_with_leading_zeros_are_paged_whatever_type_is_declared(
    file: SqliteFile, declared: str
) -> None:
    codes = [f"{number:03}" for number in range(20)]
    file.fill([{"code": code} for code in codes], tenant="07", tenant_type=declared, code=declared)

    total, pages = file.pages(7, tenant="07")

    assert (total, [code for page in pages for code in page]) == (20, codes)


@pytest.mark.parametrize("expression", ["tenant", "CAST(tenant AS INTEGER)"])
def test_a_tenant_never_sees_the_clients_of_one_whose_number_it_resembles(file: SqliteFile, expression: str) -> None:
    file.fill([{"code": "a"}], tenant=7, tenant_type="INTEGER")
    file.view(tenant=expression, code="code")

    assert [file.pages(7, tenant=text)[0] for text in ("7", "07", "7.0", "7e0")] == [1, 0, 0, 0]


def test_a_generated_column_can_be_the_code(file: SqliteFile) -> None:
    file.run(
        "CREATE TABLE clients (tenant TEXT, number INTEGER, name TEXT, "
        "code TEXT GENERATED ALWAYS AS (printf('C%03d', number)) STORED)"
    )
    file.run("INSERT INTO clients (tenant, number) VALUES (?, ?)", [(TENANT, number) for number in range(20)])

    total, pages = file.pages(7)

    assert (total, [code for page in pages for code in page]) == (20, [f"C{number:03}" for number in range(20)])
