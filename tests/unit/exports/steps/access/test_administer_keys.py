"""Administrators make, rotate and revoke the keys of their tenants, and gain no rights by it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from exports.errors import (
    ApiKeyNotActiveError,
    ApiKeyNotFoundError,
    ApiKeyRotatedError,
    NotPermittedError,
    StorageUnavailableError,
    TooManyApiKeysError,
    UnconfirmedError,
)
from exports.jobs.audit import AuditAction
from exports.request.identity import ANY_TENANT, Grant, Identity, identity_of_key
from exports.request.keys import CreateKeyDto, KeyState, RotateKeyDto
from exports.request.scopes import ALL_SCOPES, Scope
from exports.steps.access.administer_keys import MAX_KEYS, create_key, list_keys, revoke_key, rotate_key
from exports.steps.access.lockout import MAX_RELIED_ON
from shared.api_keys import ApiKey, parse_key, secret_matches
from shared.key_ring import KeyRing
from tests.support.builders import NOON
from tests.support.fakes import MemoryServices, a_services
from tests.support.keys import MemoryKeyStore, a_key

A, B, C = "alpha", "beta", "gamma"
ADMIN = Scope.KEYS_ADMIN.value
WITHOUT_SENSITIVE = tuple(scope for scope in ALL_SCOPES if scope != Scope.FIELDS_SENSITIVE)


def keys_of(*keys: ApiKey) -> MemoryServices:
    """Build services with these keys alone."""
    services = a_services()
    return replace(
        services,
        keys=KeyRing(MemoryKeyStore(*keys), services.now, run_in_background=lambda task: task(), clock=services.clock),
    )


def a_person(*grants: tuple[Collection[str], Collection[str]]) -> Identity:
    """Build the holder of an access token with these grants of tenants and scopes."""
    return Identity("token:ann", True, tuple(Grant(frozenset(who), frozenset(what)) for who, what in grants))


ADMIN_OF_A = a_person(([A], ALL_SCOPES))
ADMIN_OF_A_AND_B = a_person(([A, B], ALL_SCOPES))
READER_OF_B = a_person(([A], ALL_SCOPES), ([B], ["exports:read"]))


def create(services: MemoryServices, identity: Identity = ADMIN_OF_A, tenant: str = A, **body: Any) -> Any:
    return create_key(services, tenant, identity, CreateKeyDto(**{"name": "Import", **body}))


def rotate(
    services: MemoryServices, code: str, identity: Identity = ADMIN_OF_A, tenant: str = A, hours: int = 24
) -> Any:
    return rotate_key(services, tenant, identity, code, RotateKeyDto(overlap_hours=hours))


def revoke(services: MemoryServices, code: str, identity: Identity = ADMIN_OF_A, tenant: str = A, **more: bool) -> Any:
    return revoke_key(services, tenant, identity, code, **{"is_confirmed": False, **more})


def stored(services: MemoryServices, code: str) -> ApiKey:
    found = services.keys.store.get(code)
    assert found is not None
    return found


def test_a_new_key_opens_its_tenant_alone_with_the_scopes_that_were_asked_for() -> None:
    services = keys_of()
    made = create(services, scopes=(Scope.EXPORTS_READ, Scope.EXPORTS_READ), valid_days=30)
    found = services.keys.find(made.key)
    assert found is not None
    assert (found.id, found.tenants, found.scopes, found.name) == (made.code, (A,), ("exports:read",), "Import")
    assert found.expires == made.expiry_date == NOON + timedelta(days=30)
    assert create(services).scopes == ("exports:read", "exports:write")


def test_the_secret_of_a_new_key_is_stored_as_a_hash_alone() -> None:
    services = keys_of()
    text = parse_key(create(services).key)
    assert text is not None
    assert secret_matches(text.secret, stored(services, text.id))
    assert text.secret not in stored(services, text.id).model_dump_json()
    assert text.secret not in repr(services.audit.all)
    assert text.secret not in list_keys(services, A, ADMIN_OF_A, 100).model_dump_json()
    assert stored(services, text.id).hash not in list_keys(services, A, ADMIN_OF_A, 100).model_dump_json()


@pytest.mark.parametrize("scope", Scope)
def test_nobody_makes_a_key_with_a_scope_that_it_lacks(scope: Scope) -> None:
    services = keys_of()
    admin = a_person(([A], [each for each in ALL_SCOPES if each != scope]), ([B], ALL_SCOPES))
    with pytest.raises(NotPermittedError, match=scope.value):
        create(services, admin, scopes=tuple(Scope))
    assert (services.keys.store.list(), services.audit.all) == ([], [])


def test_rights_for_one_tenant_give_none_for_another() -> None:
    services = keys_of()
    with pytest.raises(NotPermittedError):
        create(services, a_person(([A], [ADMIN]), ([B], ALL_SCOPES)), scopes=(Scope.EXPORTS_READ,))
    assert create(services, a_person(([ANY_TENANT], ALL_SCOPES)), C).tenants == (C,)


def test_nobody_gains_a_scope_by_rotating_a_key_that_has_it() -> None:
    strong, _ = a_key(A)
    services = keys_of(strong)
    with pytest.raises(NotPermittedError, match="fields:sensitive"):
        rotate(services, strong.id, a_person(([A], WITHOUT_SENSITIVE)))
    assert services.keys.store.list() == [strong]


@pytest.mark.parametrize("act", [rotate, revoke])
@pytest.mark.parametrize("identity", [ADMIN_OF_A, READER_OF_B])
def test_nobody_changes_a_key_that_opens_a_tenant_of_others(act: Callable[..., Any], identity: Identity) -> None:
    shared, _ = a_key(A, B)
    services = keys_of(shared)
    with pytest.raises(NotPermittedError, match="people who run the service"):
        act(services, shared.id, identity)
    assert (services.keys.store.list(), services.audit.all) == ([shared], [])
    assert act(services, shared.id, ADMIN_OF_A_AND_B, **({"is_confirmed": True} if act is revoke else {})).code


@pytest.mark.parametrize("act", [rotate, revoke])
@pytest.mark.parametrize("code", ["", "x", "../../keys", "a" * 12, "' or 1 eq 1"])
def test_keys_of_others_and_unknown_keys_are_refused_alike(act: Callable[..., Any], code: str) -> None:
    theirs, _ = a_key(B)
    services = keys_of(theirs)
    refusals = []
    for unknown in (theirs.id, code):
        with pytest.raises(ApiKeyNotFoundError) as raised:
            act(services, unknown, ADMIN_OF_A_AND_B)
        refusals.append(str(raised.value))
    assert len(set(refusals)) == 1


def test_a_list_has_the_keys_of_its_tenant_and_names_no_tenant_of_others() -> None:
    own, shared, theirs = a_key(A)[0], a_key(A, B, name="Shared")[0], a_key(B)[0]
    services = keys_of(own, shared, theirs)
    found = {key.code: key for key in list_keys(services, A, ADMIN_OF_A, 100).data}
    assert found.keys() == {own.id, shared.id}
    assert (found[shared.id].tenants, found[shared.id].other_tenants) == ((A,), True)
    assert not found[own.id].other_tenants
    assert B not in list_keys(services, A, ADMIN_OF_A, 100).model_dump_json()
    (seen,) = [key for key in list_keys(services, A, ADMIN_OF_A_AND_B, 100).data if key.code == shared.id]
    assert (seen.tenants, seen.other_tenants) == ((A, B), False)


def test_a_list_in_parts_has_every_key_once_oldest_first() -> None:
    made = [a_key(A, created=NOON + timedelta(hours=hour % 3))[0] for hour in range(7)]
    services = keys_of(*made)
    seen: list[str] = []
    after = None
    while True:
        part = list_keys(services, A, ADMIN_OF_A, 2, after)
        seen += [key.code for key in part.data]
        if not part.has_more:
            break
        last = part.data[-1]
        after = f"{last.model_dump(mode='json', by_alias=True)['createdDate']} {last.code}"
    assert seen == [key.id for key in sorted(made, key=lambda key: (key.created, key.id))]


def test_a_rotated_key_stays_valid_for_the_overlap_and_the_new_one_has_its_rights() -> None:
    old, text = a_key(A, created=NOON - timedelta(days=10), expires=NOON + timedelta(days=80))
    services = keys_of(old)
    made = rotate(services, old.id, hours=24)
    assert (made.tenants, set(made.scopes), made.name) == ((A,), set(ALL_SCOPES), "Test key")
    assert made.expiry_date == NOON + timedelta(days=90)
    assert made.replaced.expiry_date == NOON + timedelta(hours=24)
    assert services.keys.find(made.key) is not None
    services.now.advance(hours=23, minutes=59)
    assert services.keys.find(text) is not None
    services.now.advance(minutes=1)
    assert services.keys.find(text) is None


def test_a_rotation_never_makes_the_old_key_valid_for_longer() -> None:
    old, _ = a_key(A, expires=NOON + timedelta(hours=1))
    assert rotate(keys_of(old), old.id, hours=24).replaced.expiry_date == NOON + timedelta(hours=1)


@pytest.mark.parametrize("change", [{"expires": NOON}, {"revoked": NOON}])
def test_a_key_that_is_no_longer_valid_is_not_rotated(change: dict[str, Any]) -> None:
    old, _ = a_key(A, **change)
    services = keys_of(old)
    with pytest.raises(ApiKeyNotActiveError):
        rotate(services, old.id)
    assert services.keys.store.list() == [old]


def test_a_key_that_is_revoked_while_it_is_rotated_gets_no_valid_successor() -> None:
    old, _ = a_key(A)
    services = keys_of(old)
    store = services.keys.store
    assert isinstance(store, MemoryKeyStore)

    def revoke_first() -> None:
        store.before_write = lambda: None
        store.change(old.id, lambda key: key.model_copy(update={"revoked": NOON}))

    store.before_write = revoke_first
    with pytest.raises(ApiKeyNotActiveError):
        rotate(services, old.id)
    assert {key.state(NOON).value for key in store.list()} == {"revoked"}


def test_a_rotated_key_is_not_rotated_again_while_its_successor_is_valid() -> None:
    old = a_key(A, expires=NOON + timedelta(days=90))[0]
    services = keys_of(old)
    new = rotate(services, old.id)
    with pytest.raises(ApiKeyRotatedError, match=f"the key {new.code} replaces it"):
        rotate(services, old.id)
    assert len(services.keys.store.list()) == 2
    revoke(services, new.code, is_confirmed=True)
    assert rotate(services, old.id).expiry_date == NOON + timedelta(days=90)


def test_a_rotated_key_is_not_rotated_again_while_a_later_successor_is_valid() -> None:
    old = a_key(A)[0]
    services = keys_of(old)
    middle = rotate(services, old.id)
    last = rotate(services, middle.code)
    revoke(services, middle.code)
    with pytest.raises(ApiKeyRotatedError, match=f"the key {last.code} replaces it"):
        rotate(services, old.id)


@pytest.mark.parametrize("lifetime", [None, timedelta(days=90)])
def test_every_key_of_a_chain_of_rotations_has_the_lifetime_of_the_first(lifetime: timedelta | None) -> None:
    key = a_key(A, expires=lifetime and NOON + lifetime)[0]
    services = keys_of(key)
    code = key.id
    for _ in range(4):
        services.now.advance(hours=30)
        made = rotate(services, code, hours=1)
        assert made.expiry_date == (lifetime and services.now() + lifetime)
        code = made.code


def test_a_revocation_that_would_hold_too_many_other_keys_needs_a_confirmation() -> None:
    tenants = [f"t{number}" for number in range(MAX_RELIED_ON + 1)]
    shared, others = a_key(*tenants)[0], [a_key(tenant)[0] for tenant in tenants]
    services = keys_of(shared, *others)
    everywhere = a_person((tenants, ALL_SCOPES))
    with pytest.raises(UnconfirmedError, match="cannot all be held"):
        revoke(services, shared.id, everywhere, tenants[0])
    assert revoke(keys_of(shared, *others, a_key(*tenants[:9])[0]), shared.id, everywhere, tenants[0]).revoked_date


@pytest.mark.parametrize("act", [lambda services, _, who: create(services, who), rotate, revoke])
def test_a_caller_whose_key_is_revoked_during_its_request_changes_no_key(act: Callable[..., Any]) -> None:
    own, other, third = a_key(A)[0], a_key(A)[0], a_key(A)[0]
    services = keys_of(own, other, third)
    store = services.keys.store
    assert isinstance(store, MemoryKeyStore)

    def revoke_caller() -> None:
        store.before_write = lambda: None
        store.change(own.id, lambda key: key.revoke(NOON))

    store.before_write = revoke_caller
    with pytest.raises(NotPermittedError, match="no longer valid"):
        act(services, other.id, identity_of_key(own))
    assert [key.id for key in store.list() if key.revoked] == [own.id]
    assert len(store.list()) == 3


def test_a_revoked_key_is_refused_and_stays_in_the_list() -> None:
    key, text = a_key(A, scopes=("exports:read",))
    services = keys_of(key)
    assert revoke(services, key.id).state is KeyState.REVOKED
    assert services.keys.find(text) is None
    assert [each.state for each in list_keys(services, A, ADMIN_OF_A, 100).data] == [KeyState.REVOKED]
    services.now.advance(hours=1)
    assert revoke(services, key.id).revoked_date == NOON
    assert [entry.action for entry in services.audit.all] == [AuditAction.KEY_REVOKED]


def test_the_key_that_a_caller_uses_is_revoked_only_if_it_confirms_that() -> None:
    own, other = a_key(A)[0], a_key(A)[0]
    services = keys_of(own, other)
    with pytest.raises(UnconfirmedError, match=f"the key that you use.*confirm={own.id}"):
        revoke(services, own.id, identity_of_key(own))
    assert stored(services, own.id).revoked is None
    assert revoke(services, own.id, identity_of_key(own), is_confirmed=True).state is KeyState.REVOKED


@pytest.mark.parametrize("change", [{"expires": NOON}, {"revoked": NOON}, {"scopes": ("exports:read",)}])
def test_the_last_key_that_may_administer_keys_is_revoked_only_with_a_confirmation(change: dict[str, Any]) -> None:
    last, other = a_key(A, B)[0], a_key(A, **change)[0]
    services = keys_of(last, other, a_key(B)[0])
    with pytest.raises(UnconfirmedError, match=rf"No other key may administer the keys of {A}\."):
        revoke(services, last.id, ADMIN_OF_A_AND_B)
    assert revoke(services, last.id, ADMIN_OF_A_AND_B, is_confirmed=True).state is KeyState.REVOKED


def test_the_successor_of_the_last_administrator_is_revoked_only_with_a_confirmation() -> None:
    old = a_key(A)[0]
    services = keys_of(old)
    new = rotate(services, old.id, hours=1)
    with pytest.raises(UnconfirmedError, match=rf"No other key may administer the keys of {A}\."):
        revoke(services, new.code)
    assert revoke(services, old.id).state is KeyState.REVOKED


def test_a_key_that_another_can_replace_is_revoked_without_a_confirmation() -> None:
    key = a_key(A)[0]
    assert revoke(keys_of(key, a_key(A, C)[0]), key.id).state is KeyState.REVOKED


def test_a_key_that_has_expired_is_revoked_without_a_confirmation() -> None:
    expired = a_key(A, expires=NOON)[0]
    assert revoke(keys_of(expired), expired.id).state is KeyState.REVOKED


@pytest.mark.parametrize("change", [{"revoked": NOON}, {"expires": NOON}])
@pytest.mark.parametrize("act", [lambda services, _, identity: create(services, identity), rotate, revoke])
def test_a_caller_whose_cached_key_was_revoked_changes_no_key(act: Callable[..., Any], change: dict[str, Any]) -> None:
    own, other = a_key(A)[0], a_key(A)[0]
    services = keys_of(own.model_copy(update=change), other)
    before = services.keys.store.list()
    with pytest.raises(NotPermittedError, match="no longer valid"):
        act(services, other.id, identity_of_key(own))
    assert (services.keys.store.list(), services.audit.all) == (before, [])


def test_a_caller_who_has_revoked_its_own_key_may_repeat_the_request() -> None:
    own = a_key(A)[0]
    services = keys_of(own)
    for _ in range(2):
        assert revoke(services, own.id, identity_of_key(own), is_confirmed=True).state is KeyState.REVOKED


def test_every_change_is_in_the_audit_log_of_every_tenant_of_the_key() -> None:
    old, _ = a_key(A, B)
    services = keys_of(old)
    code = create(services).code
    new = rotate(services, old.id, ADMIN_OF_A_AND_B).code
    revoke(services, old.id, ADMIN_OF_A_AND_B)
    logged = [(e.tenant, e.action.value, e.code, e.new_code) for e in services.audit.all]
    assert logged == [
        (A, "KeyCreated", code, None),
        (A, "KeyRotated", old.id, new),
        (B, "KeyRotated", old.id, new),
        (A, "KeyRevoked", old.id, None),
        (B, "KeyRevoked", old.id, None),
    ]
    assert {e.actor for e in services.audit.all} == {"token:ann"}
    assert services.audit.all[0].scopes == ("exports:read", "exports:write")


@pytest.mark.parametrize("act", [lambda services, _: create(services), rotate, revoke])
def test_nothing_is_changed_if_the_audit_entry_cannot_be_written(act: Callable[..., Any]) -> None:
    key, spare = a_key(A)[0], a_key(A)[0]
    services = keys_of(key, spare)

    def fail() -> NoReturn:
        raise StorageUnavailableError("Table Storage did not answer.")

    services.audit.before_append = fail
    with pytest.raises(StorageUnavailableError):
        act(services, key.id)
    assert {each.id: each for each in services.keys.store.list()} == {key.id: key, spare.id: spare}


def test_a_tenant_has_a_limit_of_keys_that_revoking_them_does_not_evade() -> None:
    long_ago = NOON - timedelta(days=2)
    old = [a_key(A, created=long_ago, revoked=long_ago)[0] for _ in range(5)]
    services = keys_of(*old, *(a_key(A)[0] for _ in range(MAX_KEYS - 2)), *(a_key(B)[0] for _ in range(5)))
    revoke(services, create(services).code)
    spare = create(services).code
    for act in (create, lambda services: rotate(services, spare)):
        with pytest.raises(TooManyApiKeysError):
            act(services)
    services.now.advance(days=2)
    assert create(services).code


def test_a_rotation_keeps_to_the_limit_of_each_tenant_of_the_key() -> None:
    shared = a_key(A, B)[0]
    services = keys_of(shared, *(a_key(B)[0] for _ in range(MAX_KEYS - 1)))
    with pytest.raises(TooManyApiKeysError):
        rotate(services, shared.id, ADMIN_OF_A_AND_B)
