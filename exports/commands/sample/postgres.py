"""Sample clients into PostgreSQL, in one transaction."""

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
_OURS = ("clients", "client_records", MARKER_TABLE)


def fill_postgres(url: URL, rows: Iterator[Part]) -> None:
    """Write all rows by COPY; readers see the clients of before until the transaction ends."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(address, connect_timeout=10, application_name="sample-clients") as connection:
            with connection.transaction(), connection.cursor() as cursor:
                _make_room(cursor)
                _write(cursor, rows)
            connection.autocommit = True
            # Fills the visibility map: without it planning could not read from the index alone.
            connection.execute("VACUUM (ANALYZE) client_records")
    except psycopg.Error as error:
        reason = f"PostgreSQL cannot be filled: {error}"
        raise SampleRefusedError(reason) from error


def _write(cursor: psycopg.Cursor, rows: Iterator[Part]) -> None:
    # a commit that is not on disk yet is not certain enough for VACUUM to mark its rows as seen by everybody
    cursor.execute("SET LOCAL synchronous_commit = on")
    for statement in table_statements(_TYPES, "TIMESTAMPTZ"):
        cursor.execute(statement.encode())
    columns = sql.SQL(", ").join(map(sql.Identifier, SAMPLE_COLUMNS))
    with cursor.copy(sql.SQL("COPY client_records ({}) FROM STDIN").format(columns)) as copy:
        for row in rows:
            copy.write_row(row)


def _make_room(cursor: psycopg.Cursor) -> None:
    present = {name for name in _OURS if _exists(cursor, name)}
    if present and MARKER_TABLE not in present:
        raise SampleRefusedError("There is a view or table of clients which we did not make. It stays as it is.")
    cursor.execute("DROP VIEW IF EXISTS clients")
    cursor.execute("DROP TABLE IF EXISTS client_records, client_sample")


def _exists(cursor: psycopg.Cursor, name: str) -> bool:
    found = cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
    return bool(found and found[0])
