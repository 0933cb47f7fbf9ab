"""Webhooks over HTTP, to a real receiver: told of every end, again until taken, verified with the official package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from devhost.local.azurite import Azurite
from shared.standard_webhooks import derive_secret
from tests.support.receiver import Got, Receiver, a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, app_settings, sample_database

MASTER = "a master secret of more than 32 characters".replace(" ", "-")
ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
PAUSES = "0.2 0.2 0.2 0.2"


@pytest.fixture(scope="module")
def notifying(tmp_path_factory: pytest.TempPathFactory, azurite: Azurite) -> Iterator[System]:
    """A system whose receivers may be on this machine, and whose tries come soon after one another."""
    directory = tmp_path_factory.mktemp("notifying")
    settings = app_settings(
        azurite.connection_string,
        sample_database(directory, 400),
        EXPORT_WEBHOOK_SECRET=MASTER,
        EXPORT_WEBHOOK_ALLOW_PRIVATE="true",
        EXPORT_WEBHOOK_RETRY_SECONDS=PAUSES,
    )
    system = System(directory, settings)
    try:
        system.start_and_wait()
        yield system
    finally:
        system.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


def asking_for(receiver: Receiver) -> dict[str, Any]:
    return {**ONE_COLUMN, "notify": {"webhookUrl": f"{receiver.url}?key=s3cret"}}


def verified(got: Got, tenant: str = NORTHWIND) -> Any:
    return Webhook(derive_secret(MASTER, tenant)).verify(got.body, dict(got.headers))


def without_link(job: Any) -> Any:
    return {name: value for name, value in job.items() if name != "downloadUrl"}


@pytest.mark.parametrize("tenant", [NORTHWIND, HARBOUR])
def test_the_receiver_is_told_of_a_completed_job_as_it_is_shown_but_without_its_link(
    notifying: System, receiver: Receiver, tenant: str
) -> None:
    answer = notifying.start_export(asking_for(receiver), tenant)
    assert answer.status == 201, answer

    (got,) = receiver.wait_for(1)

    assert verified(got, tenant) == without_link(answer.json)
    assert got.path == "/hooks?key=s3cret"
    assert got.headers["content-type"] == "application/json"
    assert b"sig=" not in got.body


def test_a_receiver_that_fails_twice_gets_it_a_third_time_under_the_same_id(
    notifying: System, receiver: Receiver
) -> None:
    receiver.answers = [500, 302]
    notifying.start_export(asking_for(receiver))

    tries = receiver.wait_for(3)

    assert len({each.headers["webhook-id"] for each in tries}) == 1
    assert len({each.body for each in tries}) == 1
    assert all(verified(each)["status"] == "Completed" for each in tries)
