"""A request for a key whose answer was lost can be repeated: one new key is valid, that of the last answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exports.errors import ApiKeyNotActiveError, KeyReusedError, TooManyApiKeysError
from exports.request.keys import CreateKeyDto, RotateKeyDto
from exports.request.scopes import Scope
from exports.steps.access.administer_keys import MAX_KEYS, create_key, rotate_key
from shared.api_keys import KeysUnavailableError
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices
from tests.support.keys import MemoryKeyStore, a_key
from tests.unit.exports.steps.access.test_administer_keys import ADMIN_OF_A, A, keys_of, revoke


def make_or_rotate(services: MemoryServices, how: str, repeatable: str | None, **changes: Any) -> Any:
    """Make a key, or rotate the only one that there is at first."""
    if how == "make":
        return create_key(services, A, ADMIN_OF_A, CreateKeyDto(name="Import", valid_days=30, **changes), repeatable)
    old = min(services.keys.store.list(), key=lambda key: key.created)
    return rotate_key(services, A, ADMIN_OF_A, old.id, RotateKeyDto(**changes), repeatable)


TO_ROTATE = {"created": NOON - timedelta(days=1), "expires": NOON + timedelta(days=29), "scopes": ("exports:read",)}


@pytest.mark.parametrize("how", ["make", "rotate"])
def test_however_often_a_request_is_repeated_the_last_answer_has_the_only_new_key(how: str) -> None:
    services = keys_of(a_key(A, **TO_ROTATE)[0])
    answers = []
    for _ in range(3):
        services.now.advance(minutes=5)
        answers.append(make_or_rotate(services, how, "one"))
    assert [services.keys.find(made.key) is not None for made in answers] == [False, False, True]
    valid = [key.id for key in services.keys.store.list() if key.state(services.now()).value == "active"]
    assert len(valid) == 2
    assert [made.expiry_date - made.created_date for made in answers] == [timedelta(days=30)] * 3
    if how == "rotate":
        assert {made.replaced.expiry_date for made in answers} == {NOON + timedelta(minutes=5, hours=168)}
    logged = [(entry.action.value, entry.code) for entry in services.audit.all]
    assert [code for action, code in logged if action == "KeyRevoked"] == [made.code for made in answers[:2]]


@pytest.mark.parametrize("how", ["make", "rotate"])
def test_a_request_is_not_repeated_once_its_key_is_used_or_revoked(how: str) -> None:
    services = keys_of(a_key(A, **TO_ROTATE)[0])
    made = make_or_rotate(services, how, "one")
    services.now.advance(minutes=5)
    other: dict[str, Any] = {"scopes": (Scope.AUDIT_READ,)} if how == "make" else {"overlap_hours": 5}
    with pytest.raises(KeyReusedError, match="for another request"):
        make_or_rotate(services, how, "one", **other)
    services.keys.find(made.key)
    with pytest.raises(KeyReusedError, match="is in use"):
        make_or_rotate(services, how, "one")
    revoke(services, made.code)
    with pytest.raises(ApiKeyNotActiveError, match="revoked; use a new"):
        make_or_rotate(services, how, "one")
    assert len(services.keys.store.list()) == 2


@pytest.mark.parametrize("how", ["make", "rotate"])
def test_a_request_is_repeated_although_its_lost_key_was_the_last_allowed(how: str) -> None:
    services = keys_of(a_key(A, **TO_ROTATE)[0], *(a_key(A)[0] for _ in range(MAX_KEYS - 2)))
    make_or_rotate(services, how, "one")
    services.now.advance(minutes=5)
    with pytest.raises(TooManyApiKeysError):
        create_key(services, A, ADMIN_OF_A, CreateKeyDto(name="Import"), "two")
    received = make_or_rotate(services, how, "one")
    assert services.keys.find(received.key) is not None


@pytest.mark.parametrize("how", ["make", "rotate"])
def test_a_request_is_not_repeated_once_its_lost_key_was_rotated_in_turn(how: str) -> None:
    services = keys_of(a_key(A, **TO_ROTATE)[0])
    lost = make_or_rotate(services, how, "one")
    services.now.advance(minutes=5)
    received = rotate_key(services, A, ADMIN_OF_A, lost.code, RotateKeyDto())
    services.now.advance(minutes=5)
    with pytest.raises(KeyReusedError, match="was rotated; use a new"):
        make_or_rotate(services, how, "one")
    assert len(services.keys.store.list()) == 3
    assert services.keys.find(received.key) is not None


@pytest.mark.parametrize("how", ["make", "rotate"])
def test_a_request_that_was_overtaken_by_its_own_repeat_changes_nothing(how: str) -> None:
    services = keys_of(a_key(A, **TO_ROTATE)[0])
    store = services.keys.store
    assert isinstance(store, MemoryKeyStore)
    repeat: list[Any] = []

    def overtake() -> None:
        store.before_write = lambda: None
        services.now.advance(seconds=1)
        repeat.append(make_or_rotate(services, how, "one"))

    store.before_write = overtake
    with pytest.raises(KeysUnavailableError):
        make_or_rotate(services, how, "one")
    assert services.keys.find(repeat[0].key) is not None
    assert len(store.list()) == 2


def test_idempotency_keys_of_other_callers_are_others() -> None:
    services = keys_of()
    ann, bob = ADMIN_OF_A, replace(ADMIN_OF_A, actor="token:bob")
    made = [create_key(services, A, who, CreateKeyDto(name="Import"), "one") for who in (ann, bob)]
    assert all(services.keys.find(each.key) for each in made)
