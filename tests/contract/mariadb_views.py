"""MariaDB views whose columns tests fill with values of any type."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from sqlalchemy import URL, create_engine, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import render_lists
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import VIEW_COLUMNS, TargetField
from exports.request.formats import CsvFormat
from tests.contract.viewed_clients import TENANT, ViewedClients

INVALID_DATES = "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'"
"""Lets a table keep dates that no calendar has, and writes moments in UTC."""


class MariadbViews(ViewedClients):
    """A database with a table `kept` and a view of it."""

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, connect_args={"init_command": INVALID_DATES, "charset": "utf8mb4"})
        self.source = SqlClientSource(url)

    def close(self) -> None:
        self.source.close()
        self.engine.dispose()

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def query(self, statement: str, **values: Any) -> list[Any]:
        """Return the rows of a statement; of rows with one column, the values."""
        with self.engine.begin() as connection:
            rows = connection.execute(text(statement), values).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    def keep(self, declared: str, literals: Sequence[str] = ("NULL",), column: str = "telephone") -> None:
        """Keep a client for each literal, with the value in a column of the view. The codes are C00, C01, …"""
        rows = ", ".join(f"('C{place:02}', {literal})" for place, literal in enumerate(literals))
        self.run(
            "DROP TABLE IF EXISTS kept",
            f"CREATE TABLE kept (code varchar(20) PRIMARY KEY, value {declared})",
            f"INSERT INTO kept VALUES {rows}",
        )
        self.view(**{"code": "code", column: "value"})

    def view(self, **columns: str) -> None:
        """Make the view from the SQL of its columns; all others are NULL."""
        chosen = {"tenant": f"'{TENANT}'", **columns}
        listed = ", ".join(f"{chosen.get(name, 'NULL')} AS {name}" for name in VIEW_COLUMNS)
        self.run("DROP VIEW IF EXISTS clients", f"CREATE VIEW clients AS SELECT {listed} FROM kept")

    def cells(self, field: TargetField = TargetField.TELEPHONE) -> list[str]:
        """Return the cells of one field, which a page, an estimate and rows must have alike."""
        mappings = [ColumnMapping(csv_header=each.value, target_field=each) for each in (TargetField.CODE, field)]
        renderer = CsvRenderer(mappings, CsvFormat(formula_guard=False))
        selection = ClientSelection(TENANT, renderer.source_columns)
        planned = self.source.find_boundaries(selection, 10)
        page = b"".join(records.data for records in self.source.render(selection, KeyRange(), renderer))
        rows = b"".join(records.data for records in render_lists(self.source.read(selection, KeyRange()), renderer))
        sampled = self.source.render_samples(selection, ["C"], planned.total_rows, renderer)
        assert page == rows == b"".join(records.data for records in sampled)
        cells = [record[1] for record in csv.reader(StringIO(page.decode(), newline=""))]
        assert len(cells) == planned.total_rows
        return cells
