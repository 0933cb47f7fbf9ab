"""A snapshot of Azure SQL is one transaction, whose moment is never later than its state, or an error that says why.

The real driver sends the statements to a server that runs none. So these tests show what is sent, in which order, and
what follows from each answer. They do not show that a SQL Server keeps the state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from exports.adapters.clients_sql.dialects import mssql_snapshot
from exports.adapters.clients_sql.dialects.mssql_errors import translate
from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import ExportError, SourceRefusedError, SourceUnavailableError
from exports.file.manifest import ManifestDto
from exports.file.ranges import KeyRange
from exports.jobs.snapshot import SnapshotDto
from exports.ports.clients import ClientSelection, ClientSnapshot
from exports.request.consistency import Consistency
from exports.steps.snapshots.export_snapshot import export_snapshot
from exports.workflow.commands import ExportSnapshot
from exports.workflow.outcomes import Done
from tests.support.fakes import a_services
from tests.support.steps import stored, two_columns
from tests.support.tds_process import TdsDatabase, TdsProcess
from tests.support.tds_server import CurrentTransaction, Cut, Once, Reply, Rules, ServerError, Silence, Table
from tests.support.tsql_views import rules_for, view_of
from tests.support.whole_jobs import a_watched_job

_PAGE = "CAST(clients.name"
_CLIENTS = Table(["code", "name"], [("C1", "A name"), ("C2", "Another name")])
_SELECTION = ClientSelection("tenant", ("code", "name"))
_LOCKED = ServerError(1222, "Lock request time out period exceeded.")
_FAILED, _DATABASE = "Snapshot isolation transaction failed", "database 'c' because"


class _DriverError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.ddbc_error = f"[Microsoft][SQL Server]{text}"


@contextmanager
def _source(tds: TdsProcess, *rules: tuple[str, Reply]) -> Iterator[tuple[SqlClientSource, TdsDatabase]]:
    every: Rules = [*rules, (_PAGE, _CLIENTS), *rules_for(view_of(), "C1")]
    with tds.database(every) as server, closing(SqlClientSource(server.url)) as source:
        yield source, server


@contextmanager
def _snapshot(tds: TdsProcess, *rules: tuple[str, Reply]) -> Iterator[tuple[ClientSnapshot, TdsDatabase]]:
    with _source(tds, *rules) as (source, server), source.open_snapshot() as snapshot:
        yield snapshot, server


def _read(snapshot: ClientSnapshot) -> list[str]:
    return [code for rows in snapshot.clients.read(_SELECTION, KeyRange()) for code, _ in rows]


def _refusal(source: SqlClientSource, expected: type[ExportError]) -> str:
    with pytest.raises(expected) as refused, source.open_snapshot():
        pass
    return str(refused.value)


def _steps_after_login(server: TdsDatabase) -> list[str]:
    steps = server.seen().steps
    return steps[next(at for at, step in enumerate(steps) if "snapshot_isolation_state" in step) :]


def test_the_clock_is_read_before_data_in_one_transaction_of_snapshot_level(tds: TdsProcess) -> None:
    with _snapshot(tds) as (snapshot, server):
        assert _read(snapshot) == ["C1", "C2"]
        steps = _steps_after_login(server)
    taken, page = steps[: next(at for at, step in enumerate(steps) if "CURRENT_" in step) + 1], steps[-2:]
    words = [
        *("snapshot_isolation_state", "ROLLBACK"),
        *("BEGIN", "SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "COMMIT"),
        *("BEGIN", "SYSUTCDATETIME()", "EXISTS (SELECT 1 FROM clients)", "CURRENT_TRANSACTION_ID()"),
    ]
    assert [word for word, step in zip(words, taken, strict=True) if word not in step] == []
    assert _PAGE in page[0]
    assert page[1] == taken[-1]
    assert not any(step.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SET")) for step in steps[len(taken) :])
    assert taken.count("BEGIN") == 2  # names no level, so that of the session counts


def test_a_whole_job_reads_plan_pages_and_proof_in_one_transaction_of_azure_sql(tds: TdsProcess) -> None:
    rules: list[tuple[str, Reply]] = [
        ("AS numbered", Table(["code", "position", "following"], [("C1", 1, 1), ("C2", 2, None)]))
    ]
    with _source(tds, *rules) as (source, server):
        services = replace(a_services(), clients=source)  # type: ignore[arg-type]
        job = a_watched_job(services, spec=two_columns(consistency=Consistency.SNAPSHOT))
        assert export_snapshot(services, ExportSnapshot(job=job.ref, target_bytes=10_000)) == Done(ended=True)
        steps = _steps_after_login(server)
    begun = len(steps) - steps[::-1].index("BEGIN")
    read = [at for at, step in enumerate(steps) if "clients" in step]
    assert len(read) > 4
    assert min(read) >= begun
    manifest = ManifestDto.model_validate_json(services.files.load_manifest(stored(services, job).ref))
    assert manifest.snapshot == SnapshotDto(moment=datetime(2026, 11, 30, 5, 28, 21, 123000, tzinfo=UTC))


def test_the_moment_of_a_snapshot_of_azure_sql_is_cut_off_and_never_rounded_up(tds: TdsProcess) -> None:
    with _snapshot(tds, ("SYSUTCDATETIME", Table(["x"], [("2026-11-30T05:28:21.1234569",)]))) as (snapshot, _):
        assert snapshot.moment == datetime(2026, 11, 30, 5, 28, 21, 123456, tzinfo=UTC)
        assert snapshot.token is None
        assert snapshot.readers == 1


@pytest.mark.parametrize("state", [0, 2, None])
def test_a_database_without_snapshot_isolation_is_refused_before_any_client_is_read(
    tds: TdsProcess, state: int | None
) -> None:
    rows = [] if state is None else [(state,)]
    with _source(tds, ("snapshot_isolation_state", Table(["x"], rows))) as (source, server):
        sentence = _refusal(source, SourceRefusedError)
        with pytest.raises(SourceRefusedError) as refused:
            source.snapshot_reading()
        assert str(refused.value) == sentence
        steps = server.seen().steps
    assert "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON" in sentence
    assert not any("FROM clients" in step or "LEVEL SNAPSHOT" in step for step in steps)


def test_a_database_that_is_about_to_allow_snapshots_is_asked_again_later(tds: TdsProcess) -> None:
    with _source(tds, ("snapshot_isolation_state", Table(["x"], [(3,)]))) as (source, _):
        assert "waits until the transactions that began before it have ended" in _refusal(
            source, SourceUnavailableError
        )


def test_a_source_says_that_one_thread_reads_a_snapshot_of_azure_sql(tds: TdsProcess) -> None:
    with _source(tds) as (source, _):
        assert source.snapshot_refusal() is None
        assert source.snapshot_reading().readers == 1


def test_a_transaction_of_another_isolation_level_is_no_snapshot(tds: TdsProcess) -> None:
    with _source(tds, ("CURRENT_TRANSACTION_ID", CurrentTransaction(level=2))) as (source, _):
        assert "another isolation level" in _refusal(source, SourceRefusedError)


_FAULTS = [
    (3952, f"{_FAILED} accessing database 'other' because snapshot isolation is not allowed in", "does not allow"),
    (3954, f"{_FAILED} to start in {_DATABASE} the ALTER DATABASE command that disallows", "does not allow"),
    (3951, f"Transaction failed in {_DATABASE} the statement was run under snapshot", "another isolation level"),
    (3963, f"Transaction failed in {_DATABASE} distributed transactions are not supported", "another server"),
    (3996, "Snapshot isolation level is not supported for distributed transaction.", "another server"),
    (7420, 'Remote access is not supported for transaction isolation level "SNAPSHOT".', "another server"),
    (41332, "Memory optimized tables and natively compiled modules cannot be accessed or", "memory-optimized table"),
]
_PASSING_FAULTS = [
    (3956, f"{_FAILED} to start in {_DATABASE} the ALTER DATABASE command which enables", "yet"),
    (3957, f"{_FAILED} in {_DATABASE} the database did not allow snapshot isolation when", "yet"),
    (3953, f"{_FAILED} in {_DATABASE} the database was not recovered when", "did not answer"),
    (3961, f"{_FAILED} in {_DATABASE} the object accessed by the statement has been modified by", "was altered"),
    (3958, "Transaction aborted when accessing versioned row in table 'dbo.t'", "no longer has the older versions"),
    (3966, "Transaction is rolled back when accessing version store.", "no longer has the older versions"),
    (3950, "Version store scan timed out when attempting to read the next row.", "no longer has the older versions"),
    (3947, "The transaction was aborted because the secondary compute failed to", "no longer has the older versions"),
    (3948, "The transaction was terminated because of the availability replica", "no longer has the older versions"),
]
_EXPECTED = [
    *((*fault, SourceRefusedError) for fault in _FAULTS),
    *((*fault, SourceUnavailableError) for fault in _PASSING_FAULTS),
]


@pytest.mark.parametrize(("number", "text", "words", "expected"), _EXPECTED, ids=[str(fault[0]) for fault in _EXPECTED])
def test_each_fault_of_a_snapshot_of_azure_sql_says_what_to_do(
    tds: TdsProcess, number: int, text: str, words: str, expected: type[ExportError]
) -> None:
    fault = ServerError(number, text, ends_transaction=True)
    with _source(tds, ("WHEN EXISTS", fault)) as (source, _):
        assert words in _refusal(source, expected)


@pytest.mark.parametrize(("number", "text", "words"), [*_FAULTS, *_PASSING_FAULTS], ids=[each[0] for each in _EXPECTED])
def test_a_driver_that_passes_on_numbers_gets_the_same_errors(number: int, text: str, words: str) -> None:
    numbered, texted = translate(Exception(number, "")), translate(_DriverError(text))
    assert numbered is texted
    assert numbered is not None
    assert words in numbered.message


def test_a_transaction_that_the_server_has_rolled_back_is_never_read_again(tds: TdsProcess) -> None:
    """The driver begins another transaction before the next statement, and says nothing."""
    fault = Once(
        ServerError(
            3961,
            f"{_FAILED} in {_DATABASE} the object accessed by the statement has been modified",
            ends_transaction=True,
        )
    )
    with _snapshot(tds, (_PAGE, fault)) as (snapshot, server):
        with pytest.raises(SourceUnavailableError, match="was altered"):
            _read(snapshot)
        for _ in range(2):
            with pytest.raises(SourceUnavailableError, match="ended the snapshot"):
                _read(snapshot)
        assert sum(_PAGE in step for step in server.seen().steps) == 1


def test_a_use_that_hides_the_end_of_its_transaction_fails_all_the_same(tds: TdsProcess) -> None:
    fault = Once(ServerError(245, "Conversion failed when converting the value 'x'.", ends_transaction=True))
    with _snapshot(tds, ("SELECT hidden", fault)) as (snapshot, server):

        def hide(connection: Connection) -> None:
            with suppress(DBAPIError):
                connection.exec_driver_sql("SELECT hidden")
            connection.exec_driver_sql("SELECT of_another_state").close()

        assert isinstance(snapshot.clients, SqlClientSource)
        with (
            pytest.raises(SourceUnavailableError, match="ended the snapshot"),
            snapshot.clients._connection() as connection,
        ):
            hide(connection)
        steps = server.seen().steps
        assert steps[steps.index("SELECT hidden") + 1 :][:2] == ["BEGIN", "SELECT of_another_state"]


def test_a_statement_that_fails_alone_leaves_a_snapshot_of_azure_sql(tds: TdsProcess) -> None:
    with _snapshot(tds, (_PAGE, Once(_LOCKED))) as (snapshot, _):
        with pytest.raises(SourceUnavailableError, match="is busy"):
            _read(snapshot)
        assert _read(snapshot) == ["C1", "C2"]


def test_a_reading_that_ends_early_leaves_a_snapshot_of_azure_sql(tds: TdsProcess) -> None:
    many = Table(["code", "name"], [(f"C{number:05d}", "x" * 200) for number in range(6_000)])
    with _snapshot(tds, (_PAGE, many)) as (snapshot, _):
        reading = snapshot.clients.read(_SELECTION, KeyRange())
        assert next(reading)
        reading.close()  # type: ignore[attr-defined]
        assert len(_read(snapshot)) == 6_000


def test_a_lost_connection_ends_a_snapshot_of_azure_sql(tds: TdsProcess) -> None:
    with _snapshot(tds, (_PAGE, Cut(_CLIENTS, 10))) as (snapshot, server):
        with pytest.raises(SourceUnavailableError, match="did not answer"):
            _read(snapshot)
        with pytest.raises(SourceUnavailableError, match="ended the snapshot"):
            _read(snapshot)
        assert len(server.seen().logins) == 1


def test_a_silent_server_is_asked_only_shortly_whether_it_holds_the_snapshot(
    tds: TdsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mssql_snapshot, "_ANSWER_SECONDS", 1)
    rules: list[tuple[str, Reply]] = [
        ("CURRENT_TRANSACTION_ID", Once(CurrentTransaction(5))),
        ("CURRENT_TRANSACTION_ID", Silence()),
    ]
    with _snapshot(tds, *rules) as (snapshot, _):
        started = time.monotonic()
        for words in ("is busy", "ended the snapshot"):
            with pytest.raises(SourceUnavailableError, match=words):
                _read(snapshot)
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("fault", [None, ("WHEN EXISTS", _LOCKED)], ids=["read", "refused"])
def test_the_session_of_a_snapshot_of_azure_sql_serves_no_ordinary_export(
    tds: TdsProcess, fault: tuple[str, Reply] | None
) -> None:
    with _source(tds, *([fault] if fault else [])) as (source, server):
        source.generation()
        with suppress(SourceUnavailableError), source.open_snapshot() as snapshot:
            _read(snapshot)
        assert len(server.seen().logins) == 1
        assert list(source.read(_SELECTION, KeyRange()))
        assert len(server.seen().logins) == 2
