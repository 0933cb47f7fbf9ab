"""The proxy of storage injects the faults it is given, and the emulator survives `kill -9` without loss."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.data.tables import TableClient, TableServiceClient
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient

from tests.chaos.schedule import Effect, StorageFault
from tests.chaos.storage import Storage

INSERT = "insert things"
WITHOUT_EFFECT = (Effect.REFUSED, Effect.CUT_BEFORE)


@pytest.fixture
def table(storage: Storage) -> Iterator[TableClient]:
    """A table client that is connected through the proxy and does not retry."""
    with TableServiceClient.from_connection_string(storage.connection_string, retry_total=0) as tables:
        yield tables.get_table_client("things")
    storage.proxy.arm([])


@pytest.fixture
def blob(storage: Storage) -> Iterator[BlobClient]:
    with BlobServiceClient.from_connection_string(storage.connection_string, retry_total=0) as blobs:
        yield blobs.get_blob_client("things", "a/file of ours.csv")


def row(name: str) -> dict[str, str]:
    return {"PartitionKey": "p", "RowKey": name, "text": "unchanged"}


def is_stored(storage: Storage, name: str) -> bool:
    found = storage.account.tables.get_table_client("things").query_entities(f"RowKey eq '{name}'")
    return bool(list(found))


@pytest.mark.parametrize(
    ("effect", "status"),
    [
        (Effect.REFUSED, 503),
        (Effect.REFUSED, 429),
        (Effect.ANSWER_REPLACED, 500),
        (Effect.CUT_BEFORE, 0),
        (Effect.CUT_AFTER, 0),
    ],
)
def test_a_fault_comes_before_or_after_the_effect_of_a_request(
    storage: Storage, table: TableClient, effect: Effect, status: int
) -> None:
    name = f"{effect}{status}"
    storage.proxy.arm([StorageFault(INSERT, skip=0, times=1, effect=effect, status=status)])

    with pytest.raises(AzureError) as raised:
        table.create_entity(row(name))

    if status:
        assert isinstance(raised.value, HttpResponseError)
        assert raised.value.status_code == status
    assert is_stored(storage, name) == (effect not in WITHOUT_EFFECT)
    table.create_entity(row(f"{name} the next"))


def test_a_late_request_takes_effect_when_its_caller_has_given_up(storage: Storage, table: TableClient) -> None:
    storage.proxy.arm([StorageFault(INSERT, skip=0, times=1, effect=Effect.LATE, seconds=0.3)])

    with pytest.raises(AzureError):
        table.create_entity(row("late"))

    assert not is_stored(storage, "late")
    while storage.proxy.busy:
        pass
    assert is_stored(storage, "late")


def test_requests_before_and_after_a_fault_succeed(storage: Storage, table: TableClient) -> None:
    storage.proxy.arm([StorageFault(INSERT, skip=1, times=1, effect=Effect.REFUSED, status=500)])

    table.create_entity(row("first"))
    with pytest.raises(HttpResponseError):
        table.create_entity(row("second"))
    table.create_entity(row("third"))


def test_a_conditional_write_can_get_a_412(storage: Storage, table: TableClient) -> None:
    table.create_entity(row("conditional"))
    storage.proxy.arm([StorageFault("update things", skip=0, times=1, effect=Effect.REFUSED, status=412)])
    table.update_entity(row("conditional"))  # has no condition
    found = table.get_entity("p", "conditional")

    with pytest.raises(HttpResponseError) as raised:
        table.update_entity(found, etag=found.metadata["etag"], match_condition=MatchConditions.IfNotModified)
    assert raised.value.status_code == 412


def test_blobs_pass_the_proxy_unchanged(storage: Storage, blob: BlobClient) -> None:
    blob.stage_block("1", b"one", validate_content=True)
    blob.stage_block("2", b"two", validate_content=True)
    blob.commit_block_list([BlobBlock("1"), BlobBlock("2")])

    assert blob.get_blob_properties().size == 6
    assert blob.download_blob().readall() == b"onetwo"
    assert storage.proxy.record.done["put block"] == 2


def test_acknowledged_writes_survive_a_kill(storage: Storage, table: TableClient, blob: BlobClient) -> None:
    table.create_entity(row("kept"))
    blob.upload_blob(b"kept", overwrite=True)

    storage.kill_and_restart(0)

    assert table.get_entity("p", "kept")["text"] == "unchanged"
    assert blob.download_blob().readall() == b"kept"
