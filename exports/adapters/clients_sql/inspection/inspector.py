"""The contract between the check of a view and one kind of database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement, Connection, Engine, Executable, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from exports.adapters.clients_sql.inspection.findings import ChangedCollation, KeyUse, UnstableFunction
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit


class Explain(Executable, ClauseElement):
    """A statement that asks the database for the plan of another one."""

    inherit_cache = False

    def __init__(self, command: str, statement: Select[Any]) -> None:
        self.command = command
        self.statement = statement


@compiles(Explain)
def _compile_explain(element: Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.command} {compiler.process(element.statement, **options)}"


class ViewInspector:
    """Asks one kind of database about a view. This base class knows none of the answers."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Let the engine's statements end when the time of their part is over."""

    def unstable_functions(self, connection: Connection) -> list[UnstableFunction] | None:
        """Return the functions in the view, and in views that it reads, that may change from call to call.

        None: not known.
        """
        return None

    def tables_with_hidden_rows(self, connection: Connection) -> list[str]:
        """Return the tables behind the view of which the database may hide rows from this user."""
        return []

    def changed_collations(self, connection: Connection) -> list[ChangedCollation]:
        """Return the collations of the view's columns whose version is another one than the database has recorded."""
        return []

    def notes_on_reading(self, connection: Connection) -> list[str]:
        """Return what keeps readers and writers from working side by side, or a snapshot from holding all clients."""
        return []

    def key_use(self, connection: Connection, page: Select[Any], keys: Select[Any]) -> KeyUse | None:
        """Return how the database would read a page; None if it is not known.

        Args:
            page: Selects the codes of one page.
            keys: Selects `tenant` and `code`, so that the plan shows what is behind them.
        """
        return None
