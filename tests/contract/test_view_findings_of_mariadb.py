"""What `python -m exports view check` finds in views of MariaDB alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine

from tests.contract.client_stores import empty_database
from tests.contract.view_checks import check, make_records, many_clients, run, view_with


def test_functions_that_mariadb_calls_not_deterministic_are_found(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    make = "CREATE FUNCTION {} (x varchar(40)) RETURNS varchar(40) {} RETURN x"
    url = make_records(
        mariadb_database,
        [("northwind", "C1")],
        "SET GLOBAL log_bin_trust_function_creators = 1",
        make.format("forgotten", "NOT DETERMINISTIC NO SQL"),
        make.format("declared", "DETERMINISTIC"),
        view_with("rand()", name="inner_view"),
        view_with("concat(forgotten(declared(email)), 'uuid() in text')", "inner_view"),
    )

    found = check(url, capsys)[1]["functions"]

    names = {(each["name"], each["kind"], each["view"]) for each in found}
    kind = "NOT DETERMINISTIC"
    assert names == {("forgotten", kind, "clients"), ("rand", kind, "inner_view")}


def test_functions_and_views_of_mariadb_with_blanks_in_their_names_are_found(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_records(
        mariadb_database,
        [("northwind", "C1")],
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE FUNCTION `my func` (x varchar(40)) RETURNS varchar(40) NOT DETERMINISTIC NO SQL RETURN x",
        view_with("rand()", name="`my view`"),
        view_with("`my func`(concat(email, 'it''s (`'))", "`my view`"),
    )

    found = check(url, capsys)[1]["functions"]

    assert {(each["name"], each["view"]) for each in found} == {("my func", "clients"), ("rand", "my view")}


def test_calls_beside_literals_with_quotes_and_backslashes_are_found_in_mariadb(
    mariadb_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    literals = r"concat('\\', rand(), 'it''s uuid() \\')"
    url = make_records(mariadb_database, [("northwind", "C1")], view_with(literals))

    found = check(url, capsys)[1]["functions"]

    assert [each["name"] for each in found] == ["rand"]


@pytest.fixture
def other_database(mariadb_url: str, mariadb_engine: Engine) -> Iterator[URL]:
    """A second database on the MariaDB server."""
    with empty_database(mariadb_url, mariadb_engine) as database:
        yield database


def test_functions_in_other_databases_of_mariadb_are_found_too(
    mariadb_database: URL, other_database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    other, here = other_database.database, mariadb_database.database
    make_records(mariadb_database, [("northwind", "C1")])
    run(
        other_database,
        "SET GLOBAL log_bin_trust_function_creators = 1",
        "CREATE FUNCTION forgotten(x varchar(40)) RETURNS varchar(40) NOT DETERMINISTIC NO SQL RETURN x",
        view_with("rand()", f"{here}.records", "inner_view"),
    )
    url = run(mariadb_database, view_with(f"{other}.forgotten(email)", f"{other}.inner_view"))

    found = check(url, capsys)[1]["functions"]

    assert {(each["name"], each["view"]) for each in found} == {("forgotten", "clients"), ("rand", "inner_view")}


@pytest.mark.parametrize("alias", ["", "AS those"])
def test_an_index_on_a_table_in_another_database_of_mariadb_is_named_with_it(
    mariadb_database: URL, other_database: URL, capsys: pytest.CaptureFixture[str], alias: str
) -> None:
    make_records(other_database, many_clients())
    url = run(mariadb_database, f"CREATE VIEW clients AS SELECT * FROM {other_database.database}.records {alias}")

    run(mariadb_database, check(url, capsys)[1]["key"]["change"])

    assert check(url, capsys)[1]["key"]["is_indexed"]


def test_an_index_on_a_view_is_never_asked_for(mariadb_database: URL, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_records(
        mariadb_database,
        many_clients(),
        "CREATE VIEW inner_view AS SELECT * FROM records",
        "CREATE VIEW clients AS SELECT * FROM inner_view",
    )

    assert check(url, capsys)[1]["key"]["change"] == "Give the table columns behind (tenant, code) a unique index."
