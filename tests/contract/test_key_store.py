"""The contract of `KeyStore`, tested on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from shared.api_keys import ApiKey, KeyChanges, KeyNotFoundError, KeyStore, KeysUnavailableError
from shared.key_ring import KeyRing
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON
from tests.support.clock import Clock
from tests.support.keys import MemoryKeyStore, a_key

LATER = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)


keys = memory_or_azurite(MemoryKeyStore, TableKeyStore)


def _added(keys: KeyStore, **changes: Any) -> ApiKey:
    key, _ = a_key(**changes)
    assert keys.add(key)
    return key


def _revoked(key: ApiKey) -> ApiKey:
    return key.model_copy(update={"revoked": LATER})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires": LATER, "revoked": LATER, "last_used": LATER},
        {"replaced_by": "aaaaaaaaaaaa", "planned_expires": LATER, "request": "x:y"},
        {"name": 'Zoë\'s ‘client’, 100 % \\ "quoted"', "tenants": ("a", "b.c-d_e"), "scopes": ()},
        {"tenants": tuple(f"tenant-{number:055d}" for number in range(200))},
    ],
    ids=["plain", "all moments", "rotated", "odd name", "many tenants"],
)
def test_every_property_is_read_back_unchanged(keys: KeyStore, changes: dict[str, Any]) -> None:
    key = _added(keys, **changes)
    assert keys.get(key.id) == key
    assert keys.list() == [key]


def test_an_unknown_id_is_not_found(keys: KeyStore) -> None:
    _added(keys)
    assert keys.get("aaaaaaaaaaaa") is None


def test_an_id_that_is_taken_is_not_added_again(keys: KeyStore) -> None:
    key = _added(keys)
    assert not keys.add(key.model_copy(update={"name": "other"}))
    assert keys.get(key.id) == key


def test_keys_are_listed_oldest_first(keys: KeyStore) -> None:
    hours = (3, 1, 2)
    for hour in hours:
        _added(keys, created=NOON + timedelta(hours=hour))
    assert [key.created - NOON for key in keys.list()] == [timedelta(hours=hour) for hour in sorted(hours)]


def test_a_store_is_empty_until_a_key_is_added(keys: KeyStore) -> None:
    assert keys.is_empty()
    _added(keys)
    assert not keys.is_empty()


def test_a_change_is_kept_and_returned(keys: KeyStore) -> None:
    key = _added(keys)
    assert keys.change(key.id, _revoked) == _revoked(key)
    assert keys.get(key.id) == _revoked(key)


def test_a_missing_key_cannot_be_changed(keys: KeyStore) -> None:
    with pytest.raises(KeyNotFoundError):
        keys.change("aaaaaaaaaaaa", _revoked)


def test_concurrent_changes_lose_nothing(keys: KeyStore) -> None:
    key = _added(keys, scopes=())

    def add_scope(number: int) -> None:
        keys.change(key.id, lambda key: key.model_copy(update={"scopes": (*key.scopes, str(number))}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_scope, range(8)))
    assert sorted(keys.list()[0].scopes) == [str(number) for number in range(8)]


def test_a_decision_sees_all_keys_and_makes_all_its_changes(keys: KeyStore) -> None:
    old, other, new = _added(keys), _added(keys, created=NOON + timedelta(hours=1)), a_key(created=LATER)[0]

    def decide(known: list[ApiKey]) -> KeyChanges:
        assert known == [old, other]
        return KeyChanges((_revoked(old),), (new,), frozenset({other.id}))

    assert keys.decide(decide) == KeyChanges((_revoked(old),), (new,), frozenset({other.id}))
    assert keys.list() == [_revoked(old), other, new]


def test_a_decision_that_raises_or_changes_nothing_writes_nothing(keys: KeyStore) -> None:
    key = _added(keys)

    def refuse(_: list[ApiKey]) -> KeyChanges:
        raise KeyNotFoundError("no")

    with pytest.raises(KeyNotFoundError):
        keys.decide(refuse)
    assert keys.decide(lambda _: KeyChanges(relied_on=frozenset({key.id}))).changed == ()
    assert keys.list() == [key]


@pytest.mark.parametrize("touched", [0, 1])
def test_a_decision_is_taken_again_if_a_key_that_it_concerns_was_changed(keys: KeyStore, touched: int) -> None:
    pair = _added(keys), _added(keys, created=NOON + timedelta(hours=1))
    seen: list[list[ApiKey]] = []

    def decide(known: list[ApiKey]) -> KeyChanges:
        seen.append(known)
        if len(seen) == 1:
            keys.change(pair[touched].id, lambda key: key.model_copy(update={"name": "new"}))
        return KeyChanges((_revoked(known[0]),), (), frozenset({known[1].id}))

    keys.decide(decide)
    assert [known[touched].name for known in seen] == ["Test key", "new"]
    first, second = keys.list()
    assert (first.revoked, second.revoked) == (LATER, None)


def test_a_decision_is_taken_again_if_the_id_of_its_new_key_is_taken(keys: KeyStore) -> None:
    old, new = _added(keys), a_key(created=LATER)[0]
    seen: list[int] = []

    def decide(known: list[ApiKey]) -> KeyChanges:
        seen.append(len(known))
        if len(seen) == 1:
            keys.add(new)
        return KeyChanges((_revoked(old),), (new,) if len(known) == 1 else ())

    keys.decide(decide)
    assert seen == [1, 2]
    assert keys.list() == [_revoked(old), new]


def test_decisions_that_rely_on_each_other_are_never_both_taken(keys: KeyStore) -> None:
    """Each revokes one key if the other one is valid. Without the conditions both would be revoked in most rounds."""
    for _ in range(20):
        pair = _added(keys), _added(keys)
        begin = Barrier(2, timeout=60)

        def revoke_first_of(mine: ApiKey, other: ApiKey, begin: Barrier = begin) -> None:
            tries = 0

            def decide(known: list[ApiKey]) -> KeyChanges:
                nonlocal tries
                tries += 1
                if tries == 1:
                    begin.wait()  # both have read before either writes
                by_id = {key.id: key for key in known}
                if by_id[other.id].revoked:
                    return KeyChanges()
                return KeyChanges((_revoked(by_id[mine.id]),), (), frozenset({other.id}))

            keys.decide(decide)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(revoke_first_of, pair, reversed(pair)))
        assert sum(key.revoked is None for key in keys.list() if key.id in {each.id for each in pair}) == 1


def test_recording_a_use_changes_nothing_else(keys: KeyStore) -> None:
    key = _added(keys)
    keys.record_use(key.id, LATER)
    assert keys.get(key.id) == key.model_copy(update={"last_used": LATER})


def test_recording_a_use_during_a_revocation_does_not_undo_it(keys: KeyStore) -> None:
    key = _added(keys)

    def revoke_late(before: ApiKey) -> ApiKey:
        if before.last_used is None:
            keys.record_use(key.id, LATER)
        return _revoked(before)

    keys.change(key.id, revoke_late)
    assert keys.get(key.id) == key.model_copy(update={"revoked": LATER, "last_used": LATER})


def test_recording_a_use_of_a_missing_key_does_not_add_it(keys: KeyStore) -> None:
    keys.record_use("aaaaaaaaaaaa", LATER)
    assert keys.list() == []


def test_a_key_ring_learns_of_a_revocation_within_a_minute(keys: KeyStore) -> None:
    key, text = a_key()
    keys.add(key)
    clock = Clock()
    ring = KeyRing(keys, clock, run_in_background=lambda task: task(), clock=clock.monotonic)
    assert ring.find(text) == key
    keys.change(key.id, _revoked)
    clock.advance(minutes=1)
    assert ring.find(text) is None


def test_every_process_learns_of_a_revocation_by_itself(keys: KeyStore) -> None:
    """Processes do not notify one another: each reads a key again after a while, however often callers send it."""
    key, text = a_key()
    keys.add(key)
    clocks = [Clock() for _ in range(3)]
    rings = [KeyRing(keys, clock, run_in_background=lambda task: task(), clock=clock.monotonic) for clock in clocks]
    clocks[1].advance(seconds=29)
    for ring in rings:
        assert ring.find(text) is not None

    keys.change(key.id, _revoked)
    for clock in clocks:
        for _ in range(4):
            clock.advance(seconds=10)
            rings[clocks.index(clock)].find(text)

    assert [ring.find(text) for ring in rings] == [None] * 3


@dataclass(frozen=True)
class Use:
    """One way to use a store."""

    name: str
    use: Callable[[KeyStore], object]


@pytest.mark.parametrize(
    "use",
    [
        Use("add", lambda keys: keys.add(a_key()[0])),
        Use("get", lambda keys: keys.get("aaaaaaaaaaaa")),
        Use("list", lambda keys: keys.list()),
        Use("is_empty", lambda keys: keys.is_empty()),
        Use("change", lambda keys: keys.change("aaaaaaaaaaaa", _revoked)),
        Use("decide", lambda keys: keys.decide(lambda _: KeyChanges())),
        Use("note_use", lambda keys: keys.record_use("aaaaaaaaaaaa", NOON)),
    ],
    ids=lambda use: use.name,
)
def test_an_unreachable_table_raises_its_own_error(unreachable: StorageAccount, use: Use) -> None:
    with pytest.raises(KeysUnavailableError, match=r"^Table Storage did not answer\.$"):
        use.use(TableKeyStore(unreachable))
