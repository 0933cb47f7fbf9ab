"""What every `DeliveryLog` promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from exports.adapters.storage.deliveries import TableDeliveryLog
from exports.errors import StorageUnavailableError
from exports.notifications.delivery import Delivery
from exports.ports.webhooks import DeliveryLog
from shared.storage import StorageAccount
from tests.support.builders import NOON
from tests.support.fake_webhooks import MemoryDeliveryLog


@pytest.fixture(params=["memory", "azurite"])
def log(request: pytest.FixtureRequest) -> DeliveryLog:
    if request.param == "memory":
        return MemoryDeliveryLog()
    return TableDeliveryLog(request.getfixturevalue("account"), table=f"deliveries{uuid4().hex}")


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


def test_without_deliveries_there_are_none(log: DeliveryLog) -> None:
    assert list(log.deliveries("tenant")) == []
    assert list(log.deliveries("tenant", "7aaa")) == []


@pytest.mark.parametrize("changes", [{}, {"status": None, "fault": "timeout"}, {"attempt": 12, "number": 0}])
def test_a_delivery_comes_back_as_it_was(log: DeliveryLog, changes: dict[str, Any]) -> None:
    delivery = a_delivery(**changes)
    log.append(delivery)
    assert list(log.deliveries("tenant")) == [delivery]


def test_those_of_a_job_come_oldest_first_attempt_by_attempt(log: DeliveryLog) -> None:
    kept = [
        a_delivery(attempt=attempt, moment=NOON + timedelta(seconds=seconds))
        for attempt, seconds in ((1, 0), (1, 0.001), (1, 300), (2, 100), (10, 5))
    ]
    for delivery in reversed(kept):
        log.append(delivery)
    assert list(log.deliveries("tenant", "7aaa")) == kept


def test_jobs_come_in_the_order_of_their_codes_which_is_newest_first(log: DeliveryLog) -> None:
    for code in ("7c", "7a", "7b"):
        log.append(a_delivery(code=code))
    assert [each.code for each in log.deliveries("tenant")] == ["7a", "7b", "7c"]


def test_only_those_of_the_job_are_given_if_one_is_named(log: DeliveryLog) -> None:
    for code in ("7aa", "7aaa", "7aab", "7aaaa", "6aaa"):
        log.append(a_delivery(code=code))
    assert [each.code for each in log.deliveries("tenant", "7aaa")] == ["7aaa"]


def test_tenants_do_not_see_each_others_deliveries(log: DeliveryLog) -> None:
    log.append(a_delivery(tenant="other"))
    assert list(log.deliveries("tenant")) == []
    assert list(log.deliveries("tenant", "7aaa")) == []


def test_a_try_that_ran_twice_is_there_twice(log: DeliveryLog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, [a_delivery()] * 16))
    assert list(log.deliveries("tenant", "7aaa")) == [a_delivery()] * 16


def test_those_of_a_job_can_be_removed_and_no_others(log: DeliveryLog) -> None:
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


def test_there_is_no_way_to_change_a_delivery() -> None:
    promised = {name for name in vars(DeliveryLog) if not name.startswith("_")}
    assert promised == {"append", "deliveries", "purge"}
    assert {name for name in dir(TableDeliveryLog) if not name.startswith("_")} == promised


def test_a_log_that_does_not_answer_can_be_tried_again(unreachable: StorageAccount) -> None:
    log = TableDeliveryLog(unreachable)
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.append(a_delivery())
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        list(log.deliveries("tenant"))
    with pytest.raises(StorageUnavailableError, match="did not answer"):
        log.purge("tenant", "7aaa")
