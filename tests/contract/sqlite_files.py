"""SQLite files whose view tests fill with values of any type."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from exports.adapters.clients_sql.source import SqlClientSource
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import VIEW_COLUMNS, TargetField
from exports.request.filters import ClientFilter
from tests.contract.viewed_clients import TENANT, ViewedClients


class SqliteFile(ViewedClients):
    """A file with a table `kept` and a view of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = SqlClientSource(f"sqlite:///{path}")

    def run(self, statement: str, rows: Sequence[Sequence[Any]] = ()) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(statement, rows) if rows else connection.execute(statement)

    def fill(
        self, rows: Sequence[dict[str, Any]], tenant: Any = TENANT, tenant_type: str = "TEXT", **types: str
    ) -> None:
        """Make the table and the view of the columns of the first row. `types` declares columns; others are TEXT."""
        names = ["tenant", *rows[0]]
        declared = ", ".join(f"{name} {({'tenant': tenant_type} | types).get(name, 'TEXT')}" for name in names)
        self.run(f"CREATE TABLE kept ({declared}, PRIMARY KEY (tenant, code))")
        values = ", ".join("?" * len(names))
        self.run(f"INSERT INTO kept VALUES ({values})", [(tenant, *row.values()) for row in rows])
        self.view(**{name: name for name in names})

    def view(self, **columns: str) -> None:
        """Make the view from the SQL of its columns; all others are NULL."""
        self.run("DROP VIEW IF EXISTS clients")
        chosen = ", ".join(f"{columns.get(name, 'NULL')} AS {name}" for name in VIEW_COLUMNS)
        self.run(f"CREATE VIEW clients AS SELECT {chosen} FROM kept")

    def cells(self, field: TargetField, **wanted: Any) -> list[str]:
        """Render one field of every client, without its header."""
        mappings = [ColumnMapping(csv_header=each.value, target_field=each) for each in (TargetField.CODE, field)]
        renderer = CsvRenderer(mappings)
        selection = ClientSelection(TENANT, renderer.source_columns, ClientFilter(**wanted))
        data = b"".join(records.data for records in self.source.render(selection, KeyRange(), renderer))
        return [line.partition(",")[2] for line in data.decode().split("\r\n")[:-1]]
