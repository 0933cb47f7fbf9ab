"""Health: the issuer of access tokens is a dependency of a service that accepts tokens."""

from __future__ import annotations

from dataclasses import replace

from exports.request.token_access import TokenAccess, TokenAuthenticator
from exports.steps.upkeep.check_health import HealthDto, HealthStatus, check_health
from shared.access_tokens import TokenRules
from shared.issuer_keys import IssuerKeys
from shared.jwt_verifier import JwtVerifier
from tests.support.fakes import a_services
from tests.support.token_issuer import AUDIENCE, TokenIssuer, a_token_issuer, rsa_key

SIGNING = rsa_key()


def health_with(issuer: TokenIssuer) -> HealthDto:
    verifier = JwtVerifier(TokenRules(issuer.url, (AUDIENCE,)), IssuerKeys(issuer.url))
    return check_health(replace(a_services(), tokens=TokenAuthenticator(verifier, TokenAccess({}, {}))))


def test_an_issuer_that_gives_its_keys_is_healthy() -> None:
    with a_token_issuer(SIGNING) as issuer:
        health = health_with(issuer)
    assert health.status is HealthStatus.HEALTHY
    assert "tokenIssuer" in [dependency.name for dependency in health.dependencies]


def test_an_issuer_that_gives_no_keys_is_unhealthy_and_named() -> None:
    with a_token_issuer(SIGNING) as issuer:
        issuer.status = 404
        health = health_with(issuer)
    unhealthy = [found for found in health.dependencies if found.status is HealthStatus.UNHEALTHY]
    assert [(found.name, found.detail) for found in unhealthy] == [
        ("tokenIssuer", "The issuer of access tokens has not given its keys.")
    ]
