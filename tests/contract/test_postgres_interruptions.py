"""A session that the server ends costs a retry, wherever it is ended, and never the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from select import select
from typing import Any

import pytest
from sqlalchemy import URL, create_engine

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceUnavailableError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from exports.request.formats import CsvFormat, FormatDto, FormatPreset

COLUMNS = [ColumnMapping(csv_header="Name", target_field=TargetField.NAME)]
BY_COPY = CsvRenderer(COLUMNS, CsvFormat())
BY_ROWS = CsvRenderer(COLUMNS, FormatDto(preset=FormatPreset.EXCEL).resolve())
SELECTION = ClientSelection("t", BY_COPY.source_columns)
ROWS = 20_000

Reads = Iterator[Any]
READS: dict[str, Callable[[SqlClientSource], Reads]] = {
    "copy": lambda source: source.render(SELECTION, KeyRange(), BY_COPY),
    "rows": lambda source: source.render(SELECTION, KeyRange(), BY_ROWS),
    "samples": lambda source: source.sample(SELECTION, [KeyRange(), KeyRange("C001")], 5),
}


@pytest.fixture
def source(postgres_schema: URL) -> Iterator[SqlClientSource]:
    engine = create_engine(postgres_schema)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE VIEW clients AS SELECT 't'::text AS tenant, 'C' || lpad(n::text, 6, '0') AS code, "
            f"repeat('x', 500) AS name FROM generate_series(1, {ROWS}) AS n"
        )
    engine.dispose()
    with closing(SqlClientSource(postgres_schema.update_query_dict({"application_name": "reader"}))) as source:
        yield source


def end_sessions(url: URL) -> int:
    """End the sessions of the source, as a restart or a failover does; return how many there were."""
    engine = create_engine(url)
    ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'reader'"
    with engine.connect() as connection:
        count: int = connection.exec_driver_sql(ended).scalar_one()
    engine.dispose()
    return count


@pytest.mark.parametrize("reading", READS)
def test_a_session_that_ends_in_the_middle_of_a_page_costs_one_try(
    source: SqlClientSource, postgres_schema: URL, reading: str
) -> None:
    read = READS[reading]
    whole = list(read(source))
    pieces = read(source)
    next(pieces)

    assert end_sessions(postgres_schema) == 1

    with pytest.raises(SourceUnavailableError):
        list(pieces)
    assert list(read(source)) == whole


def test_a_session_that_ends_between_two_reads_costs_nothing(source: SqlClientSource, postgres_schema: URL) -> None:
    planned = source.find_boundaries(SELECTION, 1_000)

    assert end_sessions(postgres_schema) == 1
    assert source.find_boundaries(SELECTION, 1_000) == planned


def test_an_idle_transaction_that_the_server_ends_costs_one_try(source: SqlClientSource) -> None:
    with pytest.raises(SourceUnavailableError):
        idle_too_long(source)


def idle_too_long(source: SqlClientSource) -> None:
    """Wait in a transaction until the server ends the session, and then use it."""
    with source._connection() as connection:
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 50")
        connection.exec_driver_sql("SELECT 1")
        driver: Any = connection.connection.driver_connection
        select([driver.fileno()], [], [], 10)
        connection.exec_driver_sql("SELECT 1")
