"""Behind a proxy that names its callers, guessers are slowed by address, and gateways choose only among named hosts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from shared.api_keys import new_key_text
from tests.e2e.test_bad_input import assert_problem
from tests.e2e.test_tokens import settings_for
from tests.support.http_client import Response
from tests.support.keys import with_other_secret
from tests.support.system import EXPORT, KEY, NORTHWIND, System, running_system, sample_database
from tests.support.token_issuer import TokenIssuer, a_token_issuer, rsa_key

PUBLIC_HOST = "exports.example.com"
LIMIT = 5
JOBS = f"/tenants/{NORTHWIND}{EXPORT}"
SMALL = {"filter": {"search": "no client is called this"}}
OUR_KEY = rsa_key("ours")


@pytest.fixture(scope="module")
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer(OUR_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, issuer: TokenIssuer) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("guessers")
    settings = {"EXPORT_MAX_WRONG_KEYS": str(LIMIT), "EXPORT_FORWARDED_HOSTS": PUBLIC_HOST} | settings_for(issuer.url)
    with running_system(directory, sample_database(directory, 20), settings) as running:
        yield running


def guess(system: System, address: str, key: str) -> Response:
    """Send a wrong key as the front end of Azure passes it on: it appends the address of the caller with a port."""
    return system.call("GET", JOBS, key=key, x_forwarded_for=f"10.9.8.7, {address}:50123")


def guess_until_slowed(system: System, send: Callable[[], Response]) -> None:
    """Send forty wrong keys. Each process must answer 401 at most as often as it may, and 429 from then on."""
    begun = time.monotonic()
    answers = [send() for _ in range(40)]
    refilled = 1 + (time.monotonic() - begun) * LIMIT / 60
    found = Counter(answer.status for answer in answers)
    assert set(found) == {401, 429}
    assert LIMIT <= found[401] <= (LIMIT + refilled) * system.workers
    for answer in answers:
        if answer.status == 429:
            assert_problem(answer, 429, "too-many-wrong-keys")
            assert 1 <= int(answer.headers["retry-after"]) <= 60 / LIMIT


@pytest.mark.parametrize(
    ("address", "wrong"),
    [("203.0.113.1", lambda: "nonsense"), ("203.0.113.2", lambda: str(new_key_text()))],
    ids=["nonsense", "unknown"],
)
def test_an_address_that_keeps_sending_wrong_keys_gets_429(
    guarded: System, address: str, wrong: Callable[[], str]
) -> None:
    guess_until_slowed(guarded, lambda: guess(guarded, address, wrong()))


def test_an_address_that_keeps_sending_wrong_tokens_gets_429(guarded: System, issuer: TokenIssuer) -> None:
    token = issuer.token(roles=["Export.Admin"], exp=1)
    headers = {"authorization": f"Bearer {token}", "x_forwarded_for": "203.0.113.3:50123"}
    guess_until_slowed(guarded, lambda: guarded.call("GET", JOBS, key=None, **headers))


def test_while_an_address_is_slowed_right_keys_tokens_and_other_addresses_pass(
    guarded: System, issuer: TokenIssuer
) -> None:
    office = "[2001:db8:1:2::1]"
    guess_until_slowed(guarded, lambda: guess(guarded, office, with_other_secret(KEY)))
    neighbour = {"x_forwarded_for": "[2001:db8:1:2::99]:443"}
    token = issuer.token(roles=["Export.Admin"])
    for _ in range(10):
        assert guarded.call("GET", JOBS, **neighbour).status == 200
        assert guarded.call("GET", JOBS, key=None, authorization=f"Bearer {token}", **neighbour).status == 200
        assert guarded.call("GET", "/health", **neighbour).json["version"] is not None
    assert guess(guarded, "[2001:db8:1:3::1]", "wrong").status == 401


def test_the_health_counts_wrong_keys_and_is_never_slowed(guarded: System) -> None:
    caller = {"x_forwarded_for": "203.0.113.4:50123"}
    for _ in range(40):
        assert guarded.call("GET", "/health", key="wrong", **caller).status == 200
    assert 429 in {guarded.call("GET", JOBS, key="wrong", **caller).status for _ in range(8)}


def test_the_location_names_a_forwarded_host_only_if_the_settings_name_it(guarded: System) -> None:
    named = guarded.start_export(SMALL, x_forwarded_host=PUBLIC_HOST, x_forwarded_proto="https")
    assert named.headers["location"] == f"https://{PUBLIC_HOST}{JOBS}/{named.json['code']}"
    forged = guarded.start_export(SMALL, x_forwarded_host="evil.example", x_forwarded_proto="https")
    assert forged.headers["location"] == f"{guarded.url}{JOBS}/{forged.json['code']}"
