"""Find the boundaries of pages by letting the database number all keys."""

from __future__ import annotations

from sqlalchemy import Connection

from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.errors import SourceMismatchError
from exports.file.ranges import Boundaries
from exports.ports.clients import ClientSelection


def numbered_boundaries(
    connection: Connection, view: ClientView, selection: ClientSelection, rows_per_page: int
) -> Boundaries:
    """Find boundaries by letting the database number all keys."""
    starts: list[str] = []
    total_rows = 0
    for code, position, following in connection.execute(sql_statements.boundaries(view, selection, rows_per_page)):
        if code is None:
            raise SourceMismatchError("A client has no code; every row of the view clients needs one.", column="code")
        if position > 1 and (position - 1) % rows_per_page == 0:
            starts.append(view.sql.key_text(view.column("code"), code))
        if following is None:
            total_rows = position
    return Boundaries(total_rows=total_rows, starts=tuple(starts))
