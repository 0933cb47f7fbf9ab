"""A caller with an access token is authorized like one with an API key, and refused by RFC 6750."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exports.request.scopes import Scope
from exports.request.token_access import RoleGrant, TokenAccess, TokenAuthenticator
from exports.triggers.http.access import Caller, authorize
from exports.triggers.http.problems import describe
from shared.access_tokens import IssuerUnavailableError, TokenRules
from shared.guess_limit import GuessLimit
from shared.issuer_keys import IssuerKeys
from shared.jwt_verifier import JwtVerifier
from shared.key_ring import KeyRing
from shared.problems import ProblemError
from tests.support.http import a_request
from tests.support.keys import MemoryKeyStore, a_key
from tests.support.token_issuer import AUDIENCE, SUBJECT, TokenIssuer, a_token_issuer, rsa_key

KEY, KEY_TEXT = a_key("northwind")
ROLES = {
    "One": RoleGrant(scopes=(Scope.EXPORTS_READ,), tenants=("northwind",)),
    "All": RoleGrant(scopes=(Scope.EXPORTS_READ, Scope.EXPORTS_WRITE), tenants=("*",)),
}
SIGNING = rsa_key()


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer(SIGNING) as running:
        yield running


def enter(issuer: TokenIssuer, headers: dict[str, str], scope: Scope = Scope.EXPORTS_READ, **route: str) -> Caller:
    verifier = JwtVerifier(TokenRules(issuer.url, (AUDIENCE,)), IssuerKeys(issuer.url))
    tokens = TokenAuthenticator(verifier, TokenAccess(ROLES, {}))
    return authorize(a_request(headers=headers, route=route), KeyRing(MemoryKeyStore(KEY)), scope, tokens, GuessLimit())


def refusal(issuer: TokenIssuer, headers: dict[str, str], scope: Scope = Scope.EXPORTS_READ, **route: str) -> Any:
    with pytest.raises(ProblemError) as raised:
        enter(issuer, headers, scope, **route)
    return raised.value


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"authorization": f"{scheme} {token}"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer "])
def test_a_token_opens_the_tenants_of_its_roles(issuer: TokenIssuer, scheme: str) -> None:
    caller = enter(issuer, bearer(issuer.token(roles=["One"]), scheme))
    assert (caller.tenant, caller.actor) == ("northwind", f"token:{SUBJECT}")
    assert (caller.reader.actor, caller.reader.may_read) == (caller.actor, True)
    assert enter(issuer, bearer(issuer.token(roles=["All"])), tenant="anyone").tenant == "anyone"


def test_an_api_key_works_beside_tokens_and_other_schemes(issuer: TokenIssuer) -> None:
    assert enter(issuer, {"x-api-key": KEY_TEXT}).actor == KEY.id
    assert enter(issuer, {"x-api-key": KEY_TEXT} | bearer("dTpw", "Basic")).actor == KEY.id


def test_an_api_key_and_a_token_together_are_400_whatever_they_are(issuer: TokenIssuer) -> None:
    for key, token in ((KEY_TEXT, issuer.token(roles=["One"])), ("", ""), ("wrong", "wrong")):
        found = refusal(issuer, {"x-api-key": key} | bearer(token))
        assert (found.kind.status, found.kind.code) == (400, "invalid-header")
        assert 'error="invalid_request"' in found.headers["WWW-Authenticate"]


def test_without_credentials_both_ways_are_offered(issuer: TokenIssuer) -> None:
    found = refusal(issuer, {})
    assert found.headers["WWW-Authenticate"] == 'ApiKey header="x-api-key", Bearer realm="client-export"'
    assert "header Authorization" in found.detail


@pytest.mark.parametrize("token", ["", "wrong", "a, Bearer b", "x" * 20_000])
def test_a_token_that_is_not_accepted_is_401_by_rfc_6750(issuer: TokenIssuer, token: str) -> None:
    found = refusal(issuer, bearer(token))
    assert (found.kind.status, found.kind.code) == (401, "invalid-token")
    assert found.headers["WWW-Authenticate"] == 'Bearer realm="client-export", error="invalid_token"'


def test_a_missing_scope_is_403_and_named_by_rfc_6750(issuer: TokenIssuer) -> None:
    found = refusal(issuer, bearer(issuer.token(roles=["One"])), Scope.EXPORTS_WRITE)
    assert (found.kind.status, found.detail) == (403, "This access token lacks the scope exports:write.")
    assert 'error="insufficient_scope", scope="exports:write"' in found.headers["WWW-Authenticate"]


@pytest.mark.parametrize("tenant", ["harbour", "Northwind", "", "*", "../northwind"])
def test_a_tenant_that_no_role_opens_is_403(issuer: TokenIssuer, tenant: str) -> None:
    found = refusal(issuer, bearer(issuer.token(roles=["One"])), tenant=tenant)
    assert (found.kind.status, found.detail) == (403, "This access token does not open that tenant.")


@pytest.mark.parametrize("tenant", ["a b", "*", "../x", "x" * 64])
def test_a_role_for_every_tenant_opens_no_name_that_no_tenant_may_have(issuer: TokenIssuer, tenant: str) -> None:
    assert refusal(issuer, bearer(issuer.token(roles=["All"])), tenant=tenant).kind.status == 403


def test_the_short_route_needs_a_role_for_exactly_one_tenant(issuer: TokenIssuer) -> None:
    assert refusal(issuer, bearer(issuer.token(roles=["All"]))).kind.code == "tenant-required"
    assert refusal(issuer, bearer(issuer.token())).detail == "This access token opens no tenant."


def test_an_issuer_that_gives_no_keys_causes_a_503_with_retry_after(issuer: TokenIssuer) -> None:
    issuer.status = 500
    with pytest.raises(IssuerUnavailableError) as raised:
        enter(issuer, bearer(issuer.token(roles=["One"])))
    problem = describe(raised.value)
    assert problem is not None
    assert problem.kind.status == 503
    assert 1 <= int(problem.headers["Retry-After"]) <= 30


def test_without_an_issuer_in_the_settings_a_token_is_no_credential() -> None:
    with pytest.raises(ProblemError) as raised:
        authorize(a_request(headers=bearer("x")), KeyRing(MemoryKeyStore(KEY)), Scope.EXPORTS_READ, None, GuessLimit())
    assert (raised.value.kind.code, "Bearer" in raised.value.headers["WWW-Authenticate"]) == ("invalid-api-key", False)
