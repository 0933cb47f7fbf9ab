"""A webhook arrives with one id whatever happens between its tries, and every try checks whether its URL is allowed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from devhost.local.azurite import Azurite
from devhost.local.engine_program import engine_of_systems
from exports.adapters.storage.deliveries import TableDeliveryLog
from exports.notifications.delivery import Delivery
from shared.storage import StorageAccount
from tests.faults.conftest import AppVariant, StartSystem
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import NORTHWIND, System
from tests.support.waiting import wait_until

pytestmark = pytest.mark.thorough

SETTINGS = {
    "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_WEBHOOK_RETRY_SECONDS": "2 2 2",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture
def log(azurite: Azurite) -> Iterator[TableDeliveryLog]:
    account = StorageAccount(azurite.connection_string)
    yield TableDeliveryLog(account)
    account.tables.close()


def start(system: System, receiver: Receiver) -> Any:
    """Run an export to completion; return its job."""
    body = {
        "columnMappings": [{"csvHeader": "Client", "targetField": "Name"}],
        "filter": {"statuses": ["Inactive"]},
        "notify": {"webhookUrl": receiver.url},
    }
    return system.wait(system.start_async(body))


def deliveries(log: TableDeliveryLog, code: str, count: int) -> list[Delivery]:
    """Wait until at least `count` tries are recorded; return all of them."""
    found: list[Delivery] = []

    def enough() -> bool:
        found[:] = log.deliveries(NORTHWIND, code)
        return len(found) >= count

    wait_until(enough, 200, explain=lambda: found)
    return found


def test_a_webhook_arrives_with_one_id_although_the_host_is_killed_between_tries(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    receiver.statuses = [500, 500]
    system = start_system(**SETTINGS)
    job = start(system, receiver)
    for count in (1, 2):
        deliveries(log, job["code"], count)
        system.kill_host()
        system.start()

    received = receiver.wait_for(3)

    assert len({each.headers["webhook-id"] for each in received}) == 1
    assert deliveries(log, job["code"], 3)[-1].is_delivered


def test_a_webhook_arrives_although_the_host_is_killed_during_a_try(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    """A try whose result was not recorded is repeated, so that the webhook is delivered at least once."""
    receiver.pause_seconds = 60
    system = start_system(**SETTINGS)
    job = start(system, receiver)
    receiver.wait_for(1)
    system.kill_host()
    receiver.pause_seconds = 0
    system.start()

    first, second = receiver.wait_for(2)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert deliveries(log, job["code"], 1)[-1].is_delivered


def test_doubled_steps_send_a_webhook_at_most_twice_with_one_id(
    start_system: StartSystem, app_with_doubled_steps: AppVariant, receiver: Receiver, log: TableDeliveryLog
) -> None:
    root, settings = app_with_doubled_steps
    job = start(start_system(root, **settings, **SETTINGS), receiver)
    deliveries(log, job["code"], 1)
    time.sleep(1)

    received = list(receiver.received)

    assert 1 <= len(received) <= 2
    assert len({each.headers["webhook-id"] for each in received}) == 1


def test_a_url_that_is_no_longer_allowed_gets_no_further_try(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    """The second try must not come before the host has stopped, which takes longer on the real Durable extension."""
    pauses = "45" if engine_of_systems() else "15"
    receiver.statuses = [500]
    system = start_system(**{**SETTINGS, "EXPORT_WEBHOOK_RETRY_SECONDS": pauses})
    job = start(system, receiver)
    deliveries(log, job["code"], 1)
    system.stop()
    system.settings["EXPORT_WEBHOOK_ALLOW_PRIVATE"] = "false"
    system.start_and_wait()

    second = deliveries(log, job["code"], 2)[-1]

    assert (second.fault, len(receiver.received)) == ("address-refused", 1)
