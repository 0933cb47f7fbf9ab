"""Describe the columns of the view as PostgreSQL has them now.

A statement that selects no row names the types of all columns. Only types that are not built in, and arrays, are looked
up in the catalog, by one more statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from exports.adapters.clients_sql.dialects.postgresql_driver import begin, closing_on_failure, driver_of
from exports.adapters.clients_sql.sql.columns import CellForm, ViewColumn

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class PostgresType:
    """A type of PostgreSQL. A domain is described as the type below it.

    Attributes:
        name: The name as SQL has it, without a length: `timestamp with time zone`, `citext`.
        form: What stands in a cell; None if it cannot be written.
        element: The type of an array's elements.
        labels: The labels of an enumeration.
        schema: The schema of the type, if it is not in the search path.
    """

    oid: int
    name: str
    form: CellForm | None
    element: PostgresType | None = None
    labels: frozenset[str] = frozenset()
    schema: str | None = None


BPCHAR, TEXT, VARCHAR = 1042, 25, 1043

_BUILT_IN = {
    16: ("boolean", CellForm.BOOLEAN),
    19: ("name", CellForm.TEXT),
    20: ("bigint", CellForm.INTEGER),
    21: ("smallint", CellForm.INTEGER),
    23: ("integer", CellForm.INTEGER),
    TEXT: ("text", CellForm.TEXT),
    26: ("oid", CellForm.INTEGER),
    114: ("json", CellForm.JSON),
    650: ("cidr", CellForm.NETWORK),
    700: ("real", CellForm.FLOAT),
    701: ("double precision", CellForm.FLOAT),
    774: ("macaddr8", CellForm.NETWORK),
    829: ("macaddr", CellForm.NETWORK),
    869: ("inet", CellForm.NETWORK),
    BPCHAR: ("bpchar", CellForm.TEXT),
    VARCHAR: ("character varying", CellForm.TEXT),
    1082: ("date", CellForm.DATE),
    1083: ("time without time zone", CellForm.TIME),
    1114: ("timestamp without time zone", CellForm.TIMESTAMP),
    1184: ("timestamp with time zone", CellForm.INSTANT),
    1186: ("interval", CellForm.INTERVAL),
    1700: ("numeric", CellForm.NUMERIC),
    2950: ("uuid", CellForm.UUID),
    3802: ("jsonb", CellForm.JSON),
}
"""Types by their object ids, which are the same on every server (pg_type.dat)."""

_TYPES = {oid: PostgresType(oid, name, form) for oid, (name, form) in _BUILT_IN.items()}
_KEYS = frozenset({CellForm.TEXT, CellForm.INTEGER, CellForm.NUMERIC, CellForm.UUID, CellForm.ENUM})
"""Forms whose text in a plan the type reads back, and whose order is that of an index."""

_CATALOG = """
WITH RECURSIVE wanted (oid) AS (
    SELECT unnest(%s::oid[])
    UNION
    SELECT CASE below.typtype WHEN 'd' THEN below.typbasetype ELSE below.typelem END
    FROM pg_catalog.pg_type AS below JOIN wanted ON wanted.oid = below.oid
)
SELECT of.oid, pg_catalog.format_type(of.oid, NULL), of.typtype::text, of.typcategory::text, of.typbasetype, of.typelem,
    (SELECT element.typarray FROM pg_catalog.pg_type AS element WHERE element.oid = of.typelem) = of.oid,
    (SELECT array_agg(label.enumlabel::text) FROM pg_catalog.pg_enum AS label WHERE label.enumtypid = of.oid),
    CASE WHEN NOT pg_catalog.pg_type_is_visible(of.oid) THEN of.typnamespace::regnamespace::text END
FROM pg_catalog.pg_type AS of JOIN wanted ON wanted.oid = of.oid
"""


def describe(connection: Connection, names: Sequence[str], view: str) -> Mapping[str, ViewColumn]:
    """Describe those of the named columns that a view has."""
    begin(connection)
    driver = driver_of(connection)
    with closing_on_failure(connection), driver.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} WHERE false".encode())  # noqa: S608 - the name needs no quotes
        found = _columns(cursor)
        wanted = tuple((name, *found[name]) for name in names if name in found)
        types = _look_up(cursor, {oid for _, oid, _ in wanted})
        charset = _charset(driver)
    return _built_in_columns(wanted, charset) if types is _TYPES else _view_columns(wanted, types, charset)


def _view_columns(
    wanted: Iterable[tuple[str, int, int]], types: Mapping[int, PostgresType], charset: str | None
) -> Mapping[str, ViewColumn]:
    """Describe columns by their names, types and modifiers."""
    return {
        name: ViewColumn(
            name,
            _type_name(types[oid], modifier),
            types[oid].form,
            key=types[oid] if types[oid].form in _KEYS else None,
            charset=charset,
            details=types[oid],
        )
        for name, oid, modifier in wanted
    }


@lru_cache(maxsize=64)
def _built_in_columns(wanted: tuple[tuple[str, int, int], ...], charset: str | None) -> Mapping[str, ViewColumn]:
    """Describe columns whose types are the same on every server. Pages of one export have the same columns."""
    return MappingProxyType(dict(_view_columns(wanted, _TYPES, charset)))


def _columns(cursor: psycopg.Cursor[Any]) -> Mapping[str, tuple[int, int]]:
    """Return the type of each column, and its modifier; `cursor.description` would make an object of each column."""
    result = cursor.pgresult
    if result is None:
        return {}
    fields = range(result.nfields)
    return {(result.fname(n) or b"").decode(): (result.ftype(n), result.fmod(n)) for n in fields}


def _type_name(of: PostgresType, modifier: int) -> str:
    """Return the name with the length of text: `varchar(9)` has the modifier 13."""
    if of.oid not in {BPCHAR, VARCHAR}:
        return of.name
    name = "character" if of.oid == BPCHAR else of.name
    return f"{name}({modifier - 4})" if modifier > 0 else name


def _look_up(cursor: psycopg.Cursor[Any], oids: set[int]) -> Mapping[int, PostgresType]:
    """Return the types with these ids."""
    unknown = sorted(oids - _TYPES.keys())
    if not unknown:
        return _TYPES
    rows = {row[0]: row[1:] for row in cursor.execute(_CATALOG, (unknown,))}
    found = {oid: _type(oid, rows) for oid in unknown}
    _make_visible(cursor, found.values())
    return {**_TYPES, **found}


def _type(oid: int, rows: Mapping[int, Sequence[Any]]) -> PostgresType:
    if oid in _TYPES:
        return _TYPES[oid]
    name, kind, category, base, element_oid, is_array, labels, schema = rows[oid]
    if kind == "d":
        return _type(base, rows)
    if kind == "e":
        return PostgresType(oid, name, CellForm.ENUM, labels=frozenset(labels or ()), schema=schema)
    if is_array:
        element = _type(element_oid, rows)
        return PostgresType(oid, name, CellForm.ARRAY if element.form else None, element, schema=schema)
    forms = {"r": CellForm.RANGE, "m": CellForm.RANGE}
    is_text = kind == "b" and category == "S"  # such as citext
    return PostgresType(oid, name, CellForm.TEXT if is_text else forms.get(kind), schema=schema)


def _make_visible(cursor: psycopg.Cursor[Any], types: Iterable[PostgresType]) -> None:
    """Let the rest of the transaction find the operators of types in other schemas.

    ORDER BY finds the order of a type in every schema. Comparisons search the path: without `citext`'s own operators,
    they would compare its values as `text`, in another order.
    """
    schemas = sorted({each.schema for each in types if each.schema and each.form is CellForm.TEXT})
    if schemas:
        path = "pg_catalog.concat_ws(', ', nullif(pg_catalog.current_setting('search_path'), ''), %s::text)"
        cursor.execute(f"SELECT pg_catalog.set_config('search_path', {path}, true)", (", ".join(schemas),))


def _charset(driver: psycopg.Connection[Any]) -> str | None:
    """Return the Python codec of the text that the database can hold; None if it holds every text, or any bytes."""
    from psycopg import NotSupportedError
    from psycopg._encodings import pg2pyenc

    name = server_encoding(driver)
    if name in {"UTF8", "SQL_ASCII"}:
        return None
    try:
        return pg2pyenc(name.encode())
    except NotSupportedError:
        return None


def server_encoding(driver: psycopg.Connection[Any]) -> str:
    """Return PostgreSQL's name of the database's character set. `SQL_ASCII` stands for bytes without a meaning."""
    return driver.info.parameter_status("server_encoding") or "UTF8"
