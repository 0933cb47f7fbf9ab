"""Access tokens are accepted by the rules alone, whatever a token says about itself. The issuer is a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from shared.access_tokens import MAX_TOKEN_CHARACTERS, TokenRefusedError, TokenRules
from shared.issuer_keys import IssuerKeys
from shared.jwt_verifier import JwtVerifier
from tests.support.token_issuer import AUDIENCE, SUBJECT, TokenIssuer, a_token_issuer, ec_key, encoded, rsa_key

RSA, OTHER_RSA, EC = rsa_key(), rsa_key("rsa-2"), ec_key()
SHORT = rsa_key("short", bits=1024)


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer(RSA) as running:
        yield running


def verifier(issuer: TokenIssuer, *algorithms: str) -> JwtVerifier:
    rules = TokenRules(issuer.url, (AUDIENCE, "2b6d"), algorithms or ("RS256",))
    return JwtVerifier(rules, IssuerKeys(issuer.url))


def refusal(issuer: TokenIssuer, token: str, *algorithms: str) -> str:
    """Return why a token is refused. No part of the token is in the answer."""
    with pytest.raises(TokenRefusedError) as raised:
        verifier(issuer, *algorithms).verify(token)
    assert all(len(part) < 8 or part not in str(raised.value) for part in token.split("."))
    assert raised.value.__context__ is None or raised.value.__suppress_context__
    return str(raised.value)


def test_a_good_token_gives_its_claims(issuer: TokenIssuer) -> None:
    claims = verifier(issuer).verify(issuer.token(roles=["Export.Reader"]))
    assert (claims["sub"], claims["roles"]) == (SUBJECT, ["Export.Reader"])


@pytest.mark.parametrize("audience", [AUDIENCE, "2b6d", ["another", "2b6d"]])
def test_each_audience_of_the_settings_is_accepted(issuer: TokenIssuer, audience: Any) -> None:
    assert verifier(issuer).verify(issuer.token(aud=audience))["aud"] == audience


def test_a_key_of_an_elliptic_curve_works_if_the_settings_allow_it(issuer: TokenIssuer) -> None:
    issuer.keys.append(EC.public)
    assert verifier(issuer, "RS256", "ES256").verify(issuer.token(EC))["sub"] == SUBJECT
    assert "RS256" in refusal(issuer, issuer.token(EC))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "lacks the claim iss"),
        ({"iss": ["a"]}, "another issuer"),
        ({"aud": "api://another"}, "another service"),
        ({"aud": None}, "lacks the claim aud"),
        ({"aud": {"a": 1}}, "another service"),
        ({"exp": None}, "lacks the claim exp"),
        ({"exp": "soon"}, "claims has the wrong type"),
        ({"exp": 1}, "expired"),
        ({"sub": 7}, "claims has the wrong type"),
    ],
)
def test_a_wrong_claim_is_named_in_plain_words(issuer: TokenIssuer, changes: Any, reason: str) -> None:
    payload = {name: value for name, value in (issuer.claims() | changes).items() if value is not None}
    assert reason in refusal(issuer, issuer.token_of_text({"alg": "RS256", "kid": RSA.key_id}, payload))


@pytest.mark.parametrize(("seconds", "accepted"), [(-120, False), (-30, True), (30, True)])
def test_an_expiry_has_a_minute_of_leeway(issuer: TokenIssuer, seconds: int, accepted: bool) -> None:
    token = issuer.token(exp=int(time.time()) + seconds)
    if accepted:
        assert verifier(issuer).verify(token)
    else:
        assert refusal(issuer, token) == "The token has expired; get a new one."


@pytest.mark.parametrize(("seconds", "accepted"), [(120, False), (30, True)])
@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_start_has_a_minute_of_leeway(issuer: TokenIssuer, claim: str, seconds: int, accepted: bool) -> None:
    changes: dict[str, Any] = {claim: int(time.time()) + seconds}
    token = issuer.token(**changes)
    if accepted:
        assert verifier(issuer).verify(token)
    else:
        assert refusal(issuer, token) == "The token is not valid yet; check the clocks."


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "rs256", "", 7, None, ["RS256"], {"a": 1}])
def test_an_algorithm_that_the_settings_do_not_name_is_refused(issuer: TokenIssuer, algorithm: Any) -> None:
    token = issuer.token_of_text({"alg": algorithm, "kid": RSA.key_id}, issuer.claims())
    assert "RS256" in refusal(issuer, token)
    assert issuer.requests == [], "an unknown algorithm is refused before the issuer is asked"


def test_an_unsigned_token_is_refused(issuer: TokenIssuer) -> None:
    unsigned = f"{encoded({'alg': 'none', 'kid': RSA.key_id})}.{encoded(issuer.claims())}."
    assert "RS256" in refusal(issuer, unsigned)
    assert "signature" in refusal(issuer, f"{issuer.token().rpartition('.')[0]}.")


def test_an_hmac_with_the_public_key_as_its_secret_is_refused(issuer: TokenIssuer) -> None:
    header, secret = {"alg": "HS256", "kid": RSA.key_id}, RSA.pem
    signed = f"{encoded(header)}.{encoded(issuer.claims())}"
    signature = encoded(jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed.encode(), secret))
    assert "RS256" in refusal(issuer, f"{signed}.{signature}")


def test_a_signature_by_another_key_with_the_same_id_is_refused(issuer: TokenIssuer) -> None:
    forged = issuer.token(OTHER_RSA, {"kid": RSA.key_id})
    assert refusal(issuer, forged) == "The signature of the token is wrong."


def test_changed_claims_are_refused(issuer: TokenIssuer) -> None:
    header, _, signature = issuer.token().split(".")
    changed = f"{header}.{encoded(issuer.claims(roles=['Export.Admin']))}.{signature}"
    assert refusal(issuer, changed) == "The signature of the token is wrong."


def test_a_key_that_the_issuer_does_not_publish_is_refused(issuer: TokenIssuer) -> None:
    assert refusal(issuer, issuer.token(OTHER_RSA)) == "The issuer publishes no key that can check this token."


def test_a_key_of_1024_bits_is_refused(issuer: TokenIssuer) -> None:
    issuer.keys.append(SHORT.public)
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = issuer.token(SHORT)
    assert refusal(issuer, token) == "The issuer signs with a key that is too short."


def test_addresses_and_keys_inside_a_token_are_ignored(issuer: TokenIssuer) -> None:
    with a_token_issuer(OTHER_RSA) as evil:
        own = {"jku": f"{evil.url}/keys", "x5u": f"{evil.url}/cert", "jwk": OTHER_RSA.public, "x5c": ["MIIB"]}
        assert verifier(issuer).verify(issuer.token(headers=own))["sub"] == SUBJECT
        assert "publishes no key" in refusal(issuer, issuer.token(OTHER_RSA, own))
        assert "signature" in refusal(issuer, issuer.token(OTHER_RSA, own | {"kid": RSA.key_id}))
        assert evil.requests == []


def test_a_token_without_a_key_id_works_only_while_one_key_fits(issuer: TokenIssuer) -> None:
    token = issuer.token(headers={"kid": None})
    issuer.keys.append(EC.public)
    assert verifier(issuer).verify(token)["sub"] == SUBJECT
    issuer.keys.append(OTHER_RSA.public)
    assert "publishes no key" in refusal(issuer, token)


def test_a_token_with_the_same_claim_twice_is_refused(issuer: TokenIssuer) -> None:
    header = {"alg": "RS256", "kid": RSA.key_id}
    good = b'{"sub": "a", ' + encoded_claims(issuer)[1:]
    assert refusal(issuer, issuer.token_of_text(header, good)) == "The token has the same claim twice."
    twice = b'{"alg": "RS256", "kid": "x", "kid": "' + RSA.key_id.encode() + b'"}'
    assert refusal(issuer, issuer.token_of_text(twice, issuer.claims())) == "The token has the same claim twice."


def test_a_token_of_16_kib_is_accepted_and_a_longer_one_refused(issuer: TokenIssuer) -> None:
    groups = ["g" * 36] * 280
    assert verifier(issuer).verify(issuer.token(groups=groups))["groups"] == groups
    assert "16,384 characters" in refusal(issuer, issuer.token(groups=groups * 2))
    assert "16,384 characters" in refusal(issuer, "a" * (MAX_TOKEN_CHARACTERS + 1))


@pytest.mark.parametrize("critical", [["exp"], ["unknown"], "b64", []])
def test_a_critical_header_that_is_not_understood_is_refused(issuer: TokenIssuer, critical: Any) -> None:
    header = {"alg": "RS256", "kid": RSA.key_id, "crit": critical, "unknown": 1}
    assert "not a signed" in refusal(issuer, issuer.token_of_text(header, issuer.claims()))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "ä.b.c",
        "a b.c.d",
        "eyJ.eyJ.",
        f"{encoded(b'[' * 6000)}.{encoded(b'{}')}.c2ln",
        f"{encoded(b'null')}.{encoded(b'{}')}.c2ln",
        f"{encoded(b'[]')}.{encoded(b'{}')}.c2ln",
        f"{encoded(bytes(range(200)))}.{encoded(b'{}')}.c2ln",
        f"{encoded({'alg': 'RS256', 'kid': 7})}.{encoded(b'{}')}.c2ln",
        f"{encoded({'alg': 'RS256', 'kid': {'a': []}})}.{encoded(b'{}')}.c2ln",
        f"{encoded({'alg': 'RS256', 'b64': False})}..c2ln",
    ],
    ids=str.__len__,
)
def test_nonsense_is_refused_and_never_raises_anything_else(issuer: TokenIssuer, token: str) -> None:
    assert refusal(issuer, token)


@pytest.mark.parametrize(
    "payload",
    [b"null", b"[]", b'"text"', b"[" * 6000, b'{"a":' * 1500 + b"1" + b"}" * 1500, b"\xff", b'{"exp": 1e999}'],
    ids=len,
)
def test_a_signed_payload_that_is_not_claims_is_refused(issuer: TokenIssuer, payload: bytes) -> None:
    assert refusal(issuer, issuer.token_of_text({"alg": "RS256", "kid": RSA.key_id}, payload))


@pytest.mark.parametrize("value", [b"1e999", b"-1e999", b"NaN", b"[1]", b"9" * 5000])
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_moment_that_is_no_moment_is_refused(issuer: TokenIssuer, claim: str, value: bytes) -> None:
    payload = encoded_claims(issuer, without=claim)[:-1] + b', "' + claim.encode() + b'": ' + value + b"}"
    assert refusal(issuer, issuer.token_of_text({"alg": "RS256", "kid": RSA.key_id}, payload))


def encoded_claims(issuer: TokenIssuer, without: str = "") -> bytes:
    """Return the JSON of good claims, without one of them."""
    parts = (
        f'"{name}": {value if isinstance(value, int) else chr(34) + value + chr(34)}'
        for name, value in issuer.claims().items()
        if name != without
    )
    return b"{" + ", ".join(parts).encode() + b"}"
