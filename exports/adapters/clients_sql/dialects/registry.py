"""The dialects, by their names in SQLAlchemy and in database URLs."""

from __future__ import annotations

from exports.adapters.clients_sql.dialects.base import SourceDialect
from exports.adapters.clients_sql.dialects.mssql import MssqlDialect
from exports.adapters.clients_sql.dialects.mysql import MysqlDialect
from exports.adapters.clients_sql.dialects.postgresql import PostgresqlDialect
from exports.adapters.clients_sql.dialects.sqlite import SqliteDialect

PORTABLE = SourceDialect()
"""Stands for every database that has no dialect of its own."""

_DIALECTS: dict[str, SourceDialect] = {
    **dict.fromkeys(("postgresql", "postgres"), PostgresqlDialect()),
    "sqlite": SqliteDialect(),
    **dict.fromkeys(("mysql", "mariadb"), MysqlDialect()),
    "mssql": MssqlDialect(),
}


def dialect_named(name: str) -> SourceDialect:
    """Return the dialect for a name such as `postgresql`."""
    return _DIALECTS.get(name, PORTABLE)
