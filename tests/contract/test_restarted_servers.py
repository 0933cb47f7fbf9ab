"""A database server that is killed and started again during a job costs tries, never the job and never a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import pytest
from sqlalchemy import create_engine

from exports.adapters.clients_sql.source import SqlClientSource
from exports.errors import SourceUnavailableError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from tests.support.postgres import PostgresServer, postgres_server

RENDERER = CsvRenderer([ColumnMapping(csv_header="Code", target_field=TargetField.CODE)])
SELECTION = ClientSelection("t", RENDERER.source_columns)
ROWS = 3_000


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        engine = create_engine(running.url())
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE VIEW clients AS SELECT 't'::text AS tenant, 'C' || lpad(n::text, 6, '0') AS code, "
                f"'x'::text AS name FROM generate_series(1, {ROWS}) AS n"
            )
        engine.dispose()
        yield running


def read(source: SqlClientSource, key_range: KeyRange) -> bytes:
    return b"".join(part.data for part in source.render(SELECTION, key_range, RENDERER))


def test_a_server_that_restarts_between_any_two_pages_costs_tries_and_no_client(server: PostgresServer) -> None:
    expected = b"".join(b"C%06d\r\n" % number for number in range(1, ROWS + 1))
    with closing(SqlClientSource(server.url())) as source:
        planned = source.find_boundaries(SELECTION, 1_000)
        pages, failed_tries = [], 0
        for start, stop in pairwise([None, *planned.starts, None]):
            server.kill()
            with pytest.raises(SourceUnavailableError):
                read(source, KeyRange(start, stop))
            failed_tries += 1
            server.restart()
            pages.append(read(source, KeyRange(start, stop)))
        assert source.rank_codes(planned.starts) == [*range(1, len(planned.starts) + 1)]

    assert (b"".join(pages), failed_tries) == (expected, len(planned.starts) + 1)
