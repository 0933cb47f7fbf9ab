"""Ask MySQL and MariaDB about the view `clients`."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Select, event, text

from exports.adapters.clients_sql.dialects.mysql_session import set_time_limit
from exports.adapters.clients_sql.inspection.findings import KeyUse, UnstableFunction
from exports.adapters.clients_sql.inspection.inspector import Explain, ViewInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.inspection.words import AS_PRINTED, calls

_GRACE_SECONDS = 1.0
_BUILT_IN = frozenset({"rand", "uuid", "uuid_short", "sysdate", "sleep", "random_bytes", "connection_id"})
_HERE = text("SELECT DATABASE()")
_VIEWS = text(
    "SELECT lower(table_name), view_definition FROM information_schema.views WHERE table_schema = :name "
    "ORDER BY table_name"
)
_FUNCTIONS = text(
    "SELECT lower(routine_name) FROM information_schema.routines "
    "WHERE routine_type = 'FUNCTION' AND is_deterministic = 'NO' AND routine_schema = :name"
)
_IS_TABLE = text(
    "SELECT table_type NOT LIKE '%VIEW' FROM information_schema.tables "
    "WHERE table_schema = :schema AND table_name = :name"
)
_QUALIFIED = re.compile(r"`([^`]+)`\.`")
_TABLE = r"(?:`(?P<schema>[^`]+)`\.)?`(?P<table>[^`]+)`"
_BEHIND = _TABLE + r"\.`(?P<column>[^`]+)` AS `{name}`"


class MysqlInspector(ViewInspector):
    """Reads the information schema and the plans."""

    def limit(self, engine: Engine, limit: TimeLimit) -> None:
        """Limit the session at the beginning of each transaction."""

        def shorten(connection: Connection) -> None:
            seconds = limit.seconds_left
            set_time_limit(connection, seconds)
            driver: Any = connection.connection.driver_connection
            driver._read_timeout = seconds + _GRACE_SECONDS  # for a server that has died

        event.listen(engine, "begin", shorten)

    def unstable_functions(self, connection: Connection) -> list[UnstableFunction] | None:
        """Search the definitions of views. They are empty for a user without the right SHOW VIEW."""
        databases = [str(connection.execute(_HERE).scalar_one())]
        views = _views(connection, databases[0])
        if not views.get("clients"):
            return None
        declared = set[str]()
        for database in databases:  # which grows by those that the views name
            declared |= set(connection.execute(_FUNCTIONS, {"name": database}).scalars())
            views = {**_views(connection, database), **views}
            named = {name for definition in views.values() for name in _QUALIFIED.findall(definition)}
            databases += sorted(named & _databases(connection) - set(databases))
        found = calls(views, "clients", _BUILT_IN | declared, AS_PRINTED)
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
        schema, table, tenant, code = behind
        if (name := _index(connection, behind)) is not None:
            return KeyUse(True, "does not use it now, because the table is small or needs ANALYZE TABLE", name)
        named = f"`{table}`" if schema == connection.execute(_HERE).scalar_one() else f"`{schema}`.`{table}`"
        change = f"CREATE UNIQUE INDEX clients_by_code ON {named} (`{tenant}`, `{code}`);"
        return KeyUse(False, "reads and sorts a table for each page", change=change)


class _Behind(NamedTuple):
    """The table, and its columns behind `tenant` and `code`."""

    schema: str
    table: str
    tenant: str
    code: str


def _databases(connection: Connection) -> set[str]:
    return set(connection.exec_driver_sql("SELECT schema_name FROM information_schema.schemata").scalars())


def _views(connection: Connection, database: str) -> dict[str, str]:
    """Return the definitions of a database's views, by their names in lower case."""
    return {name: definition or "" for name, definition in connection.execute(_VIEWS, {"name": database})}


def _behind(connection: Connection) -> _Behind | None:
    """Return the table behind the view if `tenant` and `code` are plain columns of one table."""
    here = str(connection.execute(_HERE).scalar_one())
    definition = _views(connection, here).get("clients", "")
    found = [re.search(_BEHIND.format(name=name), definition, re.IGNORECASE) for name in ("tenant", "code")]
    tenant, code = found
    if tenant is None or code is None or tenant["table"] != code["table"]:
        return None
    table = re.search(_TABLE + rf" `{re.escape(code['table'])}`", definition) or code
    behind = _Behind(table["schema"] or here, table["table"], tenant["column"], code["column"])
    is_table = connection.execute(_IS_TABLE, {"schema": behind.schema, "name": behind.table}).scalar()
    return behind if is_table else None


def _index(connection: Connection, behind: _Behind) -> str | None:
    """Return the name of an index that begins with the two columns."""
    statement = text(
        "SELECT index_name FROM information_schema.statistics WHERE table_schema = :schema AND table_name = :table "
        "AND ((seq_in_index = 1 AND column_name = :tenant) OR (seq_in_index = 2 AND column_name = :code)) "
        "GROUP BY index_name HAVING count(*) = 2"
    )
    return connection.execute(statement, behind._asdict()).scalars().first()
