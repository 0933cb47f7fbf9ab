"""Let PostgreSQL write the records itself, by `COPY … TO STDOUT`, which is several times as fast as reading rows.

The code of each client is an additional last cell of its record, so that a client that occurs twice is noticed. It is
removed again together with the line ending. One message of the protocol is one record.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Select, literal_column

from exports.adapters.clients_sql.dialects.postgresql_cells import copied_cells
from exports.adapters.clients_sql.dialects.postgresql_driver import closing_on_failure, driver_of
from exports.adapters.clients_sql.dialects.postgresql_records import PostgresRecords, cell_text, split_cells
from exports.adapters.clients_sql.dialects.postgresql_sheets import PostgresSheetRecords, sheet_cells
from exports.adapters.clients_sql.dialects.postgresql_types import server_encoding
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, Renderer, repeated_client
from exports.file.xlsx.renderer import XlsxRenderer
from exports.ports.clients import ClientSelection

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

_PIECE_BYTES = 256 * 1024
"""How many bytes of records are processed at a time, plus up to one record, so a page is never in memory as single
records. With four times as many bytes each record takes a sixth longer, because they no longer fit in the cache."""


def make_copier(
    connection: Connection, view: ClientView, selection: ClientSelection, renderer: Renderer
) -> Copier | None:
    """Prepare to copy; None if PostgreSQL cannot write exactly what `renderer` would, or psycopg is not the driver."""
    form: RecordForm
    if isinstance(renderer, XlsxRenderer):
        form, cells = PostgresSheetRecords(renderer), sheet_cells(renderer, view)
    elif isinstance(renderer, CsvRenderer) and not renderer.format.excel_text:
        form, cells = PostgresRecords(renderer), copied_cells(renderer, view)
    else:
        return None
    if server_encoding(driver_of(connection)) == "SQL_ASCII":
        return None  # COPY would not check that the bytes are UTF-8
    return Copier(connection, view, selection, form, cells)


class RecordForm(Protocol):
    """How PostgreSQL writes records, and how they are finished."""

    @property
    def delimiter(self) -> bytes:
        """The character between cells."""

    @property
    def quote(self) -> bytes:
        """The character around cells that hold a delimiter, a line ending or this character."""

    @property
    def quotes_all(self) -> bool:
        """Whether PostgreSQL quotes every cell."""

    def finish_counted(self, records: Sequence[bytes], codes: Sequence[bytes]) -> tuple[bytes, int, int]:
        """Return the bytes of records, and count the characters that are left out and the cells that are cut.

        Args:
            codes: The cells with the codes of the clients, for messages; empty: they are not known.

        Raises:
            SourceMismatchError: A value does not fit the format.
        """


class Copier:
    """Copies clients of one selection over one connection.

    If the caller stops early, the connection is in the middle of a COPY. It is then closed and not used again.
    """

    def __init__(
        self,
        connection: Connection,
        view: ClientView,
        selection: ClientSelection,
        form: RecordForm,
        cell_expressions: Sequence[str],
    ) -> None:
        """Make a copier.

        Args:
            cell_expressions: The SQL of each cell of a record.
        """
        self._connection = connection
        self._view = view
        self._selection = selection
        self._form = form
        # one text, because compiling dozens of columns for each page would take half a millisecond
        self._cells = ", ".join(f"{cell} AS c{number}" for number, cell in enumerate(cell_expressions))
        self._names = ", ".join(f"c{number}" for number in range(len(cell_expressions)))

    def page(self, key_range: KeyRange) -> Iterator[Records]:
        """Yield the records of a key range, a few at a time."""
        last_code, quote = b"", self._form.quote
        with closing(self._copy(self._query(key_range, f"{self._cells}, code AS key"))) as copied:
            for records, codes in copied:
                _require_unique_codes(codes, last_code, quote)
                last_code = codes[-1]
                first, last = _code_text(codes[0], quote), _code_text(last_code, quote)
                data, removed, cut_cells = self._form.finish_counted(records, codes)
                yield Records(len(records), data, first, last, removed, cut_cells)

    def samples(self, starts: Sequence[str], rows_of_each: int) -> Iterator[Records]:
        """Yield the records of the first clients from each code on. One statement, planned once, reads all samples."""
        from_start = CLIENTS.c.code >= literal_column("starts.start")
        names = (name for name in self._selection.columns if name not in self._view.absent)
        wanted = sql_statements.cells(self._view, self._selection, KeyRange(), [*map(literal_column, names)])
        first = self._text_of(wanted.where(from_start).limit(rows_of_each))
        query = (
            f"SELECT {self._cells}, place AS key FROM ({self._start_rows(starts)}) AS starts "  # noqa: S608 - quoted
            f"CROSS JOIN LATERAL ({first}) AS first ORDER BY place, code"
        )
        found: dict[bytes, list[bytes]] = {}
        for records, keys in self._copy(query):
            for record, key in zip(records, keys, strict=True):
                found.setdefault(key, []).append(record)
        for number in range(len(starts)):
            sample = found.get(b"%d\n" % number, [])
            yield Records(len(sample), self._form.finish_counted(sample, ())[0])

    def _query(self, key_range: KeyRange, wanted: str) -> str:
        return self._text_of(sql_statements.cells(self._view, self._selection, key_range, [literal_column(wanted)]))

    def _text_of(self, statement: Select[Any]) -> str:
        """Return the text of a statement. COPY takes no parameters, so the driver writes them as quoted literals."""
        from psycopg import ClientCursor

        compiled = statement.compile(dialect=self._connection.dialect, compile_kwargs={"render_postcompile": True})
        return ClientCursor(driver_of(self._connection)).mogrify(str(compiled), compiled.params)

    def _start_rows(self, starts: Sequence[str]) -> str:
        """Return a query whose rows are the codes.

        The union with an empty selection of clients gives them the type and the order of the view's codes. With any
        other type, PostgreSQL would not use the index, or would compare in another order.
        """
        from psycopg import sql

        driver = driver_of(self._connection)
        numbered = (f"SELECT {sql.Literal(start).as_string(driver)}, {number}" for number, start in enumerate(starts))
        return " UNION ALL ".join(["SELECT code AS start, 0 AS place FROM clients WHERE false", *numbered])

    def _copy(self, query: str) -> Generator[tuple[Sequence[bytes], Sequence[bytes]]]:
        """Yield records, a few at a time, and the last cells of them."""
        driver, form = driver_of(self._connection), self._form
        options = f"FORMAT csv, ENCODING 'UTF8', DELIMITER {_literal(form.delimiter)}, QUOTE {_literal(form.quote)}"
        if form.quotes_all:
            options += f", FORCE_QUOTE ({self._names})"
        copy = f"COPY ({query}) TO STDOUT WITH ({options})".encode(driver.info.encoding)
        with closing_on_failure(self._connection):
            driver.wait(_begin(driver.pgconn, copy))
            more = True
            while more:
                lines, more = driver.wait(_fetch(driver.pgconn))
                if lines:
                    yield _without_last_cells(lines, form.delimiter, form.quote)


def _begin(connection: PGconn, copy: bytes) -> PQGen[None]:
    from psycopg import generators, pq

    connection.send_query(copy)
    _require((yield from generators.execute(connection)), pq.ExecStatus.COPY_OUT)


def _fetch(connection: PGconn) -> PQGen[tuple[list[bytes], bool]]:
    """Receive records until there are enough of them. Also return whether there may be more."""
    from psycopg import generators, pq, waiting

    lines: list[bytes] = []
    left = _PIECE_BYTES
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
            _require((yield from generators.fetch_many(connection)), pq.ExecStatus.COMMAND_OK)
            return lines, False
    return lines, True


def _require(results: Sequence[PGresult], status: int) -> None:
    """Raise the error of the first result that is not as expected. A server that ends a session gives two results."""
    from psycopg import OperationalError, errors

    if not results:
        raise OperationalError("the connection was lost")
    for result in results:
        if result.status != status:
            raise errors.error_from_result(result)


def _literal(character: bytes) -> str:
    return rf"E'\x{character[0]:02x}'"


def _without_last_cells(lines: list[bytes], delimiter: bytes, quote: bytes) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """Split every line into the record and its last cell. The last cells keep their line endings."""
    records, _, codes = zip(*map(bytes.rpartition, lines, repeat(delimiter)), strict=True)
    if quote not in b"".join(codes):
        return records, codes
    cells = [split_cells(line.removesuffix(b"\n"), delimiter, quote) for line in lines]
    return [delimiter.join(record[:-1]) for record in cells], [record[-1] + b"\n" for record in cells]


def _code_text(cell: bytes, quote: bytes) -> str:
    return cell_text(cell.removesuffix(b"\n"), quote)


def _require_unique_codes(codes: Sequence[bytes], last_code: bytes, quote: bytes) -> None:
    if len(set(codes)) == len(codes) and codes[0] != last_code:
        return
    for code in codes:
        if code == last_code:
            raise repeated_client(_code_text(code, quote))
        last_code = code
