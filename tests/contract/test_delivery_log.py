"""The contract of `DeliveryLog`, tested on the fake and on the real adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from exports.adapters.storage.deliveries import TableDeliveryLog
from exports.errors import StorageUnavailableError
from exports.notifications.delivery import Delivery
from exports.ports.webhooks import DeliveryLog
from shared.storage import StorageAccount
from tests.contract.either_store import memory_or_azurite
from tests.support.builders import NOON
from tests.support.fake_webhooks import MemoryDeliveryLog

log = memory_or_azurite(MemoryDeliveryLog, TableDeliveryLog)


def a_delivery(**changes: Any) -> Delivery:
    delivery = Delivery(
        tenant="tenant",
        code="7aaa",
        attempt=1,
        number=1,
        moment=NOON,
        event_id="msg_7aaa_1_completed",
        origin="https://hooks.example",
        status=204,
        fault=None,
        milliseconds=12,
    )
    return delivery.model_copy(update=changes)


def test_an_empty_log_has_no_deliveries(log: DeliveryLog) -> None:
    assert list(log.deliveries("tenant")) == []
    assert list(log.deliveries("tenant", "7aaa")) == []


@pytest.mark.parametrize("changes", [{}, {"status": None, "fault": "timeout"}, {"attempt": 12, "number": 0}])
def test_a_delivery_is_read_back_unchanged(log: DeliveryLog, changes: dict[str, Any]) -> None:
    delivery = a_delivery(**changes)
    log.append(delivery)
    assert list(log.deliveries("tenant")) == [delivery]


def test_deliveries_for_a_job_are_listed_by_attempt_and_then_oldest_first(log: DeliveryLog) -> None:
    kept = [
        a_delivery(attempt=attempt, moment=NOON + timedelta(seconds=seconds))
        for attempt, seconds in ((1, 0), (1, 0.001), (1, 300), (2, 100), (10, 5))
    ]
    for delivery in reversed(kept):
        log.append(delivery)
    assert list(log.deliveries("tenant", "7aaa")) == kept


def test_deliveries_are_listed_by_job_code_which_is_newest_first(log: DeliveryLog) -> None:
    for code in ("7c", "7a", "7b"):
        log.append(a_delivery(code=code))
    assert [each.code for each in log.deliveries("tenant")] == ["7a", "7b", "7c"]


def test_deliveries_for_one_job_do_not_include_those_for_others(log: DeliveryLog) -> None:
    for code in ("7aa", "7aaa", "7aab", "7aaaa", "6aaa"):
        log.append(a_delivery(code=code))
    assert [each.code for each in log.deliveries("tenant", "7aaa")] == ["7aaa"]


def test_tenants_do_not_see_each_others_deliveries(log: DeliveryLog) -> None:
    log.append(a_delivery(tenant="other"))
    assert list(log.deliveries("tenant")) == []
    assert list(log.deliveries("tenant", "7aaa")) == []


def test_a_try_that_ran_twice_has_two_entries(log: DeliveryLog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, [a_delivery()] * 16))
    assert list(log.deliveries("tenant", "7aaa")) == [a_delivery()] * 16


def test_purging_a_job_removes_its_deliveries_and_no_others(log: DeliveryLog) -> None:
    for code, tenant in (
        ("7aa", "tenant"),
        ("7aaa", "tenant"),
        ("7aaa", "tenant"),
        ("7aaaa", "tenant"),
        ("7aaa", "other"),
    ):
        log.append(a_delivery(code=code, tenant=tenant))
    for _ in range(2):
        log.purge("tenant", "7aaa")
    assert [each.code for each in log.deliveries("tenant")] == ["7aa", "7aaaa"]
    assert [each.code for each in log.deliveries("other")] == ["7aaa"]


def test_the_log_offers_no_way_to_change_a_delivery() -> None:
    promised = {name for name in vars(DeliveryLog) if not name.startswith("_")}
    assert promised == {"append", "deliveries", "purge"}
    assert {name for name in dir(TableDeliveryLog) if not name.startswith("_")} == promised


def test_an_unreachable_log_raises_a_retryable_error(unreachable: StorageAccount) -> None:
    log = TableDeliveryLog(unreachable)
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.append(a_delivery())
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        list(log.deliveries("tenant"))
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.purge("tenant", "7aaa")
