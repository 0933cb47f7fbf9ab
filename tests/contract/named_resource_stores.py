"""What every store of things that tenants save promises; the suite of each kind says what it is about."""

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
from tests.support.fake_named_resources import S

TICK = timedelta(milliseconds=1)


def nothing(_: object) -> None:
    """A check that lets everything pass."""


def assert_what_is_damaged_hides_no_other(store: NamedResourceStore[S], items: Sequence[S], table: TableClient) -> Any:
    """Damage the second of some new items of one tenant; its row."""
    for item in items:
        store.create(item)
    first, damaged, *others = items
    row = next(row for row in table.list_entities() if row["RowKey"].endswith(damaged.code) and "content" in row)
    table.update_entity({**row, "content": b"garbage"})

    assert {item.code for item in store.all(first.tenant)} == {item.code for item in (first, *others)}
    assert store.count(first.tenant) == len(items)
    return row


class NamedResourceStoreSuite(Generic[S]):
    """Tests on a fixture `store`, which is empty; `unreachable_store` does not answer.

    Attributes:
        missing: What is raised for what is not there.
    """

    missing: type[RefusedError]

    @abstractmethod
    def item(self, **changes: Any) -> S:
        """Build one; of a tenant of its own, unless told otherwise."""

    def later(self, item: S) -> S:
        """A change that can be counted."""
        return replace(item, updated_date=item.updated_date + TICK)  # type: ignore[type-var, attr-defined]

    def stored(self, store: NamedResourceStore[S], item: S) -> S | None:
        return store.get(item.tenant, item.code)

    def test_what_was_created_is_found(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        assert store.create(item)
        assert self.stored(store, item) == item

    def test_creating_it_twice_changes_nothing(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)
        assert not store.create(self.later(item))
        assert self.stored(store, item) == item

    def test_it_is_not_found_under_another_tenant(self, store: NamedResourceStore[S]) -> None:
        item, other = self.item(), self.item().tenant
        store.create(item)
        assert store.get(other, item.code) is None
        assert (store.all(other), store.count(other)) == ([], 0)
        for use in (
            lambda: store.change(other, item.code, self.later),
            lambda: store.delete(other, item.code, nothing),
        ):
            with pytest.raises(self.missing):
                use()
        assert self.stored(store, item) == item

    def test_all_of_a_tenant_are_listed_and_counted(self, store: NamedResourceStore[S]) -> None:
        mine = [self.item(tenant="mine", code=f"{number:020x}") for number in range(3)]
        for item in (*mine, self.item(), self.item(tenant="mine-too"), self.item(tenant="Mine"), self.item(tenant="m")):
            store.create(item)
        assert sorted(store.all("mine"), key=lambda item: item.code) == mine
        assert store.count("mine") == 3

    def test_a_change_is_stored_and_returned(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)
        assert store.change(item.tenant, item.code, self.later) == self.later(item)
        assert self.stored(store, item) == self.later(item)

    def test_what_a_change_raises_passes_through_and_nothing_is_written(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)

        def refuse(_: S) -> S:
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            store.change(item.tenant, item.code, refuse)
        with pytest.raises(ValueError, match="no"):
            store.delete(item.tenant, item.code, lambda item: [refuse(item)].clear())
        assert self.stored(store, item) == item

    def test_a_change_that_was_overtaken_is_made_again_on_what_is_there_now(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)
        seen: list[S] = []

        def overtaken_once(found: S) -> S:
            if not seen:
                store.change(item.tenant, item.code, self.later)
            seen.append(found)
            return self.later(found)

        store.change(item.tenant, item.code, overtaken_once)
        assert seen == [item, self.later(item)]
        assert self.stored(store, item) == self.later(self.later(item))

    def test_a_deletion_that_was_overtaken_checks_what_is_there_now(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)
        seen: list[S] = []

        def overtaken_once(found: S) -> None:
            if not seen:
                store.change(item.tenant, item.code, self.later)
            seen.append(found)

        store.delete(item.tenant, item.code, overtaken_once)
        assert seen == [item, self.later(item)]
        assert self.stored(store, item) is None

    def test_a_change_of_what_is_deleted_meanwhile_is_an_error(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)

        def deleted_meanwhile(found: S) -> S:
            store.delete(item.tenant, item.code, nothing)
            return self.later(found)

        with pytest.raises(self.missing):
            store.change(item.tenant, item.code, deleted_meanwhile)
        assert self.stored(store, item) is None

    def test_concurrent_changes_lose_nothing(self, store: NamedResourceStore[S]) -> None:
        item = self.item()
        store.create(item)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: store.change(item.tenant, item.code, self.later), range(12)))
        found = self.stored(store, item)
        assert found is not None
        assert found.updated_date - item.updated_date == 12 * TICK  # type: ignore[attr-defined]

    @pytest.mark.parametrize("use", ["create", "get", "all", "count", "change", "delete"])
    def test_a_store_that_does_not_answer_can_be_tried_again(
        self, unreachable_store: NamedResourceStore[S], use: str
    ) -> None:
        item = self.item()
        arguments: dict[str, tuple[Any, ...]] = {
            "create": (item,),
            "get": (item.tenant, item.code),
            "all": (item.tenant,),
            "count": (item.tenant,),
            "change": (item.tenant, item.code, self.later),
            "delete": (item.tenant, item.code, nothing),
        }
        with pytest.raises(StorageUnavailableError, match="did not answer"):
            getattr(unreachable_store, use)(*arguments[use])
