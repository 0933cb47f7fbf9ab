"""A connection to Azure SQL that is lost in the middle of a read costs a try, and never a client.

The real driver reads from a server that cuts the connection. Where it does so decides how the driver fails: by its own
error, by a bare RuntimeError, or by returning the rows that have arrived as if they were all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

import pytest

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceUnavailableError
from exports.file.ranges import KeyRange
from exports.jobs.states import JobStatus
from exports.ports.clients import ClientSelection
from tests.support.fakes import a_services
from tests.support.steps import stored
from tests.support.tds_process import TdsDatabase, TdsProcess
from tests.support.tds_server import Cut, Rules, Table
from tests.support.tsql_views import rules_for, view_of
from tests.support.whole_jobs import a_watched_job, export_whole

_CLIENTS = [(f"C{number:05d}", "A name of some length") for number in range(3_000)]
_LONG = [(f"C{number:05d}", "x" * 60_000) for number in range(10)]
_NUMBERS = [(number, number) for number in range(4_000)]
_NAMES = ["code", "name"]
_ONE_NUMBER = Table(["x"], [(number,) for number in range(4_000)])


def _read(source: SqlClientSource) -> int:
    selection = ClientSelection("tenant", ("code", "name"))
    return sum(len(rows) for rows in source.read(selection, KeyRange()))


def _rank(source: SqlClientSource) -> int:
    return len(source.rank_codes(["C1"]))


_READS: dict[str, tuple[str, Table, Callable[[SqlClientSource], int]]] = {
    "short text": ("CAST(clients.name", Table(_NAMES, _CLIENTS), _read),
    "long text": ("CAST(clients.name", Table(_NAMES, _LONG), _read),
    "numbers": ("dense_rank", Table(["place", "rank"], _NUMBERS), _rank),
    "types": ("dm_exec_describe_first_result_set", view_of(), _read),
}


@contextmanager
def _source(tds: TdsProcess, rules: Rules) -> Iterator[tuple[SqlClientSource, TdsDatabase]]:
    with tds.database([*rules, *rules_for(view_of(), "C1")]) as server, closing(SqlClientSource(server.url)) as source:
        yield source, server


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("what", _READS)
def test_a_cut_in_the_middle_of_a_read_never_shortens_it_on_azure_sql(
    tds: TdsProcess, what: str, is_reset: bool
) -> None:
    words, table, use = _READS[what]
    for after_bytes in (0, 3_000, 5_000, 13_500, 30_000, 44_000, 60_000):
        rules = [(words, Cut(table, min(after_bytes, 8 * len(table.rows) * len(table.names)), is_reset))]
        with _source(tds, rules) as (source, server):
            with pytest.raises(SourceUnavailableError, match="did not answer"):
                use(source)
            use(source)
            assert len(server.seen().logins) == 2  # the lost connection is not used again


@pytest.mark.parametrize(("table", "after_bytes"), [(_ONE_NUMBER, 13_500), (Table(_NAMES, _LONG), 13_500)])
def test_no_cursor_returns_the_rows_before_a_cut_as_the_whole_result(
    tds: TdsProcess, table: Table, after_bytes: int
) -> None:
    """The driver itself returns 1,225 of 4,000 numbers without an error, and raises a RuntimeError for long text."""
    from mssql_python import OperationalError

    from exports.adapters.clients_sql.dialects.mssql_cursor import CheckedConnection

    with tds.database([("SELECT", Cut(table, after_bytes))]) as server:
        address = f"Server=127.0.0.1,{server.port};UID=reader;PWD=secret;Encrypt=no;ConnectRetryCount=0"
        connection = CheckedConnection(address)
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT x FROM y")
            with pytest.raises(OperationalError, match="Communication link failure"):
                cursor.fetchall()
        with suppress(OperationalError):
            connection.close()


def test_a_cut_in_the_middle_of_a_page_costs_one_try_on_azure_sql(tds: TdsProcess) -> None:
    last, count = _CLIENTS[-1][0], len(_CLIENTS)
    rules: Rules = [
        ("SELECT TOP", Table(_NAMES, _CLIENTS[:40])),
        ("CAST(clients.name", Cut(Table(_NAMES, _CLIENTS), 100_000)),
        ("AS numbered", Table(["code", "position", "following"], [(_CLIENTS[0][0], 1, 1), (last, count, None)])),
    ]
    with _source(tds, rules) as (source, server):
        services = replace(a_services(), clients=source)  # type: ignore[arg-type]
        job = a_watched_job(services)
        export_whole(services, job, small_at_once=False)
        pages = [
            found
            for found in server.seen().statements
            if " TOP " not in found.text and "CAST(clients.name" in found.text
        ]
    assert stored(services, job).status is JobStatus.COMPLETED
    assert len(pages) == 2
    content = services.files.read(job.file_path) or b""
    assert content.count(b"A name of some length") == count
