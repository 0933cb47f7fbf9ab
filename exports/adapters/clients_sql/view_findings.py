"""Find out about a view what its types do not say: functions, index, tenants, speed, and codes that cannot be keys.

Each part has a time limit. A part that needs longer leaves a note, and the check goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from exports.adapters.clients_sql.deletions_check import count_deleted_clients, describe_deletion_columns
from exports.adapters.clients_sql.dialects.registry import dialect_named
from exports.adapters.clients_sql.errors import source_errors
from exports.adapters.clients_sql.inspection.findings import ChangedCollation, Findings, Sample, Tenants
from exports.adapters.clients_sql.inspection.inspector import ViewInspector
from exports.adapters.clients_sql.inspection.mssql import MssqlInspector
from exports.adapters.clients_sql.inspection.mysql import MysqlInspector
from exports.adapters.clients_sql.inspection.postgresql import PostgresqlInspector
from exports.adapters.clients_sql.inspection.sqlite import SqliteInspector
from exports.adapters.clients_sql.inspection.time_limit import TimeLimit
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_sql.sql import statements as sql_statements
from exports.adapters.clients_sql.sql.address import DatabaseAddress
from exports.adapters.clients_sql.sql.checks import EVERY_FILTER
from exports.adapters.clients_sql.sql.columns import CLIENTS, ClientView
from exports.adapters.clients_sql.sql.translations import BUSY
from exports.errors import ExportError, PermanentError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import ClientStatus, ClientType, source_columns
from shared.text import shorten

MAX_TENANTS = 10
_SAMPLE_CLIENTS = 10_000
_PAGE_CLIENTS = 2_000
_SLOW_SECONDS = 0.3
_KNOWN_VALUES: dict[str, tuple[str, ...]] = {"status": tuple(ClientStatus), "type": tuple(ClientType)}
"""The columns whose values the API names, with these values."""
_INSPECTORS: dict[str, ViewInspector] = {
    "postgresql": PostgresqlInspector(),
    "mysql": MysqlInspector(),
    "mariadb": MysqlInspector(),
    "mssql": MssqlInspector(),
    "sqlite": SqliteInspector(),
}


def inspector_named(name: str) -> ViewInspector:
    """Return the inspector for a dialect of SQLAlchemy."""
    return _INSPECTORS.get(name, ViewInspector())


class ViewCheck:
    """Runs the parts of a check on one database, in the order in which they need each other."""

    def __init__(self, engine: Engine, address: DatabaseAddress, view: ClientView, limit: TimeLimit) -> None:
        self._engine, self._address, self._view, self._limit = engine, address, view, limit
        self._source = SqlClientSource(engine)
        self._inspector = inspector_named(engine.dialect.name)
        self.findings = Findings()

    def run(self, tenant: str | None, usable: Sequence[str]) -> Findings:
        """Run all parts.

        Args:
            tenant: The tenant to look at; None: the first one.
            usable: The columns that an export can use. `tenant` and `code` must be among them.
        """
        found = self.findings
        question = "whether functions in the view, row-level security or a collation can make a file wrong"
        with self._part(0.6, question) as connection:
            found.functions = self._inspector.unstable_functions(connection)
            found.notes += map(_note_on_policies, self._inspector.tables_with_hidden_rows(connection))
            found.notes += map(_note_on_collation, self._inspector.changed_collations(connection))
        with self._part(0.4, "whether exports and writers of clients wait for each other") as connection:
            found.notes += self._inspector.notes_on_reading(connection)
        if tenant is None:
            found.tenants = self._tenants()
        else:
            found.tenants = Tenants((tenant,))
            with self._part(0.9, f"how many clients {tenant} has") as connection:
                found.tenants = Tenants((tenant,), clients=self._count(connection, tenant))
        for name in found.tenants.names[:1]:
            self._look_at(name, usable)
        return found

    def look_at_deletions(self, name: str) -> None:
        """Check the view of deleted clients, with the tenant that `run` has looked at. Call `run` before."""
        found = self.findings
        with self._part(0.5, f"whether the view {name} of deleted clients can be used") as connection:
            found.deletions = describe_deletion_columns(connection, name, self._view)
            found.reasons += [column.problem for column in found.deletions if column.problem]
        tenants = found.tenants.names[:1] if found.tenants else ()
        if found.deletions is None or any(column.problem for column in found.deletions):
            return
        for tenant in tenants:
            with self._part(0.8, f"how many deleted clients of {tenant} the view {name} has") as connection:
                found.deleted_clients = count_deleted_clients(connection, name, self._view, tenant, 0.8)
                if not found.deleted_clients:
                    found.notes.append(f"The view {name} has no deleted clients of {tenant}.")

    def _look_at(self, tenant: str, usable: Sequence[str]) -> None:
        ends = self._page_ends(tenant)
        if not ends:
            return
        with self._part(0.5, "whether an index serves the key") as connection:
            keys = select(CLIENTS.c.tenant, CLIENTS.c.code)
            self.findings.key = self._inspector.key_use(connection, self._select_codes(tenant, ends), keys)
        with self._part(1.5, "how many clients are read in a second"):
            self._read_sample(tenant, ends[0], usable)
        with self._part(0.5, "whether codes are NULL") as connection:
            self._refuse_null(connection, tenant)
        with self._part(0.8, "whether codes repeat") as connection:
            self._refuse_repeated(connection, tenant)
        with self._part(0.5, "whether updatedSince can compare every updated_at") as connection:
            self._refuse_bad_moments(connection, tenant)
        self._look_for_more(tenant, ends[0], usable)
        for column in sorted(_KNOWN_VALUES.keys() & set(usable) & self._view.columns.keys()):
            with self._part(0.3, f"whether every {column} is a known one") as connection:
                self._note_unknown_values(connection, tenant, column)

    def _look_for_more(self, tenant: str, start: str, usable: Sequence[str]) -> None:
        """Read the sample again without the columns that failed, until it can be read, so each of them is named."""
        failed, named = set[str](), self.findings.problems.keys() & set(usable)
        while named - failed and not named & {"tenant", "code"}:
            failed = set(named)
            with self._part(1.0, "whether more columns hold values that cannot be written"):
                self._read_sample(tenant, start, [name for name in usable if name not in failed])
            named = self.findings.problems.keys() & set(usable)

    def _note_failure(self, error: PermanentError) -> None:
        column, reason = getattr(error, "column", ""), f"{error} {getattr(error, 'private', '')}".rstrip()
        if column:
            self.findings.problems.setdefault(column, reason)
        elif reason not in self.findings.reasons:
            self.findings.reasons.append(reason)

    @contextmanager
    def _part(self, seconds: float, question: str) -> Iterator[Connection]:
        """Run one part within its time. What makes it fail is a reason, or else a note."""
        dialect = dialect_named(self._engine.dialect.name)
        try:
            with (
                self._limit.part(seconds),
                source_errors(dialect, self._address),
                self._engine.connect() as connection,
            ):
                yield connection
        except PermanentError as error:
            self._note_failure(error)
        except ExportError as error:
            if question and str(error) == BUSY.message:
                self.findings.notes.append(f"Not found out within the time limit: {question}.")
            elif question:
                self.findings.notes.append(f"Not found out: {question}. {error}")

    def _tenants(self) -> Tenants:
        """Go from each tenant to the next one. With an index on the tenant each step is a look-up."""
        column, names, is_complete = CLIENTS.c.tenant, list[str](), False
        described = self._view.column("tenant")
        known = select(column).where(column.is_not(None)).limit(1)
        with self._part(0.8, "") as connection:
            while len(names) < MAX_TENANTS and not is_complete:
                bound = self._view.sql.key_bound(described, "last", names[-1]) if names else None
                following = known.order_by(column) if bound is None else known.order_by(column).where(column > bound)
                found = connection.execute(following).scalar()
                is_complete = found is None
                names += [] if found is None else [self._view.sql.key_text(described, found)]
        if not names and not is_complete:
            with self._part(0.4, "which tenants there are") as connection:
                found = connection.execute(known).scalar()
                names += [] if found is None else [self._view.sql.key_text(described, found)]
        return Tenants(tuple(names), is_complete)

    def _page_ends(self, tenant: str) -> list[str]:
        """Return the first code of a tenant, and one some thousand clients later if it is found fast.

        Returns nothing if the tenant has no clients, or if that was not found out. A note says which.
        """
        described, ends = self._view.column("code"), list[str]()
        codes = ClientSelection(tenant, ("code",))
        with self._part(1.0, ""):
            (first,), seconds = _timed(lambda: list(self._source.sample(codes, [KeyRange()], 1)))
            self.findings.first_seconds = seconds
            ends += [self._view.sql.key_text(described, code) for (code,) in first if code is not None]
            if ends and seconds < _SLOW_SECONDS:
                (page,) = self._source.sample(codes, [KeyRange(ends[0])], _PAGE_CLIENTS)
                ends.append(self._view.sql.key_text(described, page[-1][0]))
        if not ends:
            with self._part(0.4, "whether the tenant has clients") as connection:
                any_code = self._select_codes(tenant, []).order_by(None).where(CLIENTS.c.code.is_not(None)).limit(1)
                ends += [self._view.sql.key_text(described, code) for (code,) in connection.execute(any_code)]
                if not ends:
                    note = f"{tenant} has no clients, so the index and the speed were not looked at."
                    self.findings.notes.append(note)
        return ends

    def _count(self, connection: Connection, tenant: str) -> int:
        keys = self._select_codes(tenant, []).order_by(None).subquery()
        return int(connection.execute(select(func.count()).select_from(keys)).scalar_one())

    def _read_sample(self, tenant: str, start: str, usable: Sequence[str]) -> None:
        """Read the first clients as a page is read."""
        columns = [column for column in ALL_COLUMNS if set(source_columns(column.target_field)) <= set(usable)]
        renderer = CsvRenderer(columns)
        selection = ClientSelection(tenant, renderer.source_columns)
        records, seconds = _timed(
            lambda: list(self._source.render_samples(selection, [start], _SAMPLE_CLIENTS, renderer))
        )
        self.findings.sample = Sample(tenant, sum(part.rows for part in records), seconds)

    def _select_codes(self, tenant: str, ends: Sequence[str]) -> Select[Any]:
        selection = ClientSelection(tenant, ("code",))
        key_range = KeyRange(ends[0], ends[-1]) if len(ends) > 1 else KeyRange(*ends)
        return sql_statements.cells(self._view, selection, key_range, [CLIENTS.c.code])

    def _refuse_null(self, connection: Connection, tenant: str) -> None:
        without = self._select_codes(tenant, []).order_by(None).where(CLIENTS.c.code.is_(None)).limit(1)
        if connection.execute(without).first() is not None:
            reason = f"A client of {tenant} has no code; every row of the view clients needs one."
            self.findings.problems.setdefault("code", reason)

    def _refuse_repeated(self, connection: Connection, tenant: str) -> None:
        some = self._select_codes(tenant, []).where(CLIENTS.c.code.is_not(None)).limit(_SAMPLE_CLIENTS).subquery()
        repeated = select(some.c.code).group_by(some.c.code).having(func.count() > 1).limit(1)
        if (found := connection.execute(repeated).scalar()) is not None:
            text = self._view.sql.key_text(self._view.column("code"), found)
            reason = (
                "The view clients returns a client more than once; tenant and code must be unique. "
                f"It is {text} of {tenant}."
            )
            self.findings.problems.setdefault("code", reason)

    def _note_unknown_values(self, connection: Connection, tenant: str, column: str) -> None:
        """Name values that files show as they are, but that the filter of this column cannot ask for."""
        selection, cell = ClientSelection(tenant, ("code",)), CLIENTS.c[column]
        cells = sql_statements.cells(self._view, selection, KeyRange(), [cell]).order_by(None).where(cell.is_not(None))
        found = connection.execute(cells.limit(_SAMPLE_CLIENTS)).scalars()  # a collation might call two of them equal
        known = _KNOWN_VALUES[column]
        if unknown := sorted({str(value) for value in found} - set(known)):
            named = ", ".join(f"“{shorten(value, 40)}”" for value in unknown[:3] if value.isprintable())
            self.findings.notes.append(
                f"{column} of some clients of {tenant} is {named or 'unprintable'}, which is none of "
                f"{', '.join(known)}. Files show it as it is, and the filter of {column} never finds these clients."
            )

    def _refuse_bad_moments(self, connection: Connection, tenant: str) -> None:
        if "updated_at" in self._view.columns:
            selection = ClientSelection(tenant, ("code",), EVERY_FILTER)
            dialect = dialect_named(self._engine.dialect.name)
            if found := dialect.find_bad_filter_value(connection, self._view, selection):
                self._note_failure(found)


def _timed(act: Callable[[], Any]) -> tuple[Any, float]:
    started = time.monotonic()
    return act(), time.monotonic() - started


def _note_on_policies(table: str) -> str:
    return (
        f"Row-level security of {table} applies to this user: clients that its policies hide are in no file. "
        "Compare the number of clients with your own count."
    )


def _note_on_collation(collation: ChangedCollation) -> str:
    return (
        f"The collation {collation.name} has changed from version {collation.recorded} to {collation.present}, and "
        "an index in the old order can hide clients from a file: REINDEX the tables behind the view, then run "
        f"{collation.refresh}."
    )
