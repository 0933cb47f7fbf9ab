"""Ask MySQL and MariaDB about the view `clients`."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Engine, Select, event, text

from exports.adapters.clients_sql.inspection.findings import KeyUse, UnstableFunction
from exports.adapters.clients_sql.inspection.inspector import Explain, ViewInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.inspection.words import calls

_GRACE_SECONDS = 1.0
_BUILT_IN = frozenset({"rand", "uuid", "uuid_short", "sysdate", "sleep", "random_bytes", "connection_id"})
_VIEWS = "SELECT lower(table_name), view_definition FROM information_schema.views WHERE table_schema = DATABASE()"
_FUNCTIONS = """
SELECT lower(routine_name) FROM information_schema.routines
WHERE routine_type = 'FUNCTION' AND is_deterministic = 'NO' AND routine_schema = DATABASE()
"""
_BEHIND = r"(?:`(?P<schema>[^`]+)`\.)?`(?P<table>[^`]+)`\.`(?P<column>[^`]+)` AS `{name}`"


class MysqlInspector(ViewInspector):
    """Reads the information schema and the plans."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Limit the session at the beginning of each transaction."""

        def shorten(connection: Connection) -> None:
            seconds = limit.seconds_left
            statement = (
                f"SET @client_export = 0 /*M! , max_statement_time = {seconds:.2f} */"
                f" /*!80000 , max_execution_time = {round(seconds * 1000)} */"
            )
            connection.exec_driver_sql(statement).close()
            driver: Any = connection.connection.driver_connection
            driver._read_timeout = seconds + _GRACE_SECONDS  # for a server that has died

        event.listen(engine, "begin", shorten)

    def unstable_functions(self, connection: Connection) -> list[UnstableFunction] | None:
        """Search the definitions of views. They are empty for a user without the right SHOW VIEW."""
        views = {name: definition or "" for name, definition in connection.exec_driver_sql(_VIEWS)}
        if not views.get("clients"):
            return None
        declared = {name for (name,) in connection.exec_driver_sql(_FUNCTIONS)}
        found = calls(views, "clients", _BUILT_IN | declared)
        return [UnstableFunction(name, "NOT DETERMINISTIC", view) for name, view in found]

    def key_use(self, connection: Connection, page: Select[Any], keys: Select[Any]) -> KeyUse | None:
        """Explain the page. A plan without an index may be that of a small table, so indexes count too."""
        lines = connection.execute(Explain("EXPLAIN", page)).mappings().all()
        sorts = any("filesort" in (line["Extra"] or "") or "temporary" in (line["Extra"] or "") for line in lines)
        index = next((line["key"] for line in lines if line["key"]), None)
        if index and not sorts:
            return KeyUse(True, "reads each page from the index", str(index))
        behind = _behind(connection)
        if behind is None:
            change = "Give the table columns behind (tenant, code) a unique index."
            return KeyUse(False, "reads and sorts a table for each page", change=change)
        table, tenant, code = behind
        if (name := _index(connection, table, tenant, code)) is not None:
            return KeyUse(True, "does not use it now, because the table is small or needs ANALYZE TABLE", name)
        change = f"CREATE UNIQUE INDEX clients_by_code ON `{table}` (`{tenant}`, `{code}`);"
        return KeyUse(False, "reads and sorts a table for each page", change=change)


def _behind(connection: Connection) -> tuple[str, str, str] | None:
    """Return the table, and its columns behind `tenant` and `code`, if both are plain columns of one table."""
    definition = next((text for name, text in connection.exec_driver_sql(_VIEWS) if name == "clients"), None) or ""
    found = [re.search(_BEHIND.format(name=name), definition, re.IGNORECASE) for name in ("tenant", "code")]
    tenant, code = found
    if tenant is None or code is None or tenant["table"] != code["table"]:
        return None
    alias = re.search(rf"`([^`]+)` `{re.escape(code['table'])}`", definition)
    return (alias[1] if alias else code["table"]), tenant["column"], code["column"]


def _index(connection: Connection, table: str, tenant: str, code: str) -> str | None:
    """Return the name of an index that begins with the two columns."""
    statement = text(
        "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = :name "
        "AND ((seq_in_index = 1 AND column_name = :tenant) OR (seq_in_index = 2 AND column_name = :code)) "
        "GROUP BY index_name HAVING count(*) = 2"
    )
    values = {"name": table, "tenant": tenant, "code": code}
    return connection.execute(statement, values).scalars().first()
