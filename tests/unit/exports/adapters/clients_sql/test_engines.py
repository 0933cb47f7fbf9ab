from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from exports.adapters.clients_sql.engines import make_engine, read_only_url


@pytest.mark.parametrize("name", ["clients.sqlite", "a b.sqlite", "50%?.sqlite", "#1&mode=rwc.sqlite"])
def test_a_sqlite_file_is_named_for_reading_whatever_its_name(name: str) -> None:
    url = read_only_url(make_url("sqlite://").set(database=name))

    assert url.database == Path(name).absolute().as_uri()
    assert url.query == {"mode": "ro", "uri": "true"}


def test_nobody_can_ask_for_writing_by_the_address() -> None:
    url = read_only_url(make_url("sqlite:///file:clients.sqlite?uri=true&mode=rwc"))

    assert url.query["mode"] == "ro"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_spoken_to_by_psycopg(scheme: str) -> None:
    engine = make_engine(make_url(f"{scheme}://app@db.example/clients"))

    assert engine.driver == "psycopg"


def test_an_engine_hides_values_from_its_errors() -> None:
    assert make_engine(make_url("sqlite:///x.sqlite")).hide_parameters


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql"])
def test_mysql_is_spoken_to_by_pymysql(scheme: str) -> None:
    engine = make_engine(make_url(f"{scheme}://app@db.example/clients"))

    assert engine.driver == "pymysql"
