"""Whether all that a view of MySQL or MariaDB reads keeps older versions of rows, as a snapshot needs."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, text

from exports.errors import SourceRefusedError

_WITH_VERSIONS = ("InnoDB", "ROCKSDB", "TokuDB")
"""Engines that keep older versions of rows for open transactions. All others show every change at once."""

_CURRENT = text("SELECT DATABASE()")
_SCHEMAS = text("SELECT schema_name FROM information_schema.schemata")
_DEFINITION = text(
    "SELECT view_definition FROM information_schema.views WHERE table_schema = :schema AND table_name = :name"
)
_TABLE = text(
    "SELECT table_type, engine FROM information_schema.tables WHERE table_schema = :schema AND table_name = :name"
)
_ROUTINE = text(
    "SELECT sql_data_access FROM information_schema.routines "
    "WHERE routine_schema = :schema AND routine_name = :name AND routine_type = 'FUNCTION'"
)
_READS_NOTHING = "NO SQL"
_NAME = "`((?:[^`]|``)+)`"
_QUALIFIED = re.compile(rf"{_NAME}\.{_NAME}")
"""How the server writes a table into the definition of a view: with its schema. Columns have the same form."""

_READ = re.compile(rf"(?<![`\w])(?:from|join|straight_join)[\s(]+{_NAME}\.{_NAME}(?!\.)", re.IGNORECASE)
_ALIAS = re.compile(rf"[`)] {_NAME}")
"""Where the server writes a table that a view reads, and the alias of a table. `trim(' ' from alias.column)` looks
alike."""
_LITERAL = r"'(?:[^'\\]|\\.|'')*'"
_LITERAL_OR_CALL = re.compile(rf"{_LITERAL}|(?:{_NAME}\.)?{_NAME}(\()?", re.DOTALL)
"""Every text and every name, so that none of them is taken for a part of another one. The server quotes the names of
functions of the database, and no others before a parenthesis."""


def require_versions(connection: Connection) -> None:
    """Refuse tables whose engine keeps no older versions of rows, and tables whose engine this login cannot see.

    A function of the database may read tables that no definition of a view names, so it must be declared to read none.

    Raises:
        SourceRefusedError: There is such a table, or a function that may read one.
    """
    schemas = set(connection.execute(_SCHEMAS).scalars())
    waiting = [((connection.execute(_CURRENT).scalar_one(), "clients"), True)]
    found = set(waiting)
    while waiting:
        (schema, name), is_read = waiting.pop()
        place = {"schema": schema, "name": name}
        described = connection.execute(_TABLE, place).one_or_none()
        if described is None:
            if is_read:
                raise _unseen("table", name, "REFERENCES")
        elif described[0] == "VIEW":
            definition = connection.execute(_DEFINITION, place).scalar()
            if not definition:
                raise _unseen("definition of the view", name, "SHOW VIEW")
            for called in _functions_in(definition, schema):
                _require_no_reading(connection, *called)
            new = set(_names_in(definition, schemas).items()) - found
            found |= new
            waiting += new
        elif described[1] not in _WITH_VERSIONS:
            raise _without_versions(name, described[1])


def _names_in(definition: str, schemas: Collection[str]) -> dict[tuple[str, str], bool]:
    """Return the schema and the name of what may be a table in the definition of a view, and whether it is one."""
    aliases = {_unquoted(alias) for alias in _ALIAS.findall(definition)}
    names = {(_unquoted(schema), _unquoted(name)): False for schema, name in _QUALIFIED.findall(definition)}
    read = {(_unquoted(schema), _unquoted(name)): True for schema, name in _READ.findall(definition)}
    possible = {pair: is_read for pair, is_read in (names | read).items() if is_read or pair[0] in schemas}
    return {pair: is_read and pair[0] not in aliases for pair, is_read in possible.items()}


def _functions_in(definition: str, schema: str) -> set[tuple[str, str]]:
    """Return the schema and the name of each function of the database that the definition of a view calls."""
    found = [each.groups() for each in _LITERAL_OR_CALL.finditer(definition)]
    return {(_unquoted(of or schema), _unquoted(name)) for of, name, is_call in found if is_call}


def _require_no_reading(connection: Connection, schema: str, name: str) -> None:
    if connection.execute(_ROUTINE, {"schema": schema, "name": name}).scalar() != _READS_NOTHING:
        message = (
            f"The client database can show no snapshot, because the view clients calls the function {name}, which may "
            "read tables that keep no older versions of rows. If it reads no table, declare that (ALTER FUNCTION "
            f"{name} NO SQL), and let the login of this service see it (GRANT EXECUTE ON FUNCTION {name}). Otherwise "
            "let the view itself read the tables, or export without a snapshot."
        )
        raise SourceRefusedError(message)


def _unquoted(name: str) -> str:
    return name.replace("``", "`")


def _without_versions(table: str, engine: str | None) -> SourceRefusedError:
    message = (
        f"The client database can show no snapshot, because the table {table} has the engine {engine}, which "
        "keeps no older versions of rows. Convert the table to InnoDB, or export without a snapshot."
    )
    return SourceRefusedError(message)


def _unseen(kind: str, name: str, right: str) -> SourceRefusedError:
    message = (
        f"The client database can show no snapshot, because the login of this service cannot see the {kind} {name}, "
        "and so not whether all tables behind the view clients keep older versions of rows. Grant the login "
        f"{right} ON {name}, which lets it read no more clients, or export without a snapshot."
    )
    return SourceRefusedError(message)
