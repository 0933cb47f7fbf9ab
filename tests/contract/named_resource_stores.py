"""The contract that all stores of named resources share. A suite for each kind of resource extends it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, Generic

import pytest
from azure.data.tables import TableClient

from exports.errors import RefusedError, StorageUnavailableError
from exports.ports.named_resources import NamedResourceStore
from tests.support.fake_named_resources import Resource

TICK = timedelta(milliseconds=1)


def allow_all(_: object) -> None:
    """Check a resource before its deletion, and allow the deletion."""


def assert_damage_hides_no_other(
    store: NamedResourceStore[Resource], items: Sequence[Resource], table: TableClient
) -> Any:
    """Create items of one tenant, damage the second, and check that the others are listed. Return the damaged row."""
    for item in items:
        store.create(item)
    first, damaged, *others = items
    row = next(row for row in table.list_entities() if row["RowKey"].endswith(damaged.code) and "content" in row)
    table.update_entity({**row, "content": b"garbage"})

    assert {item.code for item in store.all(first.tenant)} == {item.code for item in (first, *others)}
    assert store.count(first.tenant) == len(items)
    return row


class NamedResourceStoreSuite(Generic[Resource]):
    """Tests that use two fixtures: `store` is empty, and `unreachable_store` does not respond.

    Attributes:
        missing: The error for a resource that does not exist.
    """

    missing: type[RefusedError]

    @abstractmethod
    def item(self, **changes: Any) -> Resource:
        """Build a resource, of a tenant of its own unless `changes` says otherwise."""

    def later(self, item: Resource) -> Resource:
        """Change a resource; the tests count such changes."""
        return replace(item, updated_date=item.updated_date + TICK)  # type: ignore[type-var, attr-defined]

    def stored(self, store: NamedResourceStore[Resource], item: Resource) -> Resource | None:
        return store.get(item.tenant, item.code)

    def test_a_created_resource_is_found(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        assert store.create(item)
        assert self.stored(store, item) == item

    def test_creating_a_resource_twice_changes_nothing(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        store.create(item)
        assert not store.create(self.later(item))
        assert self.stored(store, item) == item

    def test_a_resource_is_not_found_under_another_tenant(self, store: NamedResourceStore[Resource]) -> None:
        item, other = self.item(), self.item().tenant
        store.create(item)
        assert store.get(other, item.code) is None
        assert (store.all(other), store.count(other)) == ([], 0)
        for use in (
            lambda: store.change(other, item.code, self.later),
            lambda: store.delete(other, item.code, allow_all),
        ):
            with pytest.raises(self.missing):
                use()
        assert self.stored(store, item) == item

    def test_all_resources_of_a_tenant_are_listed_and_counted(self, store: NamedResourceStore[Resource]) -> None:
        mine = [self.item(tenant="mine", code=f"{number:020x}") for number in range(3)]
        for item in (*mine, self.item(), self.item(tenant="mine-too"), self.item(tenant="Mine"), self.item(tenant="m")):
            store.create(item)
        assert sorted(store.all("mine"), key=lambda item: item.code) == mine
        assert store.count("mine") == 3

    def test_a_change_is_stored_and_returned(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        store.create(item)
        assert store.change(item.tenant, item.code, self.later) == self.later(item)
        assert self.stored(store, item) == self.later(item)

    def test_an_error_in_a_change_passes_through_and_nothing_is_written(
        self, store: NamedResourceStore[Resource]
    ) -> None:
        item = self.item()
        store.create(item)

        def refuse(_: Resource) -> Resource:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            store.change(item.tenant, item.code, refuse)
        with pytest.raises(ValueError, match="no"):
            store.delete(item.tenant, item.code, lambda item: [refuse(item)].clear())
        assert self.stored(store, item) == item

    def test_a_change_is_repeated_if_the_resource_has_changed_since_it_was_read(
        self, store: NamedResourceStore[Resource]
    ) -> None:
        item = self.item()
        store.create(item)
        read: list[Resource] = []

        def changed_once_meanwhile(found: Resource) -> Resource:
            if not read:
                store.change(item.tenant, item.code, self.later)
            read.append(found)
            return self.later(found)

        store.change(item.tenant, item.code, changed_once_meanwhile)
        assert read == [item, self.later(item)]
        assert self.stored(store, item) == self.later(self.later(item))

    def test_a_deletion_is_checked_again_if_the_resource_has_changed(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        store.create(item)
        read: list[Resource] = []

        def changed_once_meanwhile(found: Resource) -> None:
            if not read:
                store.change(item.tenant, item.code, self.later)
            read.append(found)

        store.delete(item.tenant, item.code, changed_once_meanwhile)
        assert read == [item, self.later(item)]
        assert self.stored(store, item) is None

    def test_a_deletion_of_a_resource_that_was_just_deleted_is_done(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        store.create(item)
        store.delete(item.tenant, item.code, lambda found: store.delete(found.tenant, found.code, allow_all))
        assert self.stored(store, item) is None

    def test_a_change_of_a_resource_that_was_just_deleted_is_an_error(
        self, store: NamedResourceStore[Resource]
    ) -> None:
        item = self.item()
        store.create(item)

        def deleted_meanwhile(found: Resource) -> Resource:
            store.delete(item.tenant, item.code, allow_all)
            return self.later(found)

        with pytest.raises(self.missing):
            store.change(item.tenant, item.code, deleted_meanwhile)
        assert self.stored(store, item) is None

    def test_concurrent_changes_lose_nothing(self, store: NamedResourceStore[Resource]) -> None:
        item = self.item()
        store.create(item)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: store.change(item.tenant, item.code, self.later), range(12)))
        found = self.stored(store, item)
        assert found is not None
        assert found.updated_date - item.updated_date == 12 * TICK  # type: ignore[attr-defined]

    @pytest.mark.parametrize("use", ["create", "get", "all", "count", "change", "delete"])
    def test_an_unreachable_store_raises_a_retryable_error(
        self, unreachable_store: NamedResourceStore[Resource], use: str
    ) -> None:
        item = self.item()
        arguments: dict[str, tuple[Any, ...]] = {
            "create": (item,),
            "get": (item.tenant, item.code),
            "all": (item.tenant,),
            "count": (item.tenant,),
            "change": (item.tenant, item.code, self.later),
            "delete": (item.tenant, item.code, allow_all),
        }
        with pytest.raises(StorageUnavailableError, match="did not answer"):
            getattr(unreachable_store, use)(*arguments[use])
