"""SQLite, read through Python's own driver."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    event,
    false,
    func,
    literal_column,
    or_,
    text,
)

from exports.adapters.clients_sql.dialects.base import CONNECT_TIMEOUT_SECONDS, SourceDialect, Unpack, day_of
from exports.adapters.clients_sql.dialects.sqlite_checks import (
    INTEGER,
    describe_column,
    describe_keys,
    find_bad_moment,
    find_collation,
    has_compound_views,
    require_one_type,
)
from exports.adapters.clients_sql.dialects.sqlite_file import (
    CLOSED_FOLDER,
    CRASHED_WRITER,
    DAMAGED,
    NO_ROOM,
    file_fault,
    file_generation,
    is_same_file,
)
from exports.adapters.clients_sql.dialects.sqlite_rows import GivenRows
from exports.adapters.clients_sql.dialects.sqlite_snapshot import SqliteSnapshots
from exports.adapters.clients_sql.dialects.sqlite_values import (
    USUAL_MOMENT,
    add_functions,
    integer_of,
    is_other_number,
    milliseconds_from,
    moment_of,
)
from exports.adapters.clients_sql.sql.address import DatabaseAddress
from exports.adapters.clients_sql.sql.columns import CLIENTS, CellForm, ClientView, Compare, ViewColumn
from exports.adapters.clients_sql.sql.translations import (
    BROKEN_VIEW,
    BUSY,
    LOCKED_FILE,
    NO_ANSWER,
    NO_COLUMN,
    NO_FUNCTION,
    NO_VIEW,
    NOT_A_DATABASE,
    STATEMENT,
    VALUE,
    Translation,
)
from exports.errors import SourceMismatchError, SourceRefusedError
from exports.ports.clients import ClientSelection
from exports.request.fields import CellKind

_RESULT_CODES = {
    "SQLITE_CANTOPEN": NO_ANSWER,
    "SQLITE_IOERR": NO_ANSWER,
    "SQLITE_PROTOCOL": BUSY,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_INTERRUPT": BUSY,
    "SQLITE_FULL": NO_ROOM,
    "SQLITE_AUTH": LOCKED_FILE,
    "SQLITE_PERM": LOCKED_FILE,
    "SQLITE_NOTADB": NOT_A_DATABASE,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_READONLY_ROLLBACK": CRASHED_WRITER,
    "SQLITE_READONLY_DIRECTORY": CLOSED_FOLDER,
    "SQLITE_READONLY_CANTINIT": CLOSED_FOLDER,
}
"""Translations by the beginning of a result code's name: extended codes such as `SQLITE_IOERR_READ` count too."""

_MESSAGES = {
    "no such table: clients": NO_VIEW,
    "no such table": BROKEN_VIEW,
    "no such column: clients.": NO_COLUMN,  # our statements name the view before the column
    **dict.fromkeys(("no such column", "ambiguous column", "expected ", "view "), BROKEN_VIEW),
    **dict.fromkeys(("no such function", "unknown function", "no such module", "unsafe use of"), NO_FUNCTION),
    "no such collation sequence": NO_FUNCTION,
    "database is locked": BUSY,
    "Could not decode to UTF-8": VALUE,
    "user-defined function raised": VALUE,
    **dict.fromkeys(("malformed JSON", "JSON ", "bad JSON path", "json_", "integer overflow"), VALUE),
    **dict.fromkeys(("string or blob too big", "LIKE or GLOB pattern", "ESCAPE expression"), VALUE),
}
"""Translations by the beginning of a message; the first match counts. Most have no result code but `SQLITE_ERROR`."""

_OF_NAMES = re.compile(r"(no such|unknown) (table|function|module|collation sequence): .+")
"""The beginnings of messages about names."""

_UNSAFE_OPTIONS = ("immutable", "nolock", "vfs")
"""Options of a URL with which SQLite ignores its write-ahead log or its locks, and so misses clients."""

_STEPS_BETWEEN_LOOKS = 20_000
_SEARCH_FROM_A_KEY = re.compile(r"SEARCH .* USING .*>\?\)")

_EXACT_ORDER = """
SELECT count(DISTINCT code) = 5 AND count(DISTINCT tenant) = 5 FROM (
    SELECT code, tenant FROM clients WHERE 1 = 0
    UNION ALL SELECT 'a', 'a' UNION ALL SELECT 'A', 'A' UNION ALL SELECT 'a ', 'a '
    UNION ALL SELECT '7', '7' UNION ALL SELECT 7, 7
)
"""
"""Whether texts of the columns are equal only if their characters are. The empty first part gives them the types and
collations of the view."""


class SqliteDialect(SourceDialect):
    """A SQLite file. Each value has a type of its own, whatever type its column declares.

    Connections are not pooled: a pooled one would go on reading a file that has been replaced. Pages are read in turns:
    for every row the driver gives up Python's global interpreter lock, and then waits for the thread that took it. So
    two threads take longer than one for the same clients.
    """

    connect_args: ClassVar = {"timeout": CONNECT_TIMEOUT_SECONDS}
    pre_ping: ClassVar = False
    pools: ClassVar = False
    reads_in_turns: ClassVar = True
    compares_values: ClassVar = True
    moment_forms: ClassVar = frozenset({CellForm.UNKNOWN, CellForm.TEXT})
    skip_scan_step: ClassVar = "SELECT ({next_code}), hop.page + 1, hop.code FROM hop WHERE hop.code IS NOT NULL"
    """A subquery among the columns, because SQLite has no LATERAL."""

    snapshots: ClassVar = SqliteSnapshots()

    def reading_url(self, url: URL) -> URL:
        """Open the file read-only, so a wrong path creates no empty database.

        Raises:
            SourceRefusedError: The URL has an option with which files could lack clients.
        """
        if unsafe := [name for name in _UNSAFE_OPTIONS if name in url.query]:
            message = (
                f"CLIENTS_DATABASE_URL has the option {unsafe[0]}, with which SQLite reads a file without its log or "
                "its locks, so clients could be missing. Remove the option."
            )
            raise SourceRefusedError(message)
        database = url.database or ""
        uri = database if database.startswith("file:") else Path(database).absolute().as_uri()
        return url.set(database=uri, query={**url.query, "mode": "ro", "uri": "true"})

    def limit_sessions(self, engine: Engine) -> Engine:
        """Add our functions to each connection. The URL has asked for read-only access; SQLite has no time limit."""
        event.listen(engine, "connect", add_functions)
        return engine

    @contextmanager
    def time_limit(self, connection: Connection, seconds: float) -> Iterator[None]:
        """Let SQLite look at the clock every few thousand steps, and wait no longer for a lock."""
        driver: Any = connection.connection.driver_connection
        end = time.monotonic() + seconds
        ((patience,),) = driver.execute("PRAGMA busy_timeout")
        driver.execute(f"PRAGMA busy_timeout = {min(patience, round(seconds * 1000))}")
        driver.set_progress_handler(lambda: time.monotonic() >= end, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
            driver.execute(f"PRAGMA busy_timeout = {patience}")

    def describe(self, connection: Connection, names: Sequence[str], view: str = "clients") -> Mapping[str, ViewColumn]:
        """Describe columns by the types that they declare, and keys by the type of the first value found.

        `table_info` would leave out generated columns.
        """
        declared = {row[1].lower(): row[2] for row in connection.exec_driver_sql(f"PRAGMA table_xinfo({view})")}
        is_compound = has_compound_views(connection)
        known = (name for name in names if name in declared)
        columns = {name: describe_column(name, declared[name], is_compound=is_compound) for name in known}
        if "code" in columns and "tenant" in columns:
            columns["code"], columns["tenant"] = describe_keys(connection, columns["code"], columns["tenant"], view)
        return columns

    def cell(self, column: ViewColumn, kind: CellKind) -> ColumnElement[Any]:
        """Turn REAL numbers into text. All other values are read as they are, and the renderer refuses BLOB."""
        value = super().cell(column, kind)
        if kind is not CellKind.TEXT or column.form is CellForm.TEXT:
            return value
        return case((func.typeof(value) == literal_column("'real'"), func.client_real(value)), else_=value)

    def packed(self, connection: Connection, statement: Select[Any]) -> tuple[Select[Any], Unpack]:
        """Let a function of ours take the cells, and select the number of the row that it was given: see `GivenRows`.

        If SQLite has to sort the rows, it would give all of them before it returns the first number. And it may have
        been built for functions of few arguments.
        """
        rows: GivenRows | None = connection.info.get(GivenRows)
        driver: Any = connection.connection.driver_connection
        cells = list(statement.inner_columns)
        most = driver.getlimit(sqlite3.SQLITE_LIMIT_FUNCTION_ARG)
        packed = statement.with_only_columns(func.client_row(*cells))
        if rows is None or len(cells) > most or _is_sorted(connection, packed):
            return super().packed(connection, statement)
        return packed, rows.take

    def key_bound(self, column: ViewColumn, name: str, text: str) -> ColumnElement[Any] | None:
        """Bind an integer if the column holds integers. Text is compared by the collation of the column."""
        if not self.storable(column, text):
            return None
        if column.key == INTEGER and (number := integer_of(text)) is not None:
            return bindparam(name, number, BigInteger())
        if column.key == INTEGER and column.name != "tenant":
            return None
        return bindparam(name, text, String())

    def key_collation(self, connection: Connection, column: ViewColumn, view: str = "clients") -> str:
        """Find the collation by which of a few texts it calls equal: SQLite does not name the collation of a view."""
        return find_collation(connection, column.name, view)

    def of_tenant(
        self, column: ViewColumn, text: str, deleted: ColumnElement[Any] | None = None
    ) -> ColumnElement[bool]:
        """Compare the text with text only if SQLite might convert it to the number that it resembles."""
        condition = super().of_tenant(column, text, deleted)
        is_text = deleted is None and column.form is CellForm.TEXT
        if is_text or not is_other_number(text):
            return condition
        value = CLIENTS.c.tenant if deleted is None else deleted
        return and_(condition, func.typeof(value) == literal_column("'text'"))

    def matches_any(self, column: ViewColumn, texts: Sequence[str]) -> ColumnElement[bool]:
        """Compare with the text of each value. SQLite itself would find 1 by '01' and '1.0' in columns of numbers."""
        known = [text for text in texts if self.storable(column, text)]
        value = CLIENTS.c[column.name]
        numbers = [number for text in known if (number := integer_of(text)) is not None]
        others = [text for text in known if is_other_number(text)]
        words = [text for text in known if integer_of(text) is None and not is_other_number(text)]
        found: list[ColumnElement[bool]] = [value.in_(words)] if words else []
        if numbers:
            not_real = func.typeof(value) != literal_column("'real'")
            found.append(and_(value.in_([*numbers, *map(str, numbers)]), not_real))
        if others:
            found.append(cast(self.cell(column, CellKind.TEXT), String()).in_(others))
        return or_(*found) if found else false()

    def compare_moment(
        self, column: ViewColumn, value: Any, name: str, compare: Compare, moment: datetime
    ) -> ColumnElement[bool]:
        """Compare moments, whatever text or number the value is. See `moment_of`. Text may be a date only.

        The text that `rfc3339` writes is compared as text, which is several times as fast. It has whole milliseconds,
        so it is before the moment exactly if it is before the first whole millisecond from the moment on.
        """
        micros = bindparam(name, moment_of(moment.isoformat()), BigInteger())
        as_text = bindparam(f"{name}_text", milliseconds_from(moment), String())
        is_usual = value.op("GLOB")(literal_column(USUAL_MOMENT)) == literal_column("1")
        day = bindparam(f"{name}_day", moment_of(day_of(moment).isoformat()), BigInteger())
        is_day = and_(func.typeof(value) == literal_column("'text'"), func.length(value) == literal_column("10"))
        read = func.client_moment(value)
        usual, of_day, other = compare(value, as_text), compare(read, day), compare(read, micros)
        return case((is_usual, usual), (is_day, of_day), else_=other) == literal_column("1")

    def text_cast(self, column: ViewColumn) -> str:
        """Return a cast to text."""
        return f"CAST({column.name} AS TEXT)"

    def day_cast(self, column: ViewColumn) -> str:
        """Return the function that makes a date of a moment, as text."""
        return f"date({column.name})"

    def require_values(self, connection: Connection, view: ClientView, selection: ClientSelection) -> None:
        """Refuse codes of several types."""
        require_one_type(connection, view, selection)

    def find_bad_filter_value(
        self, connection: Connection, view: ClientView, selection: ClientSelection
    ) -> SourceMismatchError | None:
        """Look for an `updated_at` that is not a moment."""
        return find_bad_moment(connection, view, selection)

    def generation(self, connection: Connection) -> str | None:
        """Identify the file; None for a database in memory."""
        return file_generation(connection)

    def is_same_generation(self, before: str, now: str) -> bool:
        """Say whether the file is the same one, perhaps with later changes."""
        return is_same_file(before, now)

    def translate(self, error: BaseException | None) -> Translation | None:
        """Translate by the message, then by the name of the result code; refuse every other statement."""
        if not isinstance(error, sqlite3.Error):
            return None
        message = str(error)
        known = next((kind for start, kind in _MESSAGES.items() if message.startswith(start)), None)
        name = getattr(error, "sqlite_errorname", "")
        by_code = (translation for code, translation in _RESULT_CODES.items() if name.startswith(code))
        return known or next(by_code, STATEMENT)

    def error_code(self, error: BaseException | None) -> str:
        """Return the name of the result code."""
        return str(getattr(error, "sqlite_errorname", "") or "")

    def text_without_clients(self, error: BaseException | None) -> str:
        """Return what names an object that is missing. Not a column: a full-text search calls words of a value that."""
        names = _OF_NAMES.match(str(error))
        return names[0] if names else ""

    def explain_failure(self, translation: Translation, address: DatabaseAddress) -> Translation:
        """Look at the file if SQLite could not open or read it."""
        if translation is not NO_ANSWER or not address.file:
            return translation
        return file_fault(Path(address.file)) or translation

    def is_skip_scan_efficient(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> bool:
        """Say whether a step is one search in one index, from its key on. A sort would be another line of the plan.

        A column of numbers, or with a collation, is left to the pass over all keys: it counts codes that are equal to
        their neighbours, and finds a tenant by its text alone.
        """
        is_number = integer_of(values["tenant"]) is not None or is_other_number(values["tenant"])
        if is_number or not connection.execute(text(_EXACT_ORDER)).scalar():
            return False
        lines = connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values).all()
        children: dict[int, list[tuple[int, str]]] = {}
        for number, parent, _, words in lines:
            children.setdefault(parent, []).append((number, words))
        recursions = [number for number, _, _, words in lines if words == "RECURSIVE STEP"]
        subqueries = [line for number in recursions for line in children.get(number, ()) if "SUBQUERY" in line[1]]
        searches = [words for number, _ in subqueries for _, words in children.get(number, ())]
        return len(searches) == 1 and _SEARCH_FROM_A_KEY.fullmatch(searches[0]) is not None


def _is_sorted(connection: Connection, statement: Select[Any]) -> bool:
    """Say whether SQLite sorts what a statement returns, because no index has the order. The plan needs no values."""
    compiled = statement.compile(connection, compile_kwargs={"render_postcompile": True})
    values = (None,) * len(compiled.positiontup or ())
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
    return any("TEMP B-TREE" in words for *_, words in plan)
