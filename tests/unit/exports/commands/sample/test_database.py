"""Databases of sample clients, and the command that creates them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exports.__main__ import main
from exports.adapters.clients_sql.source import SqlClientSource
from exports.commands.sample import database
from exports.commands.sample.database import create_sample_database, share_out
from exports.commands.sample.schema import SampleRefusedError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS

TENANTS = ("northwind", "harbour")


def query(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "clients.sqlite"


def make(path: Path, clients: int = 100, seed: int = 1, tenants: tuple[str, ...] = TENANTS) -> None:
    create_sample_database(f"sqlite:///{path}", clients, tenants, seed)


@pytest.mark.parametrize(
    ("clients", "tenants", "shares"),
    [
        (100, ("a", "b"), [75, 25]),
        (101, ("a", "b"), [76, 25]),
        (100, ("a", "b", "c"), [75, 13, 12]),
        (100, ("a",), [100]),
        (1, ("a", "b"), [1, 0]),
        (0, ("a", "b"), [0, 0]),
    ],
)
def test_the_first_tenant_gets_three_quarters(clients: int, tenants: tuple[str, ...], shares: list[int]) -> None:
    assert share_out(clients, tenants) == dict(zip(tenants, shares, strict=True))


def test_the_view_matches_the_documentation_and_contains_all_clients(path: Path) -> None:
    make(path, 1_000)

    with closing(SqlClientSource(f"sqlite:///{path}")) as source:
        assert source.missing_columns(VIEW_COLUMNS) == ()
        totals = [source.find_boundaries(ClientSelection(tenant, ("code",)), 100).total_rows for tenant in TENANTS]
    assert totals == [750, 250]


def test_the_same_seed_makes_the_same_clients(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name)
    make(tmp_path / "other", seed=2)

    one, two, other = (query(tmp_path / name, "SELECT * FROM clients") for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_planning_uses_an_index_only_scan_and_pages_use_an_index_range(path: Path) -> None:
    make(path)

    planning = "SELECT code, row_number() OVER (ORDER BY code) FROM clients WHERE tenant = 'harbour'"
    page = "SELECT * FROM clients WHERE tenant = 'harbour' AND code >= 'A' AND code < 'B' ORDER BY code"
    steps = [str(query(path, f"EXPLAIN QUERY PLAN {statement}")) for statement in (planning, page)]
    assert "USING COVERING INDEX" in steps[0]
    assert "(tenant=? AND code>? AND code<?)" in steps[1]
    assert not [step for step in steps if "TEMP B-TREE" in step]


def test_a_sample_database_is_replaced(path: Path) -> None:
    make(path, 10)
    make(path, 20)

    assert query(path, "SELECT count(*) FROM clients") == [(20,)]


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE clients (a)", "CREATE VIEW clients AS SELECT 1", "CREATE TABLE b (c)"]
)
def test_a_database_that_the_command_did_not_make_is_left_unchanged(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "other.sqlite"
    query(path, statement)
    before = path.read_bytes()

    with pytest.raises(SampleRefusedError, match="did not make"):
        make(path)

    assert path.read_bytes() == before


def test_a_file_that_is_not_a_database_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)

    with pytest.raises(SampleRefusedError, match="not a readable"):
        make(path)

    assert path.read_text().startswith("Dear")


def test_an_interrupted_run_leaves_the_earlier_database_unchanged(path: Path) -> None:
    make(path, 10)

    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_sample_database(f"sqlite:///{path}", 20_000, TENANTS, 1, interrupt)

    assert query(path, "SELECT count(*) FROM clients") == [(10,)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_progress_rises_from_zero_to_all_clients(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ROWS_PER_REPORT", 40)
    reports: list[tuple[int, int]] = []

    create_sample_database(f"sqlite:///{path}", 100, TENANTS, 1, lambda done, total: reports.append((done, total)))

    assert reports == [(0, 100), (40, 100), (80, 100), (100, 100)]


@pytest.mark.parametrize("url", ["clients.sqlite", "sqlite://", "mysql://host/clients"])
def test_a_url_of_an_unsupported_database_is_refused(url: str) -> None:
    with pytest.raises(SampleRefusedError):
        create_sample_database(url, 1, TENANTS, 1)


@pytest.mark.parametrize(("clients", "tenants"), [(-1, ("a",)), (1, ()), (1, ("a", "a"))])
def test_invalid_numbers_and_tenants_are_refused(path: Path, clients: int, tenants: tuple[str, ...]) -> None:
    with pytest.raises(SampleRefusedError):
        make(path, clients, tenants=tenants)


def test_the_command_creates_the_database(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample-clients", "--database", f"sqlite:///{path}", "--clients", "100", "--tenants", "a, b"]) == 0

    assert query(path, "SELECT tenant, count(*) FROM clients GROUP BY tenant") == [("a", 75), ("b", 25)]
    assert "100 clients in" in capsys.readouterr().err


def test_the_command_says_why_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample-clients", "--database", "clients.sqlite", "--clients", "1"]) == 1

    assert "sqlite:///" in capsys.readouterr().err


def test_the_rows_read_are_the_rows_written(path: Path) -> None:
    make(path, 50)

    with closing(SqlClientSource(f"sqlite:///{path}")) as source:
        read = [row for rows in source.read(ClientSelection("harbour", ("code",)), KeyRange()) for row in rows]
    assert read == [(f"C{number:08d}",) for number in range(1, 13)]
