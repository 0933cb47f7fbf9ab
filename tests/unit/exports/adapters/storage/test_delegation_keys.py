"""When a user delegation key is requested, kept and renewed. Its use in a link is tested against Azurite."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError
from azure.storage.blob import UserDelegationKey

from exports.adapters.storage import delegation_keys
from exports.adapters.storage.delegation_keys import DelegationKeys
from exports.errors import StorageUnavailableError

MINUTE = timedelta(minutes=1)


class Account:
    """A storage account that issues keys, or answers with these errors first."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.requested: list[tuple[datetime, datetime]] = []
        self.blobs = self

    def get_user_delegation_key(self, start: datetime, expiry: datetime) -> UserDelegationKey:
        self.requested.append((start, expiry))
        if self.errors:
            raise self.errors.pop(0)
        return UserDelegationKey()  # type: ignore[no-untyped-call]


def _keys(account: Any) -> DelegationKeys:
    return DelegationKeys(account)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which the test does not wait for."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def _at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    clock = type("Clock", (datetime,), {"now": staticmethod(lambda zone=None: moment)})
    monkeypatch.setattr(delegation_keys, "datetime", clock)


def test_a_key_begins_a_quarter_of_an_hour_back_and_ends_short_of_seven_days() -> None:
    account, now = Account(), datetime.now(UTC)
    _keys(account).key_until(now + 15 * MINUTE)
    ((start, expiry),) = account.requested
    assert abs(start - (now - 15 * MINUTE)) < MINUTE
    assert now + timedelta(days=6) < expiry < now + timedelta(days=7) - 14 * MINUTE


def test_a_key_is_kept_as_long_as_it_outlives_every_link(monkeypatch: pytest.MonkeyPatch) -> None:
    account, begun = Account(), datetime.now(UTC)
    keys = _keys(account)
    for hours in (0, 1, 100, 167):
        _at(monkeypatch, begun + timedelta(hours=hours))
        keys.key_until(begun + timedelta(hours=hours) + 15 * MINUTE)
    assert len(account.requested) == 1

    _at(monkeypatch, begun + timedelta(hours=167.5))
    keys.key_until(begun + timedelta(hours=167.5) + 15 * MINUTE)
    assert len(account.requested) == 2


def test_many_threads_request_one_key() -> None:
    account = Account()
    keys = _keys(account)
    threads = [Thread(target=keys.key_until, args=(datetime.now(UTC),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(account.requested) == 1


@pytest.mark.parametrize("refusal", [HttpResponseError, ClientAuthenticationError])
def test_a_refused_request_for_a_key_is_sent_again(refusal: Callable[[str], Exception], pauses: list[float]) -> None:
    account = Account(refusal("not yet"), refusal("not yet"))
    assert _keys(account).key_until(datetime.now(UTC))
    assert (len(account.requested), pauses) == (3, [0.5, 1.0])


def test_after_three_refusals_storage_counts_as_unavailable() -> None:
    account = Account(*[HttpResponseError("no")] * 3)
    keys = _keys(account)
    with pytest.raises(StorageUnavailableError, match="refused a key"):
        keys.key_until(datetime.now(UTC))
    assert keys.key_until(datetime.now(UTC))


def test_a_key_that_storage_does_not_answer_for_is_unavailable_at_once(pauses: list[float]) -> None:
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        _keys(Account(ServiceRequestError("gone"))).key_until(datetime.now(UTC))
    assert pauses == []
