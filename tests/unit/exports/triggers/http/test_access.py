"""A caller is authorized by its API key, for one tenant and one scope."""

from __future__ import annotations

from typing import NoReturn

import pytest

from exports.request.scopes import ALL_SCOPES, Scope
from exports.triggers.http.access import authorize
from exports.triggers.http.problems import describe
from shared.api_keys import ApiKey, KeysUnavailableError
from shared.guess_limit import GuessLimit
from shared.key_ring import KeyRing
from shared.problems import ProblemError
from tests.support.builders import NOON
from tests.support.clock import Clock
from tests.support.http import a_request
from tests.support.keys import MemoryKeyStore, a_key, with_other_secret

(_ONE, ONE), (_MANY, MANY) = a_key("northwind"), a_key("northwind", "harbour")
(_EXPIRED, EXPIRED), (_REVOKED, REVOKED) = a_key("northwind", expires=NOON), a_key("northwind", revoked=NOON)


def _ring(*keys: ApiKey) -> KeyRing:
    return KeyRing(MemoryKeyStore(*keys), Clock(), run_in_background=lambda task: task())


KEYS = _ring(_ONE, _MANY, _EXPIRED, _REVOKED)


def _tenant(key: str | None, **route: str) -> str:
    headers = {} if key is None else {"X-Api-Key": key}
    return authorize(a_request(headers=headers, route=route), KEYS, Scope.EXPORTS_READ, None, GuessLimit()).tenant


def _refusal(key: str | None, **route: str) -> ProblemError:
    with pytest.raises(ProblemError) as raised:
        _tenant(key, **route)
    return raised.value


def test_without_a_tenant_in_the_path_the_only_tenant_of_the_key_is_used() -> None:
    assert _tenant(ONE) == "northwind"


@pytest.mark.parametrize(
    ("key", "tenant"),
    [(ONE, "northwind"), (MANY, "northwind"), (MANY, "harbour")],
    ids=["one tenant", "several tenants, the first", "several tenants, the second"],
)
def test_a_key_opens_each_of_its_tenants(key: str, tenant: str) -> None:
    assert _tenant(key, tenant=tenant) == tenant


@pytest.mark.parametrize(
    "key",
    [None, "", "wrong", ONE.upper(), f"{ONE} ", with_other_secret(ONE), a_key()[1], EXPIRED, REVOKED],
    ids=["none", "empty", "nonsense", "upper case", "padded", "other secret", "unknown", "expired", "revoked"],
)
@pytest.mark.parametrize(
    "route", [{}, {"tenant": "northwind"}, {"tenant": "nowhere"}], ids=["short", "named", "unknown"]
)
def test_without_a_valid_key_the_answer_is_401_for_every_path(key: str | None, route: dict[str, str]) -> None:
    refusal = _refusal(key, **route)
    assert (refusal.kind.status, refusal.kind.title) == (401, "Invalid or missing API key")
    assert refusal.detail.startswith("Send a valid API key in the header x-api-key. ")
    assert "mistyped, expired or revoked" in refusal.detail
    assert "x-api-key" in refusal.headers["WWW-Authenticate"]
    assert refusal.document() == _refusal(None).document()


def test_keys_that_cannot_be_read_cause_a_503_with_retry_after() -> None:
    store = MemoryKeyStore(_ONE)

    def fail() -> NoReturn:
        raise KeysUnavailableError("Table Storage did not answer.")

    store.before_ask = fail
    with pytest.raises(KeysUnavailableError) as raised:
        authorize(a_request(headers={"x-api-key": ONE}), KeyRing(store), Scope.EXPORTS_READ, None, GuessLimit())
    problem = describe(raised.value)
    assert problem is not None
    assert (problem.kind.status, "Retry-After" in problem.headers) == (503, True)


@pytest.mark.parametrize("tenant", ["harbour", "nowhere", "Northwind", "northwind/", ""])
def test_another_tenant_is_403_whether_it_exists_or_not(tenant: str) -> None:
    refusal = _refusal(ONE, tenant=tenant)
    assert (refusal.kind.status, refusal.detail) == (403, "This API key does not open that tenant.")


def test_a_key_for_several_tenants_needs_the_tenant_in_the_path() -> None:
    refusal = _refusal(MANY)
    assert (refusal.kind.status, refusal.kind.code) == (400, "tenant-required")


def test_a_refusal_does_not_repeat_the_key() -> None:
    wrong = with_other_secret(ONE)
    assert wrong not in str(_refusal(wrong).document())


@pytest.mark.parametrize("scope", Scope)
def test_a_key_allows_only_what_its_scopes_name(scope: Scope) -> None:
    others = tuple(other for other in ALL_SCOPES if other != scope)
    for scopes, allowed in ((others, False), ((scope.value,), True)):
        key, text = a_key("northwind", scopes=scopes)
        request = a_request(headers={"x-api-key": text})
        if allowed:
            assert authorize(request, _ring(key), scope, None, GuessLimit()).may(scope)
        else:
            with pytest.raises(ProblemError) as raised:
                authorize(request, _ring(key), scope, None, GuessLimit())
            assert (raised.value.kind.status, scope.value in raised.value.detail) == (403, True)
