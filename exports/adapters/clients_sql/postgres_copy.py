"""Records written by PostgreSQL itself, by `COPY … TO STDOUT`: several times as fast as reading rows.

The code of each client comes as a last cell beside those of its record, so that a client who comes twice is noticed;
it is taken off again together with the line ending. One message of the protocol is one record.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Select, literal_column
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql import statements as sql_statements
from exports.adapters.clients_sql.postgres_cells import cells
from exports.adapters.clients_sql.postgres_records import PostgresRecords, cell_text, split_cells
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, Renderer, repeated_client
from exports.ports.clients import ClientSelection

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn

_PART_BYTES = 256 * 1024
"""What is taken over at a time, and a record more: a page is never in memory as single records. What is done to them
takes a sixth longer with four times as many, which no cache of a processor holds."""


def make_copier(connection: Connection, selection: ClientSelection, renderer: Renderer) -> Copier | None:
    """Prepare to copy; None if PostgreSQL cannot write exactly what `renderer` would, or psycopg is not the driver."""
    if not isinstance(renderer, CsvRenderer) or connection.dialect.driver != "psycopg" or renderer.format.excel_text:
        return None
    if not connection.in_transaction():
        connection.begin()  # with its limits: what is asked of the driver itself begins none
    types = _types(connection, selection.columns)
    driver = _driver(connection)
    known = driver.adapters.types
    written = cells(renderer, types, lambda type_id: known.get(type_id) is None)
    if written is None or driver.info.parameter_status("server_encoding") != "UTF8":
        return None
    return Copier(connection, selection, renderer, written)


class Copier:
    """Copies clients of one selection over one connection.

    Whoever stops early leaves a connection that is in the middle of something: it is closed, not used again.
    """

    def __init__(
        self, connection: Connection, selection: ClientSelection, renderer: CsvRenderer, written: Sequence[str]
    ) -> None:
        """Take the SQL of the cells of a record."""
        self._connection = connection
        self._selection = selection
        self._written = PostgresRecords(renderer)
        self._renderer = renderer
        # one piece of text: taking dozens of columns through the compiler, for each page, takes half a millisecond
        self._cells = ", ".join(f"{cell} AS c{number}" for number, cell in enumerate(written))
        self._names = ", ".join(f"c{number}" for number in range(len(written)))

    def page(self, key_range: KeyRange) -> Iterator[Records]:
        """Yield the records of a key range, some at a time."""
        last_code = b""
        with closing(self._copy(self._query(key_range, f"{self._cells}, code AS key"))) as copied:
            for records, codes in copied:
                _require_unique_codes(codes, last_code)
                last_code = codes[-1]
                yield Records(len(records), self._written.finish(records))

    def samples(self, starts: Sequence[str], rows_of_each: int) -> Iterator[Records]:
        """Yield the records of the first clients from each code on, all by one statement, which is planned once."""
        from_start = sql_statements.CLIENTS.c.code >= literal_column("starts.start")
        wanted = sql_statements.cells(self._selection, KeyRange(), [*map(literal_column, self._selection.columns)])
        first = self._literally(wanted.where(from_start).limit(rows_of_each))
        query = (
            f"SELECT {self._cells}, place AS key FROM ({self._places(starts)}) AS starts "  # noqa: S608 - quoted
            f"CROSS JOIN LATERAL ({first}) AS first ORDER BY place, code"
        )
        found: dict[bytes, list[bytes]] = {}
        for records, places in self._copy(query):
            for record, place in zip(records, places, strict=True):
                found.setdefault(place, []).append(record)
        for number in range(len(starts)):
            sample = found.get(b"%d\n" % number, [])
            yield Records(len(sample), self._written.finish(sample))

    def _query(self, key_range: KeyRange, wanted: str) -> str:
        return self._literally(sql_statements.cells(self._selection, key_range, [literal_column(wanted)]))

    def _literally(self, statement: Select[Any]) -> str:
        """Write a statement. COPY takes no parameters: they become literals, quoted by the driver."""
        from psycopg import ClientCursor

        compiled = statement.compile(dialect=self._connection.dialect, compile_kwargs={"render_postcompile": True})
        return ClientCursor(_driver(self._connection)).mogrify(str(compiled), compiled.params)

    def _places(self, starts: Sequence[str]) -> str:
        """Write codes as rows. They get the type of the view's codes, and its order, by being united with no clients:
        as any other type they would find no index, and another order."""
        from psycopg import sql

        driver = _driver(self._connection)
        numbered = (f"SELECT {sql.Literal(start).as_string(driver)}, {number}" for number, start in enumerate(starts))
        return " UNION ALL ".join(["SELECT code AS start, 0 AS place FROM clients WHERE false", *numbered])

    def _copy(self, query: str) -> Generator[tuple[Sequence[bytes], Sequence[bytes]]]:
        """Yield records, some at a time, and what the last cell of each says."""
        driver, delimiter = _driver(self._connection), self._renderer.delimiter
        options = f"FORMAT csv, ENCODING 'UTF8', DELIMITER E'{delimiter}'"
        if self._renderer.quotes_all:
            options += f", FORCE_QUOTE ({self._names})"
        copy = f"COPY ({query}) TO STDOUT WITH ({options})".encode(driver.info.encoding)
        with _abandoning(self._connection):
            driver.wait(_begin(driver.pgconn, copy))
            more = True
            while more:
                lines, more = driver.wait(_fetch(driver.pgconn))
                if lines:
                    yield _without_last_cells(lines, delimiter.encode())


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _types(connection: Connection, columns: Sequence[str]) -> Mapping[str, int]:
    """Type ids of columns of the view as it is now. The driver is asked: descriptions of dozens of columns, and a
    statement of as many, would be made for one number of each."""
    with _abandoning(connection), _driver(connection).cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM clients WHERE false".encode())  # noqa: S608 - our own names
        result = cursor.pgresult
        return {name: result.ftype(number) for number, name in enumerate(columns)} if result else {}


@contextmanager
def _abandoning(connection: Connection) -> Iterator[None]:
    """Close the connection if anything comes before the end of what the driver was asked; report its errors as
    SQLAlchemy does."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        connection.invalidate()
        raise DBAPIError(None, None, error) from error
    except BaseException:
        connection.invalidate()
        raise


def _begin(connection: PGconn, copy: bytes) -> PQGen[None]:
    from psycopg import generators, pq

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


def _without_last_cells(lines: list[bytes], delimiter: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Take the last cell and the line ending off every line; gives records and last cells, line ending and all."""
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
            raise repeated_client(cell_text(code.removesuffix(b"\n")))
        last_code = code
