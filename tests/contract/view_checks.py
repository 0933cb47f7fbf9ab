"""Views with a table of clients behind them, and what `python -m exports view check` finds in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from exports.__main__ import main
from exports.request.fields import VIEW_COLUMNS
from tests.support.sql_statements import run_statements

MANY = 1_500
VIEW = "CREATE VIEW clients AS SELECT * FROM records"


def run(url: URL, *statements: str) -> str:
    """Run statements, and return the URL as text."""
    run_statements(url, *statements)
    return url.render_as_string(hide_password=False)


def make_records(url: URL, clients: Sequence[tuple[str | None, str | None]], *statements: str) -> str:
    """Make a table of clients without an index, run more statements, and return the URL as text."""
    types = {"updated_at": "timestamp NULL", "tenant": "varchar(40)", "code": "varchar(40)"}
    columns = (f"{name} {types.get(name, 'varchar(10)')}" for name in VIEW_COLUMNS)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE records ({', '.join(columns)})")
        values = "(?, ?)" if url.get_backend_name() == "sqlite" else "(%s, %s)"
        connection.exec_driver_sql(f"INSERT INTO records (tenant, code) VALUES {values}", list(clients))
    engine.dispose()
    return run(url, *statements)


def many_clients(tenant: str = "northwind") -> list[tuple[str | None, str | None]]:
    return [(tenant, f"C{number:06}") for number in range(MANY)]


def check(url: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["view", "check", url, "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def view_with(expression: str, table: str = "records", name: str = "clients") -> str:
    columns = ", ".join(f"{expression} AS email" if column == "email" else column for column in VIEW_COLUMNS)
    return f"CREATE VIEW {name} AS SELECT {columns} FROM {table}"
