"""What every `MappingStore` promises."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from exports.adapters.table_mappings import TableMappingStore
from exports.errors import MappingNotFoundError, StorageUnavailableError
from exports.fields import TargetField
from exports.mappings import MappingContent, MatchField, SavedMapping
from exports.ports import MappingStore
from exports.requests import ColumnMapping
from shared.storage import StorageAccount
from tests.support.builders import NOON, a_mapping
from tests.support.fakes import MemoryMappingStore


@pytest.fixture(params=["memory", "azurite"])
def mappings(request: pytest.FixtureRequest) -> MappingStore:
    if request.param == "memory":
        return MemoryMappingStore()
    return TableMappingStore(request.getfixturevalue("account"), table=f"mappings{uuid4().hex}")


def _stored(mappings: MappingStore, mapping: SavedMapping) -> SavedMapping | None:
    return mappings.get(mapping.tenant, mapping.code)


def _named(mapping: SavedMapping, name: str) -> SavedMapping:
    return replace(mapping, content=mapping.content.model_copy(update={"name": name}))


def _later(mapping: SavedMapping) -> SavedMapping:
    return replace(mapping, updated_date=mapping.updated_date + timedelta(milliseconds=1))


def _pass(_: SavedMapping) -> None:
    pass


def test_a_created_mapping_is_found(mappings: MappingStore) -> None:
    mapping = a_mapping()
    assert mappings.create(mapping)
    assert _stored(mappings, mapping) == mapping


def test_creating_a_mapping_twice_changes_nothing(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    assert not mappings.create(_named(mapping, "Other"))
    assert _stored(mappings, mapping) == mapping


def test_a_mapping_is_not_found_under_another_tenant(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    other = a_mapping().tenant
    assert mappings.get(other, mapping.code) is None
    assert (mappings.all(other), mappings.count(other)) == ([], 0)
    for use in (
        lambda: mappings.change(other, mapping.code, _later),
        lambda: mappings.delete(other, mapping.code, _pass),
    ):
        with pytest.raises(MappingNotFoundError):
            use()
    assert _stored(mappings, mapping) == mapping


def test_all_mappings_of_a_tenant_are_listed_and_counted(mappings: MappingStore) -> None:
    mine = [a_mapping(tenant="mine", code=f"{number:020x}") for number in range(3)]
    for mapping in (*mine, a_mapping()):
        mappings.create(mapping)
    assert sorted(mappings.all("mine"), key=lambda mapping: mapping.code) == mine
    assert mappings.count("mine") == 3


def test_a_change_is_stored_and_returned(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    changed = mappings.change(mapping.tenant, mapping.code, lambda mapping: _named(mapping, "New"))
    assert changed == _named(mapping, "New")
    assert _stored(mappings, mapping) == changed


def test_what_a_change_raises_passes_through_and_nothing_is_written(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)

    def refuse(_: SavedMapping) -> SavedMapping:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        mappings.change(mapping.tenant, mapping.code, refuse)
    with pytest.raises(ValueError, match="no"):
        mappings.delete(mapping.tenant, mapping.code, lambda mapping: [refuse(mapping)].clear())
    assert _stored(mappings, mapping) == mapping


def test_a_change_that_was_overtaken_is_made_again_on_what_is_there_now(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    seen: list[datetime] = []

    def overtaken_once(found: SavedMapping) -> SavedMapping:
        if not seen:
            mappings.change(mapping.tenant, mapping.code, _later)
        seen.append(found.updated_date)
        return _later(found)

    mappings.change(mapping.tenant, mapping.code, overtaken_once)
    assert seen == [mapping.updated_date, _later(mapping).updated_date]


def test_a_deletion_that_was_overtaken_checks_what_is_there_now(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    seen: list[SavedMapping] = []

    def overtaken_once(found: SavedMapping) -> None:
        if not seen:
            mappings.change(mapping.tenant, mapping.code, _later)
        seen.append(found)

    mappings.delete(mapping.tenant, mapping.code, overtaken_once)
    assert seen == [mapping, _later(mapping)]
    assert _stored(mappings, mapping) is None


def test_a_change_of_what_is_deleted_meanwhile_is_an_error(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)

    def deleted_meanwhile(found: SavedMapping) -> SavedMapping:
        mappings.delete(mapping.tenant, mapping.code, _pass)
        return _later(found)

    with pytest.raises(MappingNotFoundError):
        mappings.change(mapping.tenant, mapping.code, deleted_meanwhile)
    assert _stored(mappings, mapping) is None


def test_concurrent_changes_lose_nothing(mappings: MappingStore) -> None:
    mapping = a_mapping()
    mappings.create(mapping)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: mappings.change(mapping.tenant, mapping.code, _later), range(12)))
    stored = _stored(mappings, mapping)
    assert stored is not None
    assert stored.updated_date - mapping.updated_date == timedelta(milliseconds=12)


def test_the_largest_mapping_comes_back_as_it_was(mappings: MappingStore) -> None:
    letters = Random(1)
    columns = tuple(
        ColumnMapping(
            csv_header="".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(200)), target_field=field
        )
        for field in TargetField
    )
    content = MappingContent(name="Ä – “🙂” ' \" ;", columns=columns, match_field=MatchField.NI_NUMBER)
    mapping = a_mapping(content=content, created_date=NOON, updated_date=NOON + timedelta(milliseconds=123))
    mappings.create(mapping)
    stored = _stored(mappings, mapping)
    assert stored == mapping
    assert type(stored.updated_date) is datetime


@pytest.mark.parametrize(
    "use",
    [
        lambda store, mapping: store.create(mapping),
        lambda store, mapping: store.get(mapping.tenant, mapping.code),
        lambda store, mapping: store.all(mapping.tenant),
        lambda store, mapping: store.count(mapping.tenant),
        lambda store, mapping: store.change(mapping.tenant, mapping.code, _later),
        lambda store, mapping: store.delete(mapping.tenant, mapping.code, _pass),
    ],
    ids=["create", "get", "all", "count", "change", "delete"],
)
def test_a_store_that_does_not_answer_can_be_tried_again(
    unreachable: StorageAccount, use: Callable[[MappingStore, SavedMapping], object]
) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        use(TableMappingStore(unreachable), a_mapping())
