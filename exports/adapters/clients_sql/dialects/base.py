"""The contract between the SQL source and one kind of database.

`SourceDialect` works with any database that SQLAlchemy has a driver for. A subclass overrides what its database does
differently, and its module registers how the expressions of `sql/expressions.py` are written. To support another
database well, add a subclass in a file of its own and a line in `registry.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from sqlalchemy import URL, ColumnElement, Connection, Engine, Select, String, bindparam, false

from exports.adapters.clients_sql.dialects.snapshot import SnapshotTaker
from exports.adapters.clients_sql.sql.address import DatabaseAddress
from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, ClientView, Compare, ViewColumn
from exports.adapters.clients_sql.sql.expressions import HasAnyCode, Instant
from exports.adapters.clients_sql.sql.translations import (
    BUSY,
    CLOSED_PORT,
    LOGIN,
    NO_ANSWER,
    NO_COLUMN,
    NO_DATABASE,
    NO_VIEW,
    SILENT_HOST,
    STATEMENT,
    THROTTLED,
    VALUE,
    Translation,
)
from exports.errors import SourceMismatchError
from exports.file.ranges import KeyRange
from exports.file.renderer import Records, Renderer, Row
from exports.ports.clients import ClientSelection
from exports.request.fields import CellKind

CONNECT_TIMEOUT_SECONDS = 10
STATEMENT_TIMEOUT_SECONDS = 240
"""Well under the ten minutes that the host gives an activity, so the database stops the statement first and says so."""

SQLSTATES = {
    "08": NO_ANSWER,
    "22": VALUE,
    "28": LOGIN,
    "3D": NO_DATABASE,
    "40": BUSY,
    "42S02": NO_VIEW,
    "42S22": NO_COLUMN,
    "HYT": BUSY,
}
"""Translations by the longest prefix of a SQLSTATE. `42S..` and `HYT..` are ODBC's, the others the SQL standard's."""


def day_of(moment: datetime) -> datetime:
    """Return the beginning of a moment's day in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


Unpack = Callable[[Sequence[Row]], list[Row]]


class FastRenderer(Protocol):
    """Lets the database itself write the records of one selection, over one connection.

    The bytes are exactly those that the renderer would write from rows.
    """

    def page(self, key_range: KeyRange) -> Iterator[Records]:
        """Yield the records of a key range, as `ClientSource.render` does."""

    def samples(self, starts: Sequence[str], rows_of_each: int) -> Iterator[Records]:
        """Yield the records of the first clients from each code on, as `ClientSource.render_samples` does."""


class SourceDialect:
    """What the source needs to know about one kind of database.

    Attributes:
        connect_args: Arguments for the driver's `connect`.
        pre_ping: Whether the pool tests a connection before it hands the connection out.
        pools: Whether connections are kept for the next use.
        reads_in_turns: Whether threads that read at the same time would only slow each other down.
        streams_by_requests: Whether the server gives the first rows before it finds the others only through a cursor,
            by a request for each fetch.
        sqlstates: Translations by the longest prefix of a SQLSTATE.
        error_numbers: Translations by the server's error number.
        connect_messages: Translations by words in the message of a failure without a code. The first match counts.
        skip_scan_step: SQL of one step of an index skip scan (see `index_skip_scan`); None if the database has none.
            `{next_code}` stands for the query that finds the first client of the next page.
        moment_forms: The forms of `updated_at` that the database can compare with a moment.
        padded_types: The beginnings of the names of types whose values come with the spaces that fill them up.
        compares_values: Whether the database compares each value by its own type, whatever type the column has.
        snapshots: Takes snapshots; None if this service cannot take any of the database.
    """

    connect_args: ClassVar[Mapping[str, Any]] = {}
    pre_ping: ClassVar[bool] = True
    pools: ClassVar[bool] = True
    reads_in_turns: ClassVar[bool] = False
    streams_by_requests: ClassVar[bool] = False
    sqlstates: ClassVar[Mapping[str, Translation]] = SQLSTATES
    error_numbers: ClassVar[Mapping[int, Translation]] = {}
    connect_messages: ClassVar[Mapping[str, Translation]] = {
        "too many connections": THROTTLED,
        "authentication failed": LOGIN,
        "denied": LOGIN,
        "Connection refused": CLOSED_PORT,
        "timed out": SILENT_HOST,
    }
    skip_scan_step: ClassVar[str | None] = None
    moment_forms: ClassVar[frozenset[CellForm]] = frozenset(
        {CellForm.UNKNOWN, CellForm.DATE, CellForm.TIMESTAMP, CellForm.INSTANT}
    )
    padded_types: ClassVar[tuple[str, ...]] = ()
    compares_values: ClassVar[bool] = False
    snapshots: ClassVar[SnapshotTaker | None] = None

    def reading_url(self, url: URL) -> URL:
        """Name the driver if the URL names none, and ask for read-only access if a URL of the database can do that."""
        return url

    def limit_sessions(self, engine: Engine) -> Engine:
        """Return the engine with sessions that only read, in UTC and within a time limit, as far as possible."""
        return engine

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Stop statements of the block after so many seconds, as far as the database can do that."""
        yield

    def column_name(self, name: str) -> str:
        """Return the name of a result's column in the spelling of the view's documentation, which is lower case."""
        return name.lower()

    def describe(self, connection: Connection, names: Sequence[str], view: str = "clients") -> Mapping[str, ViewColumn]:
        """Describe those of the named columns that a view has, by one small statement.

        By default nothing is described, so the driver decides how values are read and compared.

        Args:
            view: A name that needs no quotes.
        """
        return {}

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]:
        """Return the SQL of a value as a renderer expects it: text as `CellForm` says, a boolean, an integer, a date.

        A value that cannot be written must make the statement fail, or arrive as a value that the renderer refuses.

        Args:
            kind: TEXT wants text, BOOLEAN a boolean, 0 and 1 or its words, DATE a date or its text.
        """
        return CLIENTS.c[column.name]

    def packed(self, connection: Connection, statement: Select[Any]) -> tuple[Select[Any], Unpack]:
        """Return the fastest statement that selects the same, and the function that makes rows of its result.

        By default that is the statement itself.
        """
        return statement, list

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Return a bound value that is compared with the column exactly as ORDER BY orders the column.

        Args:
            name: The name of the parameter.
            text: The value as `key_text` gave it.

        Returns:
            None if no value of the column can equal the text: its type or character set has no such value.
        """
        return bindparam(name, text)

    def key_collation(self, connection: Connection, column: ViewColumn, view: str = "clients") -> str:
        """Return the collation by which a key column of a view is compared; empty if it has none."""
        return getattr(column.details, "collation", None) or ""

    def of_tenant(
        self, column: ViewColumn, text: str, deleted: ColumnElement[Any] | None = None
    ) -> ColumnElement[bool]:
        """Return the condition that a client is of the tenant with this text. An index must be able to serve it.

        Args:
            deleted: The tenant of a deleted client, to compare it in place of that of a client.
        """
        bound = self.key_bound(column, "tenant" if deleted is None else "deleted_tenant", text)
        return false() if bound is None else (CLIENTS.c.tenant if deleted is None else deleted) == bound

    def key_text(self, column: ViewColumn, value: Any) -> str:
        """Return a value of a key column as the text that plans and manifests hold. `key_bound` reads it back."""
        if isinstance(value, Decimal):
            return format(value, "f")
        return value if isinstance(value, str) else str(value)

    def matches_any(self, column: ViewColumn, texts: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that the column equals one of the texts. Text that it cannot hold matches nobody.

        A column that the dialect describes in detail is compared in its own type and collation, as `key_bound` does.
        """
        known = [text for text in texts if self.storable(column, text)]
        if column.details is None:
            return CLIENTS.c[column.name].in_(known)
        bounds = (self.key_bound(column, f"{column.name}_{place}", text) for place, text in enumerate(known))
        return CLIENTS.c[column.name].in_([bound for bound in bounds if bound is not None])

    def holds_any(self, column: ViewColumn, listed: ColumnElement[str], codes: Sequence[str]) -> ColumnElement[bool]:
        """Return the condition that a text, codes each between separators, holds one of the codes.

        Args:
            column: The column that the text was made of.
            codes: At least one code, which the column can hold.
        """
        return HasAnyCode(listed, *(bindparam(None, code, String()) for code in codes))

    def searched_text(self, column: ViewColumn) -> ColumnElement[str]:
        """Return the text of a column in which a filter searches."""
        return CLIENTS.c[column.name]

    def storable(self, column: ViewColumn, text: str) -> bool:
        """Say whether text of the column's database may hold this text. No client can match other text.

        Text with a NUL is never sent to a database: PostgreSQL refuses it, and SQLite stops reading at it.
        """
        if "\0" in text:
            return False
        try:
            text.encode(column.charset or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    def updated_since(self, column: ViewColumn, moment: datetime) -> ColumnElement[bool]:
        """Return the condition that `updated_at` is this moment or a later one."""
        return self.compare_moment(column, CLIENTS.c[column.name], "updated_since", operator.ge, moment)

    def updated_until(self, column: ViewColumn, moment: datetime) -> ColumnElement[bool]:
        """Return the condition that `updated_at` is before this moment."""
        return self.compare_moment(column, CLIENTS.c[column.name], "updated_until", operator.lt, moment)

    def compare_moment(
        self, column: ViewColumn, value: Any, name: str, compare: Compare, moment: datetime
    ) -> ColumnElement[bool]:
        """Return the condition that compares a value with a moment: `compare` is `operator.ge` or `operator.lt`.

        A date is compared with the day of the moment in UTC. So a client that changed on that day comes again with all
        changes since the moment, rather than being missed.

        Args:
            column: Describes the value.
        """
        return compare(value, bindparam(name, day_of(moment) if column.form is CellForm.DATE else moment, Instant()))

    def text_cast(self, column: ViewColumn) -> str:
        """Return the SQL that makes text of a column, for a person to write into the view."""
        return f"CAST({column.name} AS varchar(100))"

    def day_cast(self, column: ViewColumn) -> str:
        """Return the SQL that makes a date of a column, for a person to write into the view."""
        return f"CAST({column.name} AS date)"

    def truth_cast(self, column: ViewColumn) -> str:
        """Return the SQL that makes a boolean of a column, for a person to write into the view."""
        return f"CAST({column.name} AS boolean)"

    def moment_cast(self, column: ViewColumn) -> str:
        """Return the SQL that makes a moment of a column, for a person to write into the view."""
        return f"CAST({column.name} AS timestamp)"

    def require_values(self, connection: Connection, view: ClientView, selection: ClientSelection) -> None:
        """Refuse values that the types of the columns let in, but that cannot be keys. Called once for each plan.

        Raises:
            SourceMismatchError: There is such a value.
        """

    def find_bad_filter_value(
        self, connection: Connection, view: ClientView, selection: ClientSelection
    ) -> SourceMismatchError | None:
        """Return the error for a value that a filter cannot compare; None if there is none. Called after a failure."""
        return None

    def require_whole(self, connection: Connection, cursor: Any) -> None:
        """Refuse a result of which the database cut something off without an error.

        Args:
            cursor: The cursor of the driver for the last statement. All of its rows have been read.

        Raises:
            UnreadableValueError: A value is cut.
            SourceMismatchError: Rows are missing.
        """

    def generation(self, connection: Connection) -> str | None:
        """Identify the database, so that another one in its place is noticed; None if that cannot happen."""
        return None

    def is_same_generation(self, before: str, now: str) -> bool:
        """Say whether two results of `generation` are of one database, perhaps with changes in between."""
        return before == now

    def translate(self, error: BaseException | None) -> Translation | None:
        """Translate a driver's error by its code: a number or a SQLSTATE. None if it carries no known code."""
        first = next(iter(getattr(error, "args", ())), None)
        if isinstance(first, int):  # some drivers give a SQLSTATE too, which is less exact
            return self._translate_number(first)
        state = getattr(error, "sqlstate", None) or first
        if isinstance(state, str) and len(state) == len("42P01"):
            return next((self.sqlstates[state[:n]] for n in (5, 3, 2) if state[:n] in self.sqlstates), None)
        return None

    def error_code(self, error: BaseException | None) -> str:
        """Return the number, the SQLSTATE or the name by which a driver's error says its kind; empty if it says none.

        The text of an error is no code: a value of a client may stand in it.
        """
        first = next(iter(getattr(error, "args", ())), None)
        state = str(getattr(error, "sqlstate", None) or "")
        return str(first) if isinstance(first, int) else state

    def text_without_clients(self, error: BaseException | None) -> str:
        """Return the part of a driver's error in which no data of a client can be; empty if there is none.

        A server may quote a value in any error that a statement brings, and a function in the view may raise any text
        with any code. So only what the driver says of the connection counts, and the server's own sentences of which
        nothing but names of objects vary.
        """
        return ""

    def explain_failure(self, translation: Translation, address: DatabaseAddress) -> Translation:
        """Return a more exact translation if the dialect finds the cause outside of the database."""
        return translation

    def is_skip_scan_efficient(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
        """Say whether each step of a skip scan would continue in an index where the step before ended.

        Args:
            statement: The whole skip scan, built around `skip_scan_step`.
            values: The parameters of the statement.

        Raises:
            sqlalchemy.exc.DBAPIError: The database cannot explain its plan.
        """
        return False

    def fast_renderer(
        self, connection: Connection, view: ClientView, selection: ClientSelection, renderer: Renderer
    ) -> FastRenderer | None:
        """Return what lets the database write the records, or None if it cannot write them exactly."""
        return None

    def _translate_number(self, number: int) -> Translation | None:
        """Translate an error number; an unlisted number of the server means that it refused the statement.

        The numbers 2000 to 2999 come from MySQL's client library and concern the connection.
        """
        is_of_server = 1000 <= number < 2000 or number >= 3000
        return self.error_numbers.get(number) or (STATEMENT if is_of_server else None)
