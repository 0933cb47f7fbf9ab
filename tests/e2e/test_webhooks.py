"""Webhooks to a real receiver: sent for every end, retried until accepted, and verified with the official package."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from shared.standard_webhooks import derive_secret
from tests.e2e.test_bad_input import assert_problem
from tests.support.commands import Finished, run_command
from tests.support.conformance import validate
from tests.support.receiver import HANG_UP, ReceivedRequest, Receiver, a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, running_system, sample_database
from tests.support.waiting import wait_until

MASTER = "a-master-secret-of-more-than-32-characters"
ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
DEVELOPMENT = {
    "EXPORT_WEBHOOK_SECRET": MASTER,
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_WEBHOOK_RETRY_SECONDS": "0.2 0.2 0.2 0.2",
}


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that allows receivers on this machine and has short pauses between tries.

    Its exports of all fields have many small pages in small waves, so that a test can cancel them.
    """
    directory = tmp_path_factory.mktemp("webhooks")
    small_pages = {"EXPORT_BLOCK_BYTES": "4096", "EXPORT_WAVE_PAGES": "2"}
    settings = {**small_pages, **DEVELOPMENT}
    with running_system(directory, sample_database(directory, 1_000), settings, workers=1) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def unresponsive(sender: System) -> Iterator[tuple[Receiver, str]]:
    """A receiver that does not respond to its first request, and the code of the job.

    It gets the request before all tests of this file, because the service waits longer for it than most of them take
    together.
    """
    with a_receiver() as receiver:
        receiver.pause_seconds = 60
        code = sender.start_export(body_with_webhook(receiver)).json["code"]
        receiver.wait_for(1)
        receiver.pause_seconds = 0
        yield receiver, code


def body_with_webhook(receiver: Receiver, body: Any = ONE_COLUMN) -> dict[str, Any]:
    return {**body, "notify": {"webhookUrl": f"{receiver.url}?key=s3cret"}}


def verified(received: ReceivedRequest, tenant: str = NORTHWIND) -> Any:
    """Check that a webhook is signed and documented; return its body."""
    body = Webhook(derive_secret(MASTER, tenant)).verify(received.body, dict(received.headers))
    validate(body, {"$ref": "#/components/schemas/CsvExportEndedDto"})
    return body


def as_sent(job: Any) -> Any:
    """Return what a receiver gets of a job: neither the link, nor who asked for what, nor what a resume would keep."""
    kept_back = {"downloadUrl", "createdBy", "mappingName", "columnCount", "filter", "request"}
    sent = {name: value for name, value in job.items() if name not in kept_back}
    return sent | {"keptItems": None} if job["resumableUntil"] else sent


def webhooks(system: System, *arguments: str) -> Finished:
    return run_command("webhooks", *arguments, EXPORT_STORAGE=system.storage, **DEVELOPMENT)


def tries(system: System, code: str, at_least: int = 1) -> list[Any]:
    """Wait until the log has at least so many tries of a job, and return them. A try is logged after its response."""

    def found() -> list[Any] | None:
        done = webhooks(system, "list", "--tenant", NORTHWIND, "--code", code)
        assert done.code == 0, done.err
        lines = [json.loads(line) for line in done.out.splitlines()]
        return lines if len(lines) >= at_least else None

    return wait_until(found) or []


# --- which ends are sent


@pytest.mark.parametrize("tenant", [NORTHWIND, HARBOUR])
def test_the_webhook_of_a_completed_job_has_the_job_without_its_link(
    sender: System, receiver: Receiver, tenant: str
) -> None:
    job = sender.wait(sender.start_async(body_with_webhook(receiver), tenant))

    (received,) = receiver.wait_for(1)

    assert job["status"] == "Completed"
    assert verified(received, tenant) == as_sent(job)
    assert received.path == "/hooks?key=s3cret"
    assert received.headers["content-type"] == "application/json"


def test_a_cancellation_and_a_later_completion_send_webhooks_with_different_ids(
    sender: System, receiver: Receiver
) -> None:
    location, _ = sender.start_and_cancel(body_with_webhook(receiver, {}))
    *_, cancelled = receiver.wait_for(1)

    sender.call("POST", f"{location}/resume")
    job = sender.wait(location)
    *_, completed = receiver.wait_for(2)

    assert verified(cancelled)["status"] == "Cancelled"
    assert verified(completed) == as_sent(job)
    ids = [each.headers["webhook-id"] for each in (cancelled, completed)]
    assert ids == [f"msg_{job['code']}_1_cancelled", f"msg_{job['code']}_2_completed"]


# --- retries until it is accepted


def test_a_refused_webhook_is_sent_again_with_the_same_id(sender: System, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, HANG_UP]
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    code = sender.start_export(body_with_webhook(receiver)).json["code"]

    received = receiver.wait_for(4)

    assert {each.path for each in received} == {"/hooks?key=s3cret"}
    assert len({each.headers["webhook-id"] for each in received}) == 1
    assert len({each.body for each in received}) == 1
    assert all(verified(each)["status"] == "Completed" for each in received)
    logged = tries(sender, code, at_least=4)
    assert [(each["number"], each["status"], each["fault"]) for each in logged] == [
        (1, 500, None),
        (2, 302, None),
        (3, None, "no-answer"),
        (4, 204, None),
    ]


def test_a_receiver_that_responds_with_410_gets_no_further_try(sender: System, receiver: Receiver) -> None:
    receiver.statuses = [410]
    code = sender.start_export(body_with_webhook(receiver)).json["code"]
    receiver.wait_for(1)
    time.sleep(1)

    assert len(receiver.received) == 1
    assert [each["status"] for each in tries(sender, code)] == [410]


def test_a_command_sends_an_abandoned_webhook_again_with_the_same_id(sender: System, receiver: Receiver) -> None:
    receiver.statuses = [500] * 5
    code = sender.start_export(body_with_webhook(receiver)).json["code"]
    receiver.wait_for(5)
    tries(sender, code, at_least=5)

    done = webhooks(sender, "replay", "--tenant", NORTHWIND, "--code", code)

    assert (done.code, done.err) == (0, "")
    received = receiver.wait_for(6)
    assert len({each.headers["webhook-id"] for each in received}) == 1
    assert verified(received[-1])["code"] == code
    assert [each["number"] for each in tries(sender, code, at_least=6)] == [1, 2, 3, 4, 5, 0]


def test_the_secret_from_the_command_verifies_a_webhook(sender: System, receiver: Receiver) -> None:
    sender.start_export(body_with_webhook(receiver))
    (received,) = receiver.wait_for(1)

    secret = webhooks(sender, "secret", "--tenant", NORTHWIND).out.strip()

    assert Webhook(secret).verify(received.body, dict(received.headers))


# --- where the URL is shown, and which URLs are allowed


def test_the_webhook_url_is_never_shown(sender: System, receiver: Receiver) -> None:
    response = sender.start_export(body_with_webhook(receiver))
    location, code = response.headers["location"], response.json["code"]
    receiver.wait_for(1)
    logged = tries(sender, code)

    shown = [sender.call("GET", f"{location}{path}").body for path in ("", "/manifest")]
    shown += [sender.call("GET", f"/tenants/{NORTHWIND}/clients/export/csv").body]
    shown += [response.body, json.dumps(logged).encode(), sender.log.encode()]

    assert logged[0]["origin"] == f"http://127.0.0.1:{receiver.port}"
    assert all(code.encode() in each for each in shown)
    assert not any(b"s3cret" in each for each in shown)


@pytest.mark.parametrize(
    ("url", "explanation"),
    [
        ("https://10.0.0.1/hooks", "public Internet"),
        ("https://169.254.169.254/metadata/instance", "public Internet"),
        ("https://[::1]/", "public Internet"),
        ("https://localhost/hooks", "public Internet"),
        ("http://hooks.example/", "Use https"),
        ("hooks.example", "absolute URL"),
    ],
)
def test_a_forbidden_url_is_400_with_its_pointer(system: System, url: str, explanation: str) -> None:
    response = system.start_export({"notify": {"webhookUrl": url}})

    assert_problem(response, 400, "invalid-request")
    (fault,) = response.json["errors"]
    assert fault["pointer"] == "/notify/webhookUrl"
    assert explanation in fault["detail"]


# --- the longest test


@pytest.mark.slow
def test_a_try_without_a_response_times_out_and_is_repeated(sender: System, unresponsive: tuple[Receiver, str]) -> None:
    receiver, code = unresponsive

    first, second = receiver.wait_for(2)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [each["fault"] for each in tries(sender, code, at_least=2)] == ["timeout", None]
