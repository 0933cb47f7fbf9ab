"""Writes sample clients to PostgreSQL, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql
from sqlalchemy import URL

from exports.commands.sample.clients import SAMPLE_COLUMNS
from exports.commands.sample.pools import Part
from exports.commands.sample.schema import MARKER_TABLE, SampleRefusedError, table_statements
from exports.request.fields import CellKind

_TYPES = {CellKind.BOOLEAN: "BOOLEAN", CellKind.DATE: "DATE"}
_RELATIONS = ("clients", "client_records", MARKER_TABLE)


def fill_postgres(url: URL, rows: Iterator[Part]) -> None:
    """Write all rows with COPY. Readers see the earlier clients until the transaction ends."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(address, connect_timeout=10, application_name="sample-clients") as connection:
            with connection.transaction(), connection.cursor() as cursor:
                _drop_old_sample(cursor)
                _write(cursor, rows)
            connection.autocommit = True
            # Fills the visibility map. Without it, planning could not use an index-only scan.
            connection.execute("VACUUM (ANALYZE) client_records")
    except psycopg.Error as error:
        reason = f"PostgreSQL cannot be filled: {error}"
        raise SampleRefusedError(reason) from error


def _write(cursor: psycopg.Cursor, rows: Iterator[Part]) -> None:
    # VACUUM marks rows as visible to all transactions only after their commit is on disk.
    cursor.execute("SET LOCAL synchronous_commit = on")
    for statement in table_statements(_TYPES, "TIMESTAMPTZ"):
        cursor.execute(statement.encode())
    columns = sql.SQL(", ").join(map(sql.Identifier, SAMPLE_COLUMNS))
    with cursor.copy(sql.SQL("COPY client_records ({}) FROM STDIN").format(columns)) as copy:
        for row in rows:
            copy.write_row(row)


def _drop_old_sample(cursor: psycopg.Cursor) -> None:
    present = {name for name in _RELATIONS if _exists(cursor, name)}
    if present and MARKER_TABLE not in present:
        raise SampleRefusedError(
            "The database has a view or table of clients that this command did not make, so it is left unchanged."
        )
    cursor.execute("DROP VIEW IF EXISTS clients")
    cursor.execute("DROP TABLE IF EXISTS client_records, client_sample")


def _exists(cursor: psycopg.Cursor, name: str) -> bool:
    found = cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
    return bool(found and found[0])
