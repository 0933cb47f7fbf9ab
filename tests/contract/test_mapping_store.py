"""The contract of `MappingStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from exports.adapters.storage.mappings import TableMappingStore
from exports.errors import MappingNotFoundError
from exports.mappings.mapping import MappingContent, MatchField, SavedMapping
from exports.ports.mappings import MappingStore
from exports.request.columns import ColumnMapping
from exports.request.fields import TargetField
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.contract.named_resource_stores import NamedResourceStoreSuite, assert_damage_hides_no_other
from tests.support.builders import NOON, a_mapping
from tests.support.fake_named_resources import MemoryMappingStore

store = memory_or_azurite(MemoryMappingStore, TableMappingStore)


@pytest.fixture
def unreachable_store(unreachable: StorageAccount) -> MappingStore:
    return TableMappingStore(unreachable)


class TestMappingStore(NamedResourceStoreSuite[SavedMapping]):
    missing = MappingNotFoundError

    def item(self, **changes: Any) -> SavedMapping:
        return a_mapping(**changes)


def test_the_largest_mapping_is_read_back_unchanged(store: MappingStore) -> None:
    letters = Random(1)
    columns = tuple(
        ColumnMapping(
            csv_header="".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(200)), target_field=field
        )
        for field in TargetField
    )
    content = MappingContent(name="Ä – “🙂” ' \" ;", columns=columns, match_field=MatchField.NI_NUMBER)
    mapping = a_mapping(content=content, created_date=NOON, updated_date=NOON + timedelta(milliseconds=123))
    store.create(mapping)
    found = store.get(mapping.tenant, mapping.code)
    assert found == mapping
    assert type(found.updated_date) is datetime


def test_a_damaged_mapping_is_logged_and_left_out_of_the_list(
    account: StorageAccount, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"mappings{uuid4().hex}"
    row = assert_damage_hides_no_other(
        TableMappingStore(account, name),
        [a_mapping(tenant="tenant") for _ in range(3)],
        account.tables.get_table_client(name),
    )
    assert f"kind=mapping partition={row['PartitionKey']} row={row['RowKey']}" in caplog.text
