"""Ask SQLite about the view `clients`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, event

from exports.adapters.clients_sql.dialects.sqlite_snapshot import has_log
from exports.adapters.clients_sql.inspection.findings import KeyUse, UnstableFunction
from exports.adapters.clients_sql.inspection.inspector import Explain, ViewInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.inspection.words import AS_WRITTEN, calls

_UNSTABLE = frozenset({"random", "randomblob", "changes", "total_changes", "last_insert_rowid"})
_VIEWS = "SELECT lower(name), sql FROM sqlite_master WHERE type = 'view'"
_SEARCH = re.compile(r"SEARCH .* USING (?:COVERING )?INDEX (?P<index>\S+) \(.*>.*\)")
_SCAN = re.compile(r"(?:SCAN|SEARCH) (?P<table>\S+)")
_HAS_BOTH = """
SELECT found.name FROM pragma_table_xinfo(?1) AS found
WHERE lower(found.name) IN ('tenant', 'code') AND ?1 IN (
    SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%'
)
"""
_STEPS_BETWEEN_LOOKS = 20_000
_NO_LOG = (
    "The SQLite file has no write-ahead log, so programs that write clients wait while a page is read, and may fail "
    "with “database is locked”. Run PRAGMA journal_mode=WAL once, if the service may write in the folder of the file."
)


class SqliteInspector(ViewInspector):
    """Reads the schema and the plans of SQLite."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Let SQLite look at the clock every few thousand steps."""

        def watch(connection: Any, _record: object) -> None:
            connection.set_progress_handler(lambda: limit.is_over, _STEPS_BETWEEN_LOOKS)

        event.listen(engine, "connect", watch)

    def unstable_functions(self, connection: Connection) -> list[UnstableFunction] | None:
        """Search the texts of views. SQLite's date functions give one moment to one statement, and count as stable."""
        views = {name: sql or "" for name, sql in connection.exec_driver_sql(_VIEWS)}
        found = calls(views, "clients", _UNSTABLE, AS_WRITTEN)
        return [UnstableFunction(name, "NOT DETERMINISTIC", view) for name, view in found]

    def notes_on_reading(self, connection: Connection) -> list[str]:
        """Look for the write-ahead log, without which readers and writers wait for each other."""
        return [] if has_log(connection) else [_NO_LOG]

    def key_use(self, connection: Connection, page: Select[Any], keys: Select[Any]) -> KeyUse | None:
        """Read the plan: one search in one index, and no sort."""
        lines = [str(words) for _, _, _, words in connection.execute(Explain("EXPLAIN QUERY PLAN", page))]
        searches = [found for line in lines if (found := _SEARCH.fullmatch(line))]
        if searches and not any("TEMP B-TREE" in line for line in lines):
            return KeyUse(True, "reads each page from the index", searches[0]["index"])
        return KeyUse(False, "reads and sorts a table for each page", change=_change(connection, lines))


def _change(connection: Connection, lines: Sequence[str]) -> str:
    """Write the index, if the view reads one table that has the two columns under the same names."""
    tables = {found["table"] for line in lines if (found := _SCAN.match(line))}
    for table in tables if len(tables) == 1 else ():
        if len(connection.exec_driver_sql(_HAS_BOTH, (table,)).all()) == 2:
            return f'CREATE UNIQUE INDEX clients_by_code ON "{table}" (tenant, code);'
    return "Give the table columns behind (tenant, code) a unique index, and let both be plain columns of the view."
