"""Requests that change keys at the same moment leave every tenant somebody who may administer its keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from devhost.local.checks import under_ci
from exports.errors import ApiKeyNotActiveError, ApiKeyRotatedError, UnconfirmedError
from exports.request.identity import Grant, Identity
from exports.request.keys import RotateKeyDto
from exports.request.scopes import ALL_SCOPES
from exports.steps.access.administer_keys import revoke_key, rotate_key
from shared.key_ring import KeyRing
from shared.storage import StorageAccount
from shared.table_keys import TableKeyStore
from tests.support.fakes import MemoryServices, a_services
from tests.support.keys import a_key

ROUNDS = 25 if under_ci() else 6
TENANTS = ("alpha", "beta")
ANN = Identity("token:ann", True, (Grant(frozenset(TENANTS), frozenset(ALL_SCOPES)),))


@pytest.fixture
def services(account: StorageAccount) -> MemoryServices:
    """Build services whose keys are in the emulator."""
    services = a_services()
    store = TableKeyStore(account, f"t{uuid4().hex}")
    return replace(
        services, keys=KeyRing(store, services.now, run_in_background=lambda task: task(), clock=services.clock)
    )


def at_once(*requests: Callable[[], Any]) -> list[Any]:
    """Send requests at the same moment; return the result or the refusal of each."""

    def result_of(request: Callable[[], Any]) -> Any:
        try:
            return request()
        except (UnconfirmedError, ApiKeyNotActiveError, ApiKeyRotatedError) as error:
            return type(error)

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(result_of, requests))


def administrators(services: MemoryServices, tenant: str) -> list[str]:
    keys = services.keys.store.list()
    return [key.id for key in keys if tenant in key.tenants and key.state(services.now()).value == "active"]


def revoke(services: MemoryServices, tenant: str, code: str) -> Callable[[], Any]:
    return lambda: revoke_key(services, tenant, ANN, code, is_confirmed=False)


def rotate(services: MemoryServices, tenant: str, code: str) -> Callable[[], Any]:
    return lambda: rotate_key(services, tenant, ANN, code, RotateKeyDto())


def revoke_all(services: MemoryServices) -> None:
    """Revoke all keys, so that the next round begins without an administrator."""
    for key in services.keys.store.list():
        services.keys.store.change(key.id, lambda known: known.revoke(services.now()))


def test_revocations_at_once_leave_a_key_that_may_administer_each_tenant(services: MemoryServices) -> None:
    for _ in range(ROUNDS):
        keys = [a_key(*tenants)[0] for tenants in (TENANTS, ("alpha",), ("alpha",), ("beta",))]
        for key in keys:
            services.keys.store.add(key)
        results = at_once(*(revoke(services, key.tenants[0], key.id) for key in keys))
        assert UnconfirmedError in results
        assert all(administrators(services, tenant) for tenant in TENANTS)
        revoke_all(services)


def test_a_rotation_and_a_revocation_at_once_leave_a_key_that_may_administer(services: MemoryServices) -> None:
    for _ in range(ROUNDS):
        key = a_key("alpha")[0]
        services.keys.store.add(key)
        results = at_once(revoke(services, "alpha", key.id), rotate(services, "alpha", key.id))
        assert len(administrators(services, "alpha")) >= 1, results
        revoke_all(services)


def test_rotations_at_once_make_one_new_key(services: MemoryServices) -> None:
    for _ in range(ROUNDS):
        key = a_key("alpha")[0]
        services.keys.store.add(key)
        assert at_once(*[rotate(services, "alpha", key.id)] * 4).count(ApiKeyRotatedError) == 3
        assert len(administrators(services, "alpha")) == 2
        revoke_all(services)
