"""Whatever happens between the tries of a webhook, it arrives, under one id; where it may go is asked at every try."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from devhost.local.azurite import Azurite
from exports.adapters.storage.deliveries import TableDeliveryLog
from exports.notifications.delivery import Delivery
from shared.storage import StorageAccount
from tests.faults.conftest import StandIn, StartSystem
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import NORTHWIND, System

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
    """Run an export to its end; its job."""
    body = {
        "columnMappings": [{"csvHeader": "Client", "targetField": "Name"}],
        "filter": {"statuses": ["Inactive"]},
        "notify": {"webhookUrl": receiver.url},
    }
    return system.wait(system.start_async(body))


def deliveries(log: TableDeliveryLog, code: str, count: int) -> list[Delivery]:
    deadline = time.monotonic() + 60
    while len(found := list(log.deliveries(NORTHWIND, code))) < count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_a_webhook_arrives_under_its_id_though_the_host_is_killed_between_tries(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    receiver.statuses = [500, 500]
    system = start_system(**SETTINGS)
    job = start(system, receiver)
    for count in (1, 2):
        deliveries(log, job["code"], count)
        system.kill_host()
        system.start()

    got = receiver.wait_for(3)

    assert len({each.headers["webhook-id"] for each in got}) == 1
    assert deliveries(log, job["code"], 3)[-1].is_delivered


def test_a_webhook_arrives_though_the_host_is_killed_while_the_receiver_thinks(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    """What was sent and not noted is sent again: at least once."""
    receiver.pause_seconds = 2
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


def test_every_step_delivered_twice_sends_twice_at_most_and_under_one_id(
    start_system: StartSystem, doubling_app: StandIn, receiver: Receiver, log: TableDeliveryLog
) -> None:
    root, settings = doubling_app
    job = start(start_system(root, **settings, **SETTINGS), receiver)
    deliveries(log, job["code"], 1)
    time.sleep(1)

    got = list(receiver.received)

    assert 1 <= len(got) <= 2
    assert len({each.headers["webhook-id"] for each in got}) == 1


def test_an_address_that_is_no_longer_allowed_gets_nothing_more(
    start_system: StartSystem, receiver: Receiver, log: TableDeliveryLog
) -> None:
    receiver.statuses = [500]
    system = start_system(**SETTINGS)
    job = start(system, receiver)
    deliveries(log, job["code"], 1)
    system.stop()
    system.settings["EXPORT_WEBHOOK_ALLOW_PRIVATE"] = "false"
    system.start_and_wait()

    second = deliveries(log, job["code"], 2)[-1]

    assert (second.fault, len(receiver.received)) == ("address-refused", 1)
