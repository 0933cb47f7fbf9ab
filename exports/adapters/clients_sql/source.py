"""Read clients from a SQL database: the `clients` view, by SQLAlchemy Core."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from threading import Lock

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError

from exports.adapters.clients_sql.bad_cells import BadCellFinder, Connect
from exports.adapters.clients_sql.deletions_view import describe_comparable_deletions
from exports.adapters.clients_sql.described import describe_selected, describe_view
from exports.adapters.clients_sql.dialects.registry import PORTABLE, dialect_named
from exports.adapters.clients_sql.engines import make_engine
from exports.adapters.clients_sql.errors import source_errors
from exports.adapters.clients_sql.index_skip_scan import skip_scan_boundaries
from exports.adapters.clients_sql.lookups import count_clients, find_filter_values, read_first
from exports.adapters.clients_sql.numbered_boundaries import numbered_boundaries
from exports.adapters.clients_sql.reading_turns import ReadingTurns
from exports.adapters.clients_sql.removed_codes import find_removed_codes
from exports.adapters.clients_sql.row_lists import read_lists, read_sample
from exports.adapters.clients_sql.snapshots import REFUSAL, SnapshotConnections
from exports.adapters.clients_sql.sql.address import DatabaseAddress, parse_url
from exports.adapters.clients_sql.sql.checks import absent_columns, require_writable
from exports.adapters.clients_sql.sql.columns import ClientView
from exports.adapters.clients_sql.sql.ranks import rank_codes
from exports.adapters.clients_sql.sql.translations import MissingColumnError, UnreadableValueError
from exports.adapters.clients_sql.time_limits import SHORTEST_SECONDS, TimedConnections
from exports.errors import ExportError, SourceRefusedError, SourceUnavailableError
from exports.file.ranges import Boundaries, KeyRange
from exports.file.renderer import Records, Renderer, Row, render_lists, render_samples
from exports.ports.clients import (
    ClientPreview,
    ClientSelection,
    ClientSnapshot,
    RemovedCodes,
    SnapshotReading,
    released,
)
from exports.request.fields import REQUIRED_COLUMNS
from exports.request.filter_values import FilterValuesDto
from exports.request.preview import ClientCount
from shared.events import emit


class SqlClientSource:
    """Reads the `clients` view. A process needs one instance, which keeps the connection pool and is thread-safe.

    Key order is the order that the database itself gives `code`, so key ranges and pages always agree.
    """

    def __init__(
        self,
        database: str | URL | Engine,
        lend: Connect | None = None,
        turns: ReadingTurns | None = None,
        deletions_view: str = "",
        lend_other: Connect | None = None,
    ) -> None:
        """Make a source. The first use connects; a malformed URL is reported only then.

        Args:
            database: `sqlite:///relative/path`, `postgresql://…`, or any other URL SQLAlchemy has a driver for.
            lend: Gives the connections for reading; None: each reading connects by itself.
            turns: Gives turns to threads that read; None: the source makes its own.
            deletions_view: The name of the view of deleted clients; empty: there is none.
            lend_other: Gives the connections for looking for what made a reading fail; None: each connects by itself.
        """
        self._address = DatabaseAddress.of(database.url if isinstance(database, Engine) else database)
        self._database = database
        self._lend, self._lend_other = lend, lend_other
        self._lock = Lock()
        self._turns = turns or ReadingTurns()
        self._deletions_view = deletions_view

    def limited(self, seconds: float) -> SqlClientSource:
        """Read by connections with a time limit, and look for what makes a reading fail within the same limit."""
        lend = TimedConnections(self._engine(), seconds).lend
        return self._lending(lend, lend)

    def missing_columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Name those of `columns` that the view lacks. Raises as `ClientSource` says."""
        with self._connection() as connection:
            view = describe_view(connection, columns)
            if view.absent.isdisjoint(REQUIRED_COLUMNS):
                require_writable(view, columns)
        return tuple(name for name in columns if name in view.absent)

    def find_boundaries(self, selection: ClientSelection, rows_per_page: int) -> Boundaries:
        """Pass once over the keys, in the database. Only the first and last clients of pages are transferred."""
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            with self._naming_bad_cells(view, replace(selection, columns=("code",)), [KeyRange()]):
                dialect_named(connection.dialect.name).require_values(connection, view, selection)
                found = skip_scan_boundaries(connection, view, selection, rows_per_page)
                if found is None:
                    found = numbered_boundaries(connection, view, selection, rows_per_page)
                return replace(found, absent_columns=absent_columns(selection, view.absent))

    def rank_codes(self, codes: Sequence[str]) -> list[int]:
        """Let the database order the codes by the column `code` itself, in one statement."""
        with self._connection() as connection:
            view = describe_selected(connection, ClientSelection("", ("code",)))
            return rank_codes(connection, view, codes)

    def sample(
        self, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows_of_each: int
    ) -> Iterator[list[Row]]:
        """Read the first clients of each range by a statement of its own, all over one connection."""
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            for key_range in key_ranges:
                with self._naming_bad_cells(view, selection, [key_range], rows_of_each):
                    rows = read_sample(connection, view, selection, key_range, rows_of_each)
                yield rows

    def render_samples(
        self, selection: ClientSelection, starts: Sequence[str], rows_of_each: int, renderer: Renderer
    ) -> Iterator[Records]:
        """Let the database write the records of all samples in one statement if it can; else sample, then render."""
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            fast = dialect_named(connection.dialect.name).fast_renderer(connection, view, selection, renderer)
            if fast is not None:
                with self._naming_bad_cells(view, selection, map(KeyRange, starts), rows_of_each):
                    yield from fast.samples(starts, rows_of_each)
                return
        with released(self.sample(selection, map(KeyRange, starts), rows_of_each)) as samples:
            yield from render_samples(samples, renderer)

    def read(self, selection: ClientSelection, key_range: KeyRange) -> Iterator[list[Row]]:
        """Yield the clients of a key range as tuples of the driver.

        A list holds at most `ROWS_PER_LIST` clients and about 1 MiB, or 4 MiB if it is a request, unless rows
        suddenly grow longer.
        """
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            with self._naming_bad_cells(view, selection, [key_range]):
                yield from read_lists(connection, view, selection, key_range)

    def render(self, selection: ClientSelection, key_range: KeyRange, renderer: Renderer) -> Iterator[Records]:
        """Let the database write the records if it can write them exactly; else read, then render."""
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            fast = dialect_named(connection.dialect.name).fast_renderer(connection, view, selection, renderer)
            with self._naming_bad_cells(view, selection, [key_range]):
                if fast is not None:
                    yield from fast.page(key_range)
                else:
                    with closing(read_lists(connection, view, selection, key_range)) as lists:
                        rendered = render_lists(lists, renderer)
                        in_turns = dialect_named(connection.dialect.name).reads_in_turns
                        yield from self._turns.each_in_turn(rendered) if in_turns else rendered

    def preview(self, selection: ClientSelection, rows: int, seconds: float, count_seconds: float) -> ClientPreview:
        """Read the first clients. If there may be more, let the database count all, on the same connection.

        Both together take no longer than `seconds` and `count_seconds`, even if reading took longer than it may.
        """
        end = time.monotonic() + seconds + count_seconds
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            with self._naming_bad_cells(view, selection, [KeyRange()], rows):
                first, is_complete = read_first(connection, view, selection, rows, seconds)
            if not is_complete:
                return ClientPreview(first, None, is_complete=False)
            if len(first) < rows:
                return ClientPreview(first, ClientCount(len(first)))
            left = max(SHORTEST_SECONDS, min(count_seconds, end - time.monotonic()))
            return ClientPreview(first, count_clients(connection, view, selection, left) if count_seconds else None)

    def filter_values(self, tenant: str, most: int, seconds: float) -> FilterValuesDto:
        """Let the database find the values of each filter by a statement of its own."""
        with self._connection() as connection:
            return find_filter_values(connection, tenant, most, seconds)

    def removed_codes(self, selection: ClientSelection, most: int, seconds: float) -> RemovedCodes:
        """Let the database find the codes of each list by a statement of its own, both on one connection."""
        with self._connection() as connection:
            view = describe_selected(connection, selection)
            with self._naming_bad_cells(view, selection, [KeyRange()]):
                return find_removed_codes(connection, view, self._deletions_view, selection, most, seconds)

    def require_deletions(self) -> None:
        """Let the database describe the columns of the view, if the source has one."""
        if self._deletions_view:
            with self._connection() as connection:
                clients = describe_view(connection, ("tenant", "code"))
                describe_comparable_deletions(connection, self._deletions_view, clients)

    def generation(self) -> str | None:
        """Let the dialect identify the database."""
        with self._connection() as connection:
            return dialect_named(connection.dialect.name).generation(connection)

    def is_replaced(self, since: str) -> bool:
        """Let the dialect compare the database with the one of `since`."""
        now = self.generation()
        return now is None or not dialect_named(self._engine().dialect.name).is_same_generation(since, now)

    def snapshot_refusal(self) -> str | None:
        """Judge by the kind of the database. Connects to nothing: a URL that is wrong is reported by the first use."""
        try:
            url = parse_url(self._database) if isinstance(self._database, str) else self._database
        except ArgumentError:
            return None
        name = url.dialect.name if isinstance(url, Engine) else url.get_backend_name()
        return None if dialect_named(name).snapshots else REFUSAL

    def snapshot_reading(self) -> SnapshotReading:
        """Let the dialect look at the database."""
        with self._connection() as connection:
            taker = dialect_named(connection.dialect.name).snapshots
            if taker is None:
                raise SourceRefusedError(REFUSAL)
            return taker.reading(connection)

    @contextmanager
    def open_snapshot(self) -> Iterator[ClientSnapshot]:
        """Let the dialect open connections that all read one state. Closing them ends the snapshot."""
        engine = self._engine()
        taker = dialect_named(engine.dialect.name).snapshots
        if taker is None:
            raise SourceRefusedError(REFUSAL)
        with ExitStack() as stack:
            with self._telling_operators():
                opened = stack.enter_context(taker.open(engine))
            clients = self._lending(SnapshotConnections(opened).lend)
            yield ClientSnapshot(clients, opened.moment, opened.token, len(opened.connections))

    def close(self) -> None:
        """Close idle connections. The next use opens new ones."""
        with self._lock:
            if isinstance(self._database, Engine):
                self._database.dispose()

    @contextmanager
    def _naming_bad_cells(
        self, view: ClientView, selection: ClientSelection, key_ranges: Iterable[KeyRange], rows: int | None = None
    ) -> Iterator[None]:
        """If a value cannot be read, look in the ranges for it, and name its column and its client.

        If a column cannot be read, look whether the view was changed after it was described. A look-up needs
        connections of its own, outside of a snapshot: the one that failed may be closed.
        """
        dialect = dialect_named(self._engine().dialect.name)
        try:
            with source_errors(dialect, self._address):
                yield
        except MissingColumnError as error:
            with self._other_connection() as connection:
                if describe_selected(connection, selection).absent != view.absent:
                    raise SourceUnavailableError("The view clients was changed while it was read.") from error
            raise
        except UnreadableValueError as error:
            finder = BadCellFinder(self._other_connection, view, selection, error.hint)
            found = next((bad for key_range in key_ranges if (bad := finder.find(key_range, rows))), None)
            if found is None:
                with self._other_connection() as connection:
                    found = dialect.find_bad_filter_value(connection, view, selection)
            raise found or error from error.__cause__

    def _lending(self, lend: Connect, lend_other: Connect | None = None) -> SqlClientSource:
        return SqlClientSource(self._engine(), lend, self._turns, self._deletions_view, lend_other)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._telling_operators(), (self._lend or self._engine().connect)() as connection:
            yield connection

    @contextmanager
    def _other_connection(self) -> Iterator[Connection]:
        with self._telling_operators(), (self._lend_other or self._engine().connect)() as connection:
            yield connection

    @contextmanager
    def _telling_operators(self) -> Iterator[None]:
        dialect = dialect_named(self._engine().dialect.name)
        try:
            with source_errors(dialect, self._address):
                yield
        except ExportError as error:
            if error.operator:  # an answer must not name the host, so an operator finds it here
                emit("source.unreached", logging.WARNING, error=error.code, reason=error, detail=error.operator)
            raise

    def _engine(self) -> Engine:
        with self._lock:
            if not isinstance(self._database, Engine):
                with source_errors(PORTABLE, self._address):
                    url = self._database if isinstance(self._database, URL) else parse_url(self._database)
                    self._database = make_engine(url)
            return self._database
