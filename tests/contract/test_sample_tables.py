"""Sample clients in Table Storage give the same files as those in a database, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from exports.__main__ import main
from exports.adapters.clients_sql.source import SqlClientSource
from exports.adapters.clients_tables.source import TableClientSource
from exports.commands.sample.database import create_sample_database
from exports.commands.sample.schema import SampleRefusedError
from exports.file.csv.renderer import CsvRenderer
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection, ClientSource
from exports.request.columns import ALL_COLUMNS
from exports.request.fields import VIEW_COLUMNS
from exports.request.filters import ClientFilter
from shared.storage import StorageAccount

TENANTS = ("northwind", "harbour")


@pytest.fixture
def source(account: StorageAccount) -> Iterator[TableClientSource]:
    """Provide a source whose table does not exist yet."""
    name = f"sample{uuid4().hex}"
    with closing(TableClientSource(f"azure-tables:///{name}", account._setting)) as source:
        yield source
    account.tables.delete_table(name)


def fill(source: TableClientSource, clients: int, seed: int = 1) -> None:
    create_sample_database(source._url, clients, TENANTS, seed, storage=source._storage)


def file_of(source: ClientSource, wanted: ClientFilter) -> bytes:
    rows = CsvRenderer(ALL_COLUMNS)
    selection = ClientSelection("northwind", rows.source_columns, wanted)
    return b"".join(rows.render(some) for some in source.read(selection, KeyRange()))


FILTERS = {
    "all": ClientFilter(),
    "search": ClientFilter(search="ZOË"),
    "services": ClientFilter(service_codes=("VAT", "CT")),
    "status and updatedSince": ClientFilter.model_validate(
        {"statuses": ["Active"], "updatedSince": "2025-06-01T00:00:00Z"}
    ),
}


@pytest.mark.thorough
def test_a_table_gives_the_same_bytes_as_a_database(source: TableClientSource, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/clients.sqlite"
    create_sample_database(url, 1_500, TENANTS, 1)
    fill(source, 1_500)

    with closing(SqlClientSource(url)) as database:
        for name, wanted in FILTERS.items():
            expected = file_of(database, wanted)
            assert expected, name
            assert file_of(source, wanted) == expected, name


def test_a_second_run_replaces_the_clients_of_the_first(source: TableClientSource) -> None:
    fill(source, 400)
    fill(source, 80, seed=2)

    assert source.missing_columns(VIEW_COLUMNS) == ()
    assert source.find_boundaries(ClientSelection("northwind", ()), 50).starts == ("C00000051",)
    assert source.find_boundaries(ClientSelection("harbour", ()), 50).total_rows == 20


def test_a_table_made_by_others_is_refused_and_left_alone(source: TableClientSource, account: StorageAccount) -> None:
    table = account.tables.create_table(source._address[1])
    table.create_entity({"PartitionKey": "northwind|C1", "RowKey": "C1"})

    with pytest.raises(SampleRefusedError, match="did not make"):
        fill(source, 40)

    assert source.find_boundaries(ClientSelection("northwind", ()), 50).total_rows == 1


def test_the_command_fills_a_table_in_the_storage_account_of_the_service(
    source: TableClientSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_STORAGE", source._storage)

    assert main(["sample-clients", "--database", source._url, "--clients", "40"]) == 0

    assert source.find_boundaries(ClientSelection("northwind", ()), 50).total_rows == 30
