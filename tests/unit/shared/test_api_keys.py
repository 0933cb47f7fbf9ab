"""API keys: found by what only their owner knows."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import ValidationError

from shared.api_keys import ApiKey, find_key, hash_key, new_key


def _a_key(text: str, *tenants: str) -> ApiKey:
    return ApiKey(hash=hash_key(text), tenants=tenants or ("tenant",))


KEYS = (_a_key("one", "a"), _a_key("two", "b"), _a_key("ключ 🔑", "c"))


@pytest.mark.parametrize(("presented", "tenant"), [("one", "a"), ("two", "b"), ("ключ 🔑", "c")])
def test_a_key_is_found_by_its_text(presented: str, tenant: str) -> None:
    found = find_key(presented, KEYS)
    assert found is not None
    assert found.tenants == (tenant,)


@pytest.mark.parametrize("presented", ["", "One", "one ", "on", "three", KEYS[0].hash, "\0"])
def test_another_text_opens_nothing(presented: str) -> None:
    assert find_key(presented, KEYS) is None


def test_without_keys_nothing_opens() -> None:
    assert find_key("one", ()) is None


def test_of_two_entries_of_a_key_the_first_counts() -> None:
    found = find_key("one", [_a_key("one", "first"), _a_key("one", "second")])
    assert found is not None
    assert found.tenants == ("first",)


def test_a_hash_is_salted_and_does_not_hold_the_key() -> None:
    assert hash_key("one") != hash_key("one")
    assert "one" not in hash_key("one")


def test_a_hash_made_elsewhere_as_documented_is_understood() -> None:
    salt = bytes(range(8))
    digest = hashlib.sha256(salt + b"one").hexdigest()
    assert find_key("one", [ApiKey(hash=f"sha256${salt.hex()}${digest}", tenants=("a",))])


def test_new_keys_are_long_and_differ() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert min(map(len, keys)) >= 43


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
def test_what_is_no_hash_is_refused_when_it_is_read(hashed: str) -> None:
    with pytest.raises(ValidationError):
        ApiKey(hash=hashed, tenants=("a",))


@pytest.mark.parametrize("tenant", ["", "..", "a/b", "a\\b", "a#b", "a?b", "a b", "-a", ".a", "é", "a" * 64, "a\n"])
def test_a_tenant_that_could_not_be_part_of_a_path_is_refused(tenant: str) -> None:
    with pytest.raises(ValidationError):
        ApiKey(hash=hash_key("one"), tenants=(tenant,))


def test_a_key_opens_at_least_one_tenant() -> None:
    with pytest.raises(ValidationError):
        ApiKey(hash=hash_key("one"), tenants=())
