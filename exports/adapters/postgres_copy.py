"""Records written by PostgreSQL itself, by `COPY … TO STDOUT`: several times as fast as reading rows.

The code of each client comes as a last cell beside those of its record, so that a client who comes twice is noticed;
it is taken off again together with the line ending. One message of the protocol is one record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Select, literal_column
from sqlalchemy.exc import DBAPIError

from exports.adapters import sql_statements
from exports.adapters.postgres_cells import cells
from exports.csv.rendering import Records, repeated
from exports.csv.rows import CsvDialect, CsvRows
from exports.csv.written_records import WrittenRecords, cell_text, split_cells
from exports.ports import ClientSelection, KeyRange

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_SETTINGS = b"SET LOCAL datestyle = 'ISO'; SET LOCAL jit = off"
"""Compiling hundreds of expressions, for each page anew, would take longer than the page."""

_PART_BYTES = 256 * 1024
"""What is taken over at a time, and a record more: a page is never in memory as single records. What is done to them
takes a sixth longer with four times as many, which no cache of a processor holds."""


def copied_records(
    connection: Connection, selection: ClientSelection, key_range: KeyRange, csv_rows: CsvRows
) -> Iterator[Records] | None:
    """Prepare to copy a key range; None if PostgreSQL cannot write exactly what `csv_rows` would.

    Whoever stops early leaves a connection that is in the middle of something: it is closed, not used again.

    Args:
        connection: To PostgreSQL, by psycopg.
    """
    if csv_rows.dialect.excel_text:
        return None
    types = _types(connection, selection.columns)
    driver = _driver(connection)
    known = driver.adapters.types
    written = cells(csv_rows.fields, types, csv_rows.dialect, lambda type_id: known.get(type_id) is None)
    if written is None or driver.info.parameter_status("server_encoding") != "UTF8":
        return None
    statement = _select(selection, key_range, written)
    return _records(connection, _copy(connection, statement, csv_rows.dialect, len(written)), csv_rows)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _types(connection: Connection, columns: Sequence[str]) -> Mapping[str, int]:
    """Type ids of columns of the view as it is now."""
    with connection.execute(sql_statements.no_clients(columns)) as result:
        return {column[0]: cast(int, column[1]) for column in result.cursor.description or ()}


def _select(selection: ClientSelection, key_range: KeyRange, written: Sequence[str]) -> Select[Any]:
    # one piece of text: taking dozens of columns through the compiler, for each page, takes half a millisecond
    together = ", ".join(f"{cell} AS c{number}" for number, cell in enumerate(written))
    return sql_statements.cells(selection, key_range, [literal_column(f"{together}, code AS key")])


def _copy(connection: Connection, statement: Select[Any], dialect: CsvDialect, columns: int) -> bytes:
    """Write the COPY statement. It takes no parameters: they become literals, quoted by the driver."""
    from psycopg import ClientCursor

    driver = _driver(connection)
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    query = ClientCursor(driver).mogrify(str(compiled), compiled.params)
    options = f"FORMAT csv, ENCODING 'UTF8', DELIMITER E'{dialect.delimiter}'"
    if dialect.quote_all:
        options += f", FORCE_QUOTE ({', '.join(f'c{number}' for number in range(columns))})"
    return f"COPY ({query}) TO STDOUT WITH ({options})".encode(driver.info.encoding)


def _records(connection: Connection, copy: bytes, csv_rows: CsvRows) -> Iterator[Records]:
    driver = _driver(connection)
    dialect = csv_rows.dialect
    written = WrittenRecords(dialect, len(csv_rows.fields))
    last_code = b""
    with _abandoning(connection):
        driver.wait(_begin(driver.pgconn, copy))
        more = True
        while more:
            lines, more = driver.wait(_fetch(driver.pgconn))
            if lines:
                records, codes = _without_codes(lines, dialect.delimiter.encode())
                _require_unique_codes(codes, last_code)
                last_code = codes[-1]
                yield Records(len(records), written.finish(records))


@contextmanager
def _abandoning(connection: Connection) -> Iterator[None]:
    """Close the connection if anything ends the copying before its end; report errors of the driver as SQLAlchemy."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        connection.invalidate()
        raise DBAPIError("COPY", None, error) from error
    except BaseException:
        connection.invalidate()
        raise


def _begin(connection: PGconn, copy: bytes) -> PQGen[None]:
    from psycopg import generators, pq

    connection.send_query(_SETTINGS)
    yield from generators.execute(connection)
    connection.send_query(copy)
    (result,) = yield from generators.execute(connection)
    _require(connection, result, pq.ExecStatus.COPY_OUT)


def _fetch(connection: PGconn) -> PQGen[tuple[list[bytes], bool]]:
    """Take over the records that are there or come until they are enough; also says whether there may be more."""
    from psycopg import generators, pq, waiting

    lines: list[bytes] = []
    left = _PART_BYTES
    while left > 0:
        count, data = connection.get_copy_data(1)
        if count > 0:
            lines.append(bytes(data))
            left -= count
        elif count == 0:
            while not (yield waiting.WAIT_R):
                continue
            connection.consume_input()
        else:
            (result,) = yield from generators.fetch_many(connection)
            _require(connection, result, pq.ExecStatus.COMMAND_OK)
            return lines, False
    return lines, True


def _require(connection: PGconn, result: Any, status: int) -> None:
    from psycopg import errors

    if result.status != status:
        raise errors.error_from_result(result)


def _without_codes(lines: list[bytes], delimiter: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Take the last cell and the line ending off every line; gives records and codes."""
    records, _, codes = zip(*(line.rpartition(delimiter) for line in lines), strict=True)
    if b'"' not in b"".join(codes):
        return records, codes
    cells = [split_cells(line.removesuffix(b"\n"), delimiter) for line in lines]
    return [delimiter.join(record[:-1]) for record in cells], [record[-1] + b"\n" for record in cells]


def _require_unique_codes(codes: Sequence[bytes], last_code: bytes) -> None:
    if len(set(codes)) == len(codes) and codes[0] != last_code:
        return
    for code in codes:
        if code == last_code:
            raise repeated(cell_text(code.removesuffix(b"\n")))
        last_code = code
