"""Engines: the driver, read-only access, and errors without values."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect
from exports.adapters.clients_sql.engines import make_engine


@pytest.mark.parametrize("name", ["clients.sqlite", "a b.sqlite", "50%?.sqlite", "#1&mode=rwc.sqlite"])
def test_a_sqlite_file_of_any_name_is_opened_read_only(name: str) -> None:
    url = SqliteDialect().reading_url(make_url("sqlite://").set(database=name))

    assert url.database == Path(name).absolute().as_uri()
    assert url.query == {"mode": "ro", "uri": "true"}


@pytest.mark.parametrize(("answer_seconds", "milliseconds"), [(None, 10_000), (4, 4_000)])
def test_a_check_waits_for_a_locked_sqlite_file_as_long_as_it_may(
    answer_seconds: int | None, milliseconds: int, tmp_path: Path
) -> None:
    (tmp_path / "clients.sqlite").touch()
    engine = make_engine(make_url(f"sqlite:///{tmp_path / 'clients.sqlite'}"), answer_seconds)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == milliseconds


def test_a_url_cannot_ask_for_write_access() -> None:
    url = SqliteDialect().reading_url(make_url("sqlite:///file:clients.sqlite?uri=true&mode=rwc"))

    assert url.query["mode"] == "ro"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_read_by_psycopg_in_read_only_transactions(scheme: str) -> None:
    engine = make_engine(make_url(f"{scheme}://app@db.example/clients"))

    assert engine.driver == "psycopg"
    assert engine.get_execution_options()["postgresql_readonly"] is True


def test_an_engine_hides_values_from_its_errors() -> None:
    assert make_engine(make_url("sqlite:///x.sqlite")).hide_parameters


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql"])
def test_mysql_and_mariadb_are_read_by_pymysql(scheme: str) -> None:
    engine = make_engine(make_url(f"{scheme}://app@db.example/clients"))

    assert engine.driver == "pymysql"
