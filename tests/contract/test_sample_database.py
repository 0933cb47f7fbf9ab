"""Sample clients fulfil the documented contract of the client view, on SQLite and on PostgreSQL."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from exports.adapters.clients_sql.source import SqlClientSource
from exports.commands.sample.database import create_sample_database
from exports.commands.sample.schema import SampleRefusedError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter

TENANTS = ("northwind", "harbour")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/clients.sqlite"
    schema: URL = request.getfixturevalue("postgres_schema")
    return schema.render_as_string(hide_password=False)


def names(url: str, selection: ClientSelection) -> list[str]:
    with closing(SqlClientSource(url)) as source:
        return [row[0] for rows in source.read(selection, KeyRange()) for row in rows]


def test_all_clients_can_be_read_through_the_view(url: str) -> None:
    create_sample_database(url, 400, TENANTS, 1)

    with closing(SqlClientSource(url)) as source:
        assert source.missing_columns(VIEW_COLUMNS) == ()
        found = source.find_boundaries(ClientSelection("northwind", VIEW_COLUMNS), 100)
    assert (found.total_rows, found.starts) == (300, ("C00000101", "C00000201"))
    assert len(names(url, ClientSelection("harbour", VIEW_COLUMNS))) == 100


def test_sample_clients_give_the_same_results_on_every_database(url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/other.sqlite"
    for address in (url, other):
        create_sample_database(address, 2_000, TENANTS, 1)

    for wanted in (
        ClientFilter(),
        ClientFilter(search="ZOË"),
        ClientFilter(service_codes=("VAT", "CT")),
        ClientFilter.model_validate({"statuses": ["Active"], "updatedSince": "2025-06-01T00:00:00Z"}),
    ):
        selection = ClientSelection("northwind", ("name",), wanted)
        found = names(url, selection)
        assert found
        assert found == names(other, selection)


def test_a_second_run_replaces_the_clients_of_the_first(url: str) -> None:
    create_sample_database(url, 40, TENANTS, 1)
    create_sample_database(url, 80, TENANTS, 2)

    assert len(names(url, ClientSelection("harbour", ("name",)))) == 20


@pytest.mark.parametrize("statement", ["CREATE TABLE clients (code TEXT)", "CREATE VIEW clients AS SELECT 1 AS code"])
def test_a_clients_table_or_view_made_by_others_is_refused(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()

    with pytest.raises(SampleRefusedError, match="did not make"):
        create_sample_database(url, 40, TENANTS, 1)


def test_an_interrupted_run_leaves_nothing_behind(url: str) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_sample_database(url, 20_000, TENANTS, 1, interrupt)

    create_sample_database(url, 4, TENANTS, 1)
    assert len(names(url, ClientSelection("northwind", ("name",)))) == 3


def test_postgresql_can_read_the_sample_keys_from_the_index_alone(postgres_schema: URL) -> None:
    """All disk pages of the table are marked as visible to all, so an index-only scan need not read the table.

    `VACUUM` marks only rows whose commit is on disk. The test server confirms a commit before it is on disk
    (`synchronous_commit` is off), so the command must turn `synchronous_commit` on for its own transaction.
    """
    url = postgres_schema.render_as_string(hide_password=False)
    create_sample_database(url, 2_000, TENANTS, 1)

    engine = create_engine(postgres_schema.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        pages = text("SELECT relpages, relallvisible FROM pg_class WHERE oid = 'client_records'::regclass")
        disk_pages, visible_disk_pages = connection.execute(pages).one()
    engine.dispose()
    assert disk_pages == visible_disk_pages > 0
