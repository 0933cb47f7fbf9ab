"""API keys: their text, their stored form, and the check of a secret."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.api_keys import (
    ApiKey,
    KeyState,
    hash_secret,
    make_key,
    new_key_text,
    parse_key,
    secret_matches,
    valid_successor,
)
from tests.support.builders import NOON
from tests.support.keys import a_key

SECRET = "s" * 43
TEXT = f"cx_abcdefgh2345_{SECRET}"


def _stored(**changes: Any) -> ApiKey:
    properties = {"id": "abcdefgh2345", "name": "n", "hash": hash_secret(SECRET), "tenants": ("a",), "created": NOON}
    return ApiKey(**properties | changes)


def test_new_keys_have_256_random_bits_and_differ() -> None:
    texts = [new_key_text() for _ in range(100)]
    assert len({text.id for text in texts}) == len({text.secret for text in texts}) == 100
    assert all(len(base64.urlsafe_b64decode(text.secret + "=")) == 32 for text in texts)


def test_the_text_of_a_new_key_can_be_parsed_again() -> None:
    text = new_key_text()
    assert parse_key(str(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cx_",
        f"{TEXT} ",
        f"{TEXT}\n",
        f" {TEXT}",
        TEXT.upper(),
        TEXT[3:],
        TEXT[:-1],
        TEXT + "s" * 100,
        TEXT.replace("2345", "2341"),
        TEXT.replace("abc", "ab"),
        TEXT.replace("abc", "é̀c"),
        TEXT.replace("sss", "s's"),
        "cx_../..^&*()?_" + SECRET,
        "ключ 🔑",
        "\ud800",
    ],
)
def test_malformed_key_text_is_not_accepted(text: str) -> None:
    assert parse_key(text) is None


def test_only_the_secret_of_a_key_matches_it() -> None:
    key, text = make_key("name", ["a"], [], NOON)
    assert secret_matches(text.secret, key)
    assert not secret_matches(new_key_text().secret, key)
    assert not secret_matches("", key)
    assert not secret_matches(key.hash, key)


def test_the_hash_of_a_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    key, text = make_key("name", ["a"], [], NOON)
    for secret in (text.secret, new_key_text().secret):
        secret_matches(secret, key)
        secret_matches(secret, None)
    assert [one == other for one, other in compared] == [True, False, False, False]
    assert {len(digest) for pair in compared for digest in pair} == {64}


@pytest.mark.parametrize("secret", ["", SECRET, "0" * 64])
def test_no_secret_matches_a_missing_key(secret: str) -> None:
    assert not secret_matches(secret, None)


def test_a_hash_is_salted_and_does_not_hold_the_secret() -> None:
    assert hash_secret(SECRET) != hash_secret(SECRET)
    assert SECRET not in hash_secret(SECRET)


def test_a_hash_is_scheme_salt_and_sha256_of_salt_and_secret() -> None:
    salt = bytes(range(8))
    digest = hashlib.sha256(salt + SECRET.encode()).hexdigest()
    assert secret_matches(SECRET, _stored(hash=f"sha256${salt.hex()}${digest}"))


def test_neither_hash_nor_secret_is_shown_where_a_key_is_printed() -> None:
    key, text = make_key("name", ["a"], [], NOON)
    assert key.hash not in repr(key)
    assert text.secret not in repr(text)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "one",
        f"md5${'0' * 16}${'0' * 64}",
        f"sha256$${'0' * 64}",
        f"sha256${'0' * 15}${'0' * 64}",
        f"sha256${'0' * 17}${'0' * 64}",
        f"sha256${'0' * 16}${'0' * 63}",
        f"sha256${'G' * 16}${'0' * 64}",
        f"sha256${'0' * 16}${'0' * 64}\n",
    ],
)
def test_a_malformed_hash_is_refused_when_a_key_is_read(hashed: str) -> None:
    with pytest.raises(ValidationError):
        _stored(hash=hashed)


@pytest.mark.parametrize("tenant", ["", "..", "a/b", "a\\b", "a#b", "a?b", "a b", "-a", ".a", "é", "a" * 64, "a\n"])
def test_a_tenant_that_cannot_be_part_of_a_path_is_refused(tenant: str) -> None:
    with pytest.raises(ValidationError):
        _stored(tenants=(tenant,))


def test_a_key_names_at_least_one_tenant() -> None:
    with pytest.raises(ValidationError):
        _stored(tenants=())


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, KeyState.ACTIVE),
        ({"expires": NOON + timedelta(microseconds=1)}, KeyState.ACTIVE),
        ({"expires": NOON}, KeyState.EXPIRED),
        ({"revoked": NOON}, KeyState.REVOKED),
        ({"revoked": NOON, "expires": NOON}, KeyState.REVOKED),
        ({"revoked": NOON + timedelta(days=1)}, KeyState.REVOKED),
    ],
)
def test_a_key_is_active_until_it_expires_or_is_revoked(changes: dict[str, Any], state: KeyState) -> None:
    assert a_key(**changes)[0].state(NOON) is state


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ([KeyState.ACTIVE], 0),
        ([KeyState.REVOKED], None),
        ([KeyState.ACTIVE, KeyState.ACTIVE], 1),
        ([KeyState.ACTIVE, KeyState.REVOKED], 0),
        ([KeyState.EXPIRED, KeyState.ACTIVE], 1),
        ([KeyState.REVOKED, KeyState.EXPIRED, KeyState.ACTIVE], 2),
    ],
)
@pytest.mark.parametrize("is_circle", [False, True])
def test_the_successor_of_a_key_is_the_last_active_key_of_its_rotations(
    states: list[KeyState], found: int | None, is_circle: bool
) -> None:
    changes = {KeyState.ACTIVE: {}, KeyState.REVOKED: {"revoked": NOON}, KeyState.EXPIRED: {"expires": NOON}}
    ids = [new_key_text().id for _ in range(len(states) + 1)]
    following = [*ids[1:], ids[0] if is_circle else None]
    key, *successors = (
        a_key(id=own, replaced_by=after, **changes[state])[0]
        for own, after, state in zip(ids, following, [KeyState.ACTIVE, *states], strict=True)
    )
    expected = None if found is None else successors[found]
    assert valid_successor(key, [*reversed(successors), key], NOON) == expected


def test_a_key_whose_successor_is_gone_or_that_was_never_rotated_has_none() -> None:
    other = a_key()[0]
    assert valid_successor(a_key()[0], [other], NOON) is None
    assert valid_successor(a_key(replaced_by="a" * 12)[0], [other], NOON) is None
