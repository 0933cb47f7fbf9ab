"""Webhooks over HTTP, to a real receiver: told of every end, again until taken, verified with the official package."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from shared.standard_webhooks import derive_secret
from tests.e2e.test_bad_input import assert_problem
from tests.support.commands import Finished, run_command
from tests.support.conformance import validate
from tests.support.receiver import HANG_UP, ReceivedRequest, Receiver, a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, running_system, sample_database

MASTER = "a-master-secret-of-more-than-32-characters"
ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
DEVELOPMENT = {
    "EXPORT_WEBHOOK_SECRET": MASTER,
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_WEBHOOK_RETRY_SECONDS": "0.2 0.2 0.2 0.2",
}


@pytest.fixture(scope="module")
def notifying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose receivers may be on this machine, and whose tries come soon after one another.

    Its exports of all fields take many small pages one after another, so that they can be cancelled.
    """
    directory = tmp_path_factory.mktemp("notifying")
    small_pages = {"EXPORT_BLOCK_BYTES": "4096", "EXPORT_WAVE_PAGES": "2"}
    with running_system(directory, sample_database(directory, 1_000), {**small_pages, **DEVELOPMENT}) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def unanswered(notifying: System) -> Iterator[tuple[Receiver, str]]:
    """A receiver that leaves its first request unanswered, and the code of the job.

    It is asked before all tests of this file, since the service waits for it longer than most of them take together.
    """
    with a_receiver() as receiver:
        receiver.pause_seconds = 60
        code = notifying.start_export(asking_for(receiver)).json["code"]
        receiver.wait_for(1)
        receiver.pause_seconds = 0
        yield receiver, code


def asking_for(receiver: Receiver, body: Any = ONE_COLUMN) -> dict[str, Any]:
    return {**body, "notify": {"webhookUrl": f"{receiver.url}?key=s3cret"}}


def verified(got: ReceivedRequest, tenant: str = NORTHWIND) -> Any:
    """The body, if it is signed and as documented."""
    body = Webhook(derive_secret(MASTER, tenant)).verify(got.body, dict(got.headers))
    validate(body, {"$ref": "#/components/schemas/CsvExportEndedDto"})
    return body


def without_link(job: Any) -> Any:
    return {name: value for name, value in job.items() if name != "downloadUrl"}


def webhooks(system: System, *arguments: str) -> Finished:
    return run_command("webhooks", *arguments, EXPORT_STORAGE=system.storage, **DEVELOPMENT)


def tries(system: System, code: str, at_least: int = 1) -> list[Any]:
    """The log of a job's deliveries, once it has so many: a try is logged after its answer."""
    deadline = time.monotonic() + 120
    while True:
        done = webhooks(system, "list", "--tenant", NORTHWIND, "--code", code)
        assert done.code == 0, done.err
        found = [json.loads(line) for line in done.out.splitlines()]
        if len(found) >= at_least or time.monotonic() > deadline:
            return found


# --- which ends are told


@pytest.mark.parametrize("tenant", [NORTHWIND, HARBOUR])
def test_the_receiver_is_told_of_a_completed_job_as_it_is_shown_but_without_its_link(
    notifying: System, receiver: Receiver, tenant: str
) -> None:
    job = notifying.wait(notifying.start_async(asking_for(receiver), tenant))

    (got,) = receiver.wait_for(1)

    assert job["status"] == "Completed"
    assert verified(got, tenant) == without_link(job)
    assert got.path == "/hooks?key=s3cret"
    assert got.headers["content-type"] == "application/json"


def test_the_receiver_is_told_of_a_failed_job_and_why(tmp_path: Path, receiver: Receiver) -> None:
    nowhere = f"sqlite:///{tmp_path}/nowhere/clients.sqlite"
    with running_system(tmp_path, nowhere, {"EXPORT_RETRY_TRIES": "1", **DEVELOPMENT}, healthy=False) as system:
        job = system.wait(system.start_async(asking_for(receiver)))
        (got,) = receiver.wait_for(1)

    assert verified(got) == without_link(job)
    assert (job["status"], job["failure"]["code"]) == ("Failed", "source-unavailable")


def test_a_cancelled_job_is_told_of_and_its_later_completion_under_another_id(
    notifying: System, receiver: Receiver
) -> None:
    location, _ = notifying.start_and_cancel(asking_for(receiver, {}))
    *_, cancelled = receiver.wait_for(1)

    notifying.call("POST", f"{location}/resume")
    job = notifying.wait(location)
    *_, completed = receiver.wait_for(2)

    assert verified(cancelled)["status"] == "Cancelled"
    assert verified(completed) == without_link(job)
    ids = [each.headers["webhook-id"] for each in (cancelled, completed)]
    assert ids == [f"msg_{job['code']}_1_cancelled", f"msg_{job['code']}_2_completed"]


# --- again until it is taken


def test_a_receiver_that_does_not_take_it_gets_it_again_under_the_same_id(
    notifying: System, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, HANG_UP]
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    code = notifying.start_export(asking_for(receiver)).json["code"]

    got = receiver.wait_for(4)

    assert {each.path for each in got} == {"/hooks?key=s3cret"}
    assert len({each.headers["webhook-id"] for each in got}) == 1
    assert len({each.body for each in got}) == 1
    assert all(verified(each)["status"] == "Completed" for each in got)
    logged = tries(notifying, code, at_least=4)
    assert [(each["number"], each["status"], each["fault"]) for each in logged] == [
        (1, 500, None),
        (2, 302, None),
        (3, None, "no-answer"),
        (4, 204, None),
    ]


def test_a_receiver_that_wants_no_more_gets_no_more(notifying: System, receiver: Receiver) -> None:
    receiver.statuses = [410]
    code = notifying.start_export(asking_for(receiver)).json["code"]
    receiver.wait_for(1)
    time.sleep(1)

    assert len(receiver.received) == 1
    assert [each["status"] for each in tries(notifying, code)] == [410]


def test_what_was_given_up_can_be_sent_again_by_command_under_the_same_id(
    notifying: System, receiver: Receiver
) -> None:
    receiver.statuses = [500] * 5
    code = notifying.start_export(asking_for(receiver)).json["code"]
    receiver.wait_for(5)
    tries(notifying, code, at_least=5)

    done = webhooks(notifying, "replay", "--tenant", NORTHWIND, "--code", code)

    assert (done.code, done.err) == (0, "")
    got = receiver.wait_for(6)
    assert len({each.headers["webhook-id"] for each in got}) == 1
    assert verified(got[-1])["code"] == code
    assert [each["number"] for each in tries(notifying, code, at_least=6)] == [1, 2, 3, 4, 5, 0]


def test_the_secret_that_the_command_prints_verifies(notifying: System, receiver: Receiver) -> None:
    notifying.start_export(asking_for(receiver))
    (got,) = receiver.wait_for(1)

    secret = webhooks(notifying, "secret", "--tenant", NORTHWIND).out.strip()

    assert Webhook(secret).verify(got.body, dict(got.headers))


# --- who may see the URL, and which may be named


def test_the_url_is_shown_nowhere(notifying: System, receiver: Receiver) -> None:
    answer = notifying.start_export(asking_for(receiver))
    location, code = answer.headers["location"], answer.json["code"]
    receiver.wait_for(1)
    logged = tries(notifying, code)

    shown = [notifying.call("GET", f"{location}{path}").body for path in ("", "/manifest")]
    shown += [notifying.call("GET", f"/tenants/{NORTHWIND}/clients/export/csv").body]
    shown += [answer.body, json.dumps(logged).encode(), notifying.log.encode()]

    assert logged[0]["origin"] == f"http://127.0.0.1:{receiver.port}"
    assert all(code.encode() in each for each in shown)
    assert not any(b"s3cret" in each for each in shown)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://10.0.0.1/hooks", "public Internet"),
        ("https://169.254.169.254/metadata/instance", "public Internet"),
        ("https://[::1]/", "public Internet"),
        ("https://localhost/hooks", "public Internet"),
        ("http://hooks.example/", "Use https"),
        ("hooks.example", "absolute URL"),
    ],
)
def test_a_url_that_may_not_be_named_is_400_and_pointed_at(system: System, url: str, said: str) -> None:
    answer = system.start_export({"notify": {"webhookUrl": url}})

    assert_problem(answer, 400, "invalid-request")
    (fault,) = answer.json["errors"]
    assert fault["pointer"] == "/notify/webhookUrl"
    assert said in fault["detail"]


# --- what takes longest


@pytest.mark.slow
def test_a_receiver_that_never_answers_is_left_and_gets_it_again(
    notifying: System, unanswered: tuple[Receiver, str]
) -> None:
    receiver, code = unanswered

    first, second = receiver.wait_for(2)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [each["fault"] for each in tries(notifying, code, at_least=2)] == ["timeout", None]
