"""The keys of an issuer are fetched rarely, follow a rotation, and outlive an issuer that is down."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from shared import issuer_keys
from shared.access_tokens import IssuerUnavailableError
from shared.issuer_keys import IssuerKeys
from tests.support.clock import MonotonicClock
from tests.support.token_issuer import TokenIssuer, a_token_issuer, ec_key, rsa_key
from tests.support.waiting import wait_until

FIRST, SECOND, CURVE = rsa_key(), rsa_key("rsa-2"), ec_key()
BOTH = ["/.well-known/openid-configuration", "/keys"]


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    with a_token_issuer(FIRST) as running:
        yield running


@pytest.fixture
def clock() -> MonotonicClock:
    return MonotonicClock()


@pytest.fixture
def keys(issuer: TokenIssuer, clock: MonotonicClock) -> IssuerKeys:
    return IssuerKeys(issuer.url, now=clock)


def test_the_key_set_is_fetched_once_for_many_tokens(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    assert all(keys.find(FIRST.key_id, "RS256") for _ in range(20))
    assert issuer.requests == BOTH


def test_nothing_is_fetched_before_the_first_token(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    assert issuer.requests == []


def test_a_pinned_key_set_needs_no_discovery(issuer: TokenIssuer, clock: MonotonicClock) -> None:
    assert IssuerKeys("https://issuer.example", f"{issuer.url}/pinned", now=clock).find(FIRST.key_id, "RS256")
    assert issuer.requests == ["/pinned"]


def test_a_rotated_key_is_found_by_one_more_fetch(issuer: TokenIssuer, keys: IssuerKeys, clock: MonotonicClock) -> None:
    assert keys.find(FIRST.key_id, "RS256")
    issuer.keys = [SECOND.public]
    clock.seconds += 30
    assert keys.find(SECOND.key_id, "RS256")
    assert keys.find(FIRST.key_id, "RS256") is None, "the issuer has withdrawn it"
    assert issuer.requests == BOTH * 2


def test_invented_key_ids_cause_one_fetch_each_half_minute(
    issuer: TokenIssuer, keys: IssuerKeys, clock: MonotonicClock
) -> None:
    for number in range(50):
        assert keys.find(f"invented-{number}", "RS256") is None
    assert issuer.requests == BOTH
    clock.seconds += 31
    assert keys.find("invented", "RS256") is None
    assert keys.find("invented too", "RS256") is None
    assert issuer.requests == BOTH * 2


def test_a_withdrawn_key_is_accepted_for_an_hour_at_most(
    issuer: TokenIssuer, keys: IssuerKeys, clock: MonotonicClock
) -> None:
    assert keys.find(FIRST.key_id, "RS256")
    issuer.keys = [SECOND.public]
    clock.seconds += 3601
    assert keys.find(FIRST.key_id, "RS256") is None


def test_the_keys_outlive_an_issuer_that_is_down(
    issuer: TokenIssuer, keys: IssuerKeys, clock: MonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert keys.find(FIRST.key_id, "RS256")
    issuer.status = 503
    clock.seconds += 100_000
    with caplog.at_level(logging.WARNING):
        assert keys.find(FIRST.key_id, "RS256")
    assert "event=tokens.keys_not_fetched" in caplog.text
    assert keys.find(FIRST.key_id, "RS256")
    assert len(issuer.requests) == len(BOTH) + 1, "the issuer that is down is asked once in half a minute"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/keys", b"<html>"),
        ("/keys", b"[]"),
        ("/keys", b"{}"),
        ("/keys", b'{"keys": []}'),
        ("/keys", b'{"keys": ["x", 1, null]}'),
        ("/keys", b"[" * 100_000),
        ("/keys", b" " * 600_000),
        (BOTH[0], b"{}"),
        (BOTH[0], b"[]"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_is_no_key_set_is_unavailable(
    issuer: TokenIssuer, keys: IssuerKeys, path: str, document: bytes
) -> None:
    issuer.documents[path] = document
    with pytest.raises(IssuerUnavailableError) as raised:
        keys.find(FIRST.key_id, "RS256")
    assert 1 <= raised.value.retry_after_seconds <= 30


def test_the_discovery_document_of_another_issuer_is_not_used(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    other = {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "jwks_uri": f"{issuer.url}/keys"}
    issuer.documents[BOTH[0]] = json.dumps(other).encode()
    with pytest.raises(IssuerUnavailableError):
        keys.check()
    assert issuer.requests == BOTH[:1]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/keys", "/keys", 7, None])
def test_a_discovered_address_that_is_not_https_is_not_fetched(
    issuer: TokenIssuer, keys: IssuerKeys, address: Any
) -> None:
    issuer.documents[BOTH[0]] = json.dumps({"issuer": issuer.url, "jwks_uri": address}).encode()
    with pytest.raises(IssuerUnavailableError):
        keys.find(FIRST.key_id, "RS256")
    assert issuer.requests == BOTH[:1]


@pytest.mark.parametrize("status", [204, 301, 302, 307, 404, 500])
def test_no_answer_but_200_is_used_and_no_redirect_followed(issuer: TokenIssuer, keys: IssuerKeys, status: int) -> None:
    issuer.status = status
    with pytest.raises(IssuerUnavailableError):
        keys.check()
    assert issuer.requests == BOTH[:1]


def test_an_issuer_that_nobody_runs_is_unavailable_until_it_runs(clock: MonotonicClock) -> None:
    with a_token_issuer(FIRST) as gone:
        port = gone.port
    keys = IssuerKeys(gone.url, now=clock)
    with pytest.raises(IssuerUnavailableError, match="has not given its keys"):
        keys.check()
    with a_token_issuer(FIRST, port):
        with pytest.raises(IssuerUnavailableError):
            keys.check()
        clock.seconds += 31
        keys.check()


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": 7},
        {"alg": "RS512"},
        {"n": "!"},
        {"n": None},
        {"kty": "RSA-OAEP"},
    ],
    ids=str,
)
def test_a_key_that_cannot_check_signatures_is_ignored(
    issuer: TokenIssuer, keys: IssuerKeys, changes: dict[str, Any]
) -> None:
    issuer.keys = [FIRST.public | {"kid": "odd"} | changes, SECOND.public]
    assert keys.find("odd", "RS256") is None
    assert keys.find(SECOND.key_id, "RS256") is not None


def test_a_published_private_key_is_ignored(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    private = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(FIRST.private))
    issuer.keys = [private | {"kid": "leaked", "key_ops": ["sign", "verify"]}, SECOND.public]
    assert keys.find("leaked", "RS256") is None
    assert keys.find(SECOND.key_id, "RS256") is not None


def test_a_key_is_used_only_for_algorithms_of_its_own_kind(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    issuer.keys = [FIRST.public, CURVE.public]
    assert keys.find(CURVE.key_id, "RS256") is None
    assert keys.find(FIRST.key_id, "ES256") is None
    assert keys.find(CURVE.key_id, "ES256") is not None


def test_a_fetch_that_hangs_holds_up_one_thread_only(
    issuer: TokenIssuer, keys: IssuerKeys, clock: MonotonicClock
) -> None:
    assert keys.find(FIRST.key_id, "RS256")
    clock.seconds += 31
    issuer.pause_seconds = 1
    slow = threading.Thread(target=keys.find, args=("invented", "RS256"))
    slow.start()
    wait_until(lambda: len(issuer.requests) > len(BOTH))
    clock.seconds += 31
    assert keys.find(FIRST.key_id, "RS256"), "a known key needs no fetch"
    with pytest.raises(IssuerUnavailableError) as raised:
        keys.find("another", "RS256")
    assert (slow.is_alive(), raised.value.retry_after_seconds) == (True, 1)
    slow.join()


def test_simultaneous_first_tokens_fetch_the_keys_once(issuer: TokenIssuer, keys: IssuerKeys) -> None:
    issuer.pause_seconds = 0.2
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find(FIRST.key_id, "RS256"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found)
    assert (len(found), issuer.requests) == (8, BOTH)


@pytest.mark.parametrize("beginning", [b"x: y\r\n" * 2, b"content-length: 1000\r\n\r\n"], ids=["header", "body"])
def test_an_answer_that_comes_byte_by_byte_is_given_up(beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_keys, "_TIMEOUT_SECONDS", 0.4)
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + beginning)
            while not ended.wait(0.1):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        threading.Timer(3, ended.set).start()
        with pytest.raises(OSError, match="seconds"):
            issuer_keys.fetch_json(f"http://127.0.0.1:{server.getsockname()[1]}/keys")
        assert not ended.is_set(), "the fetch must not wait for the end of the answer"
        ended.set()
        thread.join()
