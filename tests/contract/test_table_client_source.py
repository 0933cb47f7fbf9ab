"""Promises of the source on Table Storage beyond the common contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exports.adapters.client_sources import open_clients
from exports.adapters.clients_tables.source import TableClientSource, read_address
from exports.commands.sample.tables import write_all
from exports.errors import SourceMismatchError, SourceRefusedError
from exports.file.ranges import KeyRange
from exports.ports.clients import ClientSelection
from exports.request.filters import ClientFilter
from shared.storage import StorageAccount
from tests.contract.client_stores import TENANT, TableStore, client

SELECTION = ClientSelection(TENANT, ("code", "name"))


def codes(source: Any, selection: ClientSelection = SELECTION, key_range: KeyRange | None = None) -> list[str]:
    return [row[0] for rows in source.read(selection, key_range or KeyRange()) for row in rows]


@contextmanager
def counted_queries(store: TableStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the filters of the requests that the source sends inside this context."""
    sent: list[str] = []
    operations = store.source._table._client.table
    query_entities = operations.query_entities

    def note(*args: Any, **options: Any) -> Any:
        sent.append(options["filter"])
        return query_entities(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(operations, "query_entities", note)
        yield sent


def put_many(store: TableStore, prefixes: list[str], each: int) -> list[str]:
    """Store clients without columns, `each` for every code prefix, and return their codes in order."""
    found = [f"{prefix}{number:04d}" for prefix in sorted(prefixes) for number in range(each)]
    first = store.prefix
    keys = ({"PartitionKey": f"{TENANT}|{code[:first]}", "RowKey": code} for code in found)
    write_all(store.table, "create", keys)
    return found


@pytest.mark.parametrize(
    "prefixes",
    [
        ["AAA", "ABA", "BAA", "C"],
        pytest.param([f"A{letter}B" for letter in "ABCDEFGHIJKLMNOPQ"], marks=pytest.mark.thorough),
    ],
)
def test_a_parallel_scan_finds_pages_of_the_requested_size(table_store: TableStore, prefixes: list[str]) -> None:
    expected = put_many(table_store, prefixes, 350)

    for rows_per_page in (999, 1_000, 77):
        found = table_store.source.find_boundaries(SELECTION, rows_per_page)

        assert found.total_rows == len(expected)
        assert list(found.starts) == expected[rows_per_page::rows_per_page]


def test_planning_sends_one_request_per_thousand_clients_and_per_page(
    table_store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = put_many(table_store, ["AAA", "AAB", "BAA"], 1_000)

    with counted_queries(table_store, monkeypatch) as sent:
        found = table_store.source.find_boundaries(SELECTION, 1_500)

    assert found.starts == (expected[1_500],)
    finding_segments = 2 + 3 + 3 + 4
    assert len(sent) <= finding_segments + 3 + 1


@pytest.mark.thorough
def test_short_pages_at_most_double_the_requests_of_planning(
    table_store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = put_many(table_store, ["AAA", "AAB", "BAA"], 1_000)

    with counted_queries(table_store, monkeypatch) as sent:
        found = table_store.source.find_boundaries(SELECTION, 10)

    assert list(found.starts) == expected[10::10]
    finding_segments = 2 + 3 + 3 + 4
    assert len(sent) <= finding_segments + 3 + 2 * 3


def test_a_page_reads_only_its_own_partitions(table_store: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = put_many(table_store, ["AAA", "AAB", "AAC", "AAD"], 20)

    with counted_queries(table_store, monkeypatch) as sent:
        read = codes(table_store.source, key_range=KeyRange("AAB0010", "AAD0005"))

    assert read == expected[30:65]
    assert [condition.partition(" and ")[0] for condition in sent] == [
        f"PartitionKey eq '{TENANT}|AAB'",
        f"PartitionKey gt '{TENANT}|AAB'",
        f"PartitionKey eq '{TENANT}|AAD'",
    ]
    assert not any(" or " in condition for condition in sent)


def test_the_service_compares_the_values_that_it_can(table_store: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
    table_store.put(client("C1", status="Active", manager_code="O'Neill"), client("C2", status="Inactive"))
    wanted = ClientFilter(manager_codes=("O'Neill", "M2"), updated_since=datetime(2020, 1, 1, tzinfo=UTC))

    with counted_queries(table_store, monkeypatch) as sent:
        assert codes(table_store.source, ClientSelection(TENANT, ("code",), wanted)) == ["C1"]

    assert sent[0].endswith(
        "updated_at ge datetime'2020-01-01T00:00:00.000Z' and (manager_code eq 'O''Neill' or manager_code eq 'M2')"
    )


def test_lists_too_long_for_the_service_are_compared_in_this_process(table_store: TableStore) -> None:
    table_store.put(*(client(f"C{number}", manager_code=f"M{number}", status="Active") for number in range(30)))
    wanted = ClientFilter(manager_codes=tuple(f"M{number}" for number in range(5, 25)))

    found = table_store.source.find_boundaries(ClientSelection(TENANT, ("code",), wanted), 7)

    assert found.total_rows == 20
    assert len(codes(table_store.source, ClientSelection(TENANT, ("code",), wanted))) == 20


@pytest.mark.parametrize(
    ("since", "expected"), [(datetime(1500, 1, 1, tzinfo=UTC), ["C1", "C2"]), (datetime(9000, 1, 1, tzinfo=UTC), [])]
)
def test_moments_outside_the_range_of_the_service_can_be_filtered_by(
    table_store: TableStore, since: datetime, expected: list[str]
) -> None:
    table_store.put(client("C1"), client("C2"), client("C3", updated_at=None))
    wanted = ClientFilter(updated_since=since + timedelta(microseconds=1))

    assert codes(table_store.source, ClientSelection(TENANT, ("code",), wanted)) == expected
    before = ClientFilter(updated_until=since + timedelta(microseconds=1))
    others = [code for code in ("C1", "C2") if code not in expected]
    assert codes(table_store.source, ClientSelection(TENANT, ("code",), before)) == others


@pytest.mark.parametrize("keys", [("northwind|C1", "C 1"), ("northwind|C", "C12345"), ("northwind|C1~", "C1~E9")])
def test_a_client_whose_keys_are_not_as_documented_is_a_mismatch(
    table_store: TableStore, keys: tuple[str, str]
) -> None:
    table_store.put(client("C0"))
    table_store.table.create_entity({"PartitionKey": keys[0], "RowKey": keys[1]})

    for request in (lambda: table_store.source.find_boundaries(SELECTION, 10), lambda: codes(table_store.source)):
        with pytest.raises(SourceMismatchError, match=r"docs/client-view\.md"):
            request()


def test_a_wrong_prefix_length_is_a_mismatch(table_store: TableStore) -> None:
    table_store.put(client("CLIENT1"))

    with pytest.raises(SourceMismatchError, match="prefix"):
        table_store.open(table_store.prefix + 1).find_boundaries(SELECTION, 10)


def test_values_arrive_as_a_cell_shows_them(table_store: TableStore) -> None:
    keys = {"PartitionKey": f"{TENANT}|C1", "RowKey": "C1"}
    table_store.table.create_entity(
        {**keys, "pcl_sent": True, "vat_reg_date": datetime(2026, 1, 31, 23, tzinfo=UTC), "utr": 12, "name": "é\n"}
    )
    columns = ("tenant", "code", "pcl_sent", "vat_reg_date", "utr", "name", "email")

    (row,) = next(table_store.source.read(ClientSelection(TENANT, columns), KeyRange()))

    assert row[:3] == (TENANT, "C1", True)
    assert str(row[3]).startswith("2026-01-31T23:00:00")
    assert row[4:] == (12, "é\n", None)


def test_a_missing_table_is_a_mismatch_and_is_not_created(account: StorageAccount) -> None:
    source = TableClientSource("azure-tables:///nowhere", account._setting)

    for request in (
        lambda: source.missing_columns(()),
        lambda: source.find_boundaries(SELECTION, 1),
        lambda: codes(source),
    ):
        with pytest.raises(SourceMismatchError, match="no such table"):
            request()
    assert "nowhere" not in {table.name for table in account.tables.list_tables()}


def test_a_wrong_account_key_is_refused(account: StorageAccount) -> None:
    wrong = account._setting.replace("AccountKey=E", "AccountKey=A")

    with closing(TableClientSource("azure-tables:///clients", wrong)) as source, pytest.raises(SourceRefusedError):
        codes(source)


@pytest.mark.parametrize(
    "url", ["azure-tables:", "azure-tables:///", "azure-tables:///clients?prefix=x", "azure-tables:///a/b"]
)
def test_a_malformed_address_is_refused_when_it_is_used(account: StorageAccount, url: str) -> None:
    with pytest.raises(SourceRefusedError, match=r"docs/client-view\.md"):
        codes(open_clients(url, account._setting))


@pytest.mark.parametrize(
    ("url", "setting", "prefix"),
    [
        ("azure-tables:///clients", "ours", 5),
        ("azure-tables:///clients?prefix=0", "ours", 0),
        ("azure-tables://other/clients?prefix=12", "other", 12),
        (
            "azure-tables://:a%2Fb%3D%3D@other/clients",
            "AccountName=other;AccountKey=a/b==;EndpointSuffix=core.windows.net",
            5,
        ),
    ],
)
def test_an_address_names_the_account_the_table_and_the_prefix(url: str, setting: str, prefix: int) -> None:
    account, table, length = read_address(url, "ours")

    assert (account._setting, table, length) == (setting, "clients", prefix)
    assert account.uses_identity == ("=" not in setting)
