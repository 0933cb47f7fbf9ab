"""A receiver that hangs holds up neither the exports of other tenants nor the webhooks of other receivers."""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from exports.notifications.sending_room import TRIES_OF_A_TENANT
from shared.outbound import TIMEOUT_SECONDS
from tests.faults.conftest import StartSystem, app_variant
from tests.support.commands import run_command
from tests.support.receiver import Receiver, a_receiver
from tests.support.system import HARBOUR, NORTHWIND, System, code_of
from tests.support.tar_pit import TarPit, a_tar_pit, accept, drip, pour, stay_silent
from tests.support.waiting import wait_until

pytestmark = pytest.mark.thorough

JOBS, WORKERS = 100, 2
SECONDS_OF_A_SLOT = 0.7 * TIMEOUT_SECONDS
"""Far more than nine of ten steps hold a slot on a busy machine, and still less than the time limit of a try."""
PROMPT_SECONDS = 60
PAUSE_SECONDS = 4 * TIMEOUT_SECONDS
"""How much later an export may end. On a slow machine the work of a hundred retries alone took 15 seconds."""
SETTINGS = {
    "EXPORT_WEBHOOK_SECRET": "a-master-secret-of-more-than-32-characters",
    "EXPORT_WEBHOOK_ALLOW_PRIVATE": "true",
    "EXPORT_WEBHOOK_RETRY_SECONDS": "2 10 20 30 60 60 60 60 60 60 60 60",
    "EXPORT_MAX_ACTIVE_JOBS": "500",
    "EXPORT_WAIT_SECONDS": "0",
}
_log = logging.getLogger(__name__)


@pytest.fixture
def sends(tmp_path: Path) -> Path:
    return tmp_path / "sends"


@pytest.fixture
def system(start_system: StartSystem, tmp_path: Path, sends: Path) -> System:
    root, settings = app_variant(tmp_path / "timed", "app_with_timed_sends.py")
    return start_system(root, **settings, **SETTINGS, SEND_LOG=str(sends))


@pytest.fixture
def pit() -> Iterator[TarPit]:
    with a_tar_pit() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as running:
        yield running


def small_job(url: str) -> dict[str, Any]:
    return {
        "columnMappings": [{"csvHeader": "Client", "targetField": "Name"}],
        "filter": {"teamCodes": ["no-such-team"]},
        "notify": {"webhookUrl": url},
    }


def start_many(system: System, url: str, count: int = JOBS) -> list[str]:
    """Run many small jobs of a tenant; return their codes when all of them have ended."""
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: system.start_async(small_job(url)), range(count)))
    assert {system.wait(job)["status"] for job in jobs} == {"Completed"}
    return [code_of(job) for job in jobs]


def seconds_of_an_export(system: System) -> float:
    began = time.monotonic()
    job = system.wait(system.start_async(tenant=HARBOUR))
    assert job["status"] == "Completed", job
    return time.monotonic() - began


def tries(system: System, code: str) -> list[Any]:
    done = run_command(
        "webhooks", "list", "--tenant", NORTHWIND, "--code", code, EXPORT_STORAGE=system.storage, **SETTINGS
    )
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.timeout(900)
def test_a_hundred_jobs_with_a_hanging_receiver_hold_up_no_other_tenant(
    system: System, pit: TarPit, receiver: Receiver, sends: Path
) -> None:
    seconds_of_an_export(system)
    alone = statistics.median(seconds_of_an_export(system) for _ in range(5))
    codes = start_many(system, pit.url)
    beside = statistics.median(seconds_of_an_export(system) for _ in range(5))

    began = time.monotonic()
    for tenant in (NORTHWIND, HARBOUR):
        system.start_async(small_job(receiver.url), tenant)
    receiver.wait_for(2)
    prompt = time.monotonic() - began
    held = [float(line) for line in sends.read_text().splitlines()]
    hung = len(pit.ids)

    pit.answer = accept
    arrived = wait_until(lambda: len(set(pit.accepted)) >= JOBS and set(pit.accepted), 300, explain=lambda: pit)
    shown = tries(system, codes[0])

    _log.info(
        "an export alone: %.2f s, beside %d jobs with a hanging receiver: %.2f s; %d tries hung, at most %d at once; "
        "%d steps held a slot for %.2f s in the median, %.2f s at most; other webhooks arrived after %.1f s",
        *(alone, JOBS, beside, hung, pit.most_open, len(held), statistics.median(held), max(held), prompt),
    )
    assert beside < 3 * alone + PAUSE_SECONDS, "a hanging receiver holds up exports"
    assert statistics.quantiles(held, n=10)[-1] < SECONDS_OF_A_SLOT
    assert 1 <= pit.most_open <= TRIES_OF_A_TENANT * WORKERS
    assert prompt < PROMPT_SECONDS
    assert arrived == {f"msg_{code}_1_completed" for code in codes}
    assert shown[-1]["status"] == 204
    assert {each["fault"] for each in shown[:-1]} <= {"timeout", "no-room", "resting"}


@pytest.mark.parametrize(
    ("answer", "first"),
    [(stay_silent, (None, "timeout")), (drip, (None, "timeout")), (pour, (200, None))],
    ids=["silent", "a-byte-a-second", "endless-body"],
)
def test_the_list_says_how_a_receiver_answered_that_hung_or_sent_without_end(
    system: System, pit: TarPit, answer: Callable[..., None], first: tuple[int | None, str | None]
) -> None:
    pit.answer = answer
    (code,) = start_many(system, pit.url, 1)

    found = wait_until(lambda: tries(system, code), poll_seconds=1)

    assert (found[0]["status"], found[0]["fault"]) == first
    assert found[0]["milliseconds"] < 2 * TIMEOUT_SECONDS * 1000


def test_a_command_sends_a_webhook_again_while_its_receiver_rests(
    system: System, pit: TarPit, receiver: Receiver
) -> None:
    codes = start_many(system, pit.url, 6)

    def faults() -> set[str | None]:
        return {each["fault"] for code in codes for each in tries(system, code)}

    wait_until(lambda: "resting" in faults(), poll_seconds=1)
    pit.answer = accept

    done = run_command(
        *("webhooks", "replay", "--tenant", NORTHWIND, "--code", codes[0]), EXPORT_STORAGE=system.storage, **SETTINGS
    )

    assert (done.code, done.err) == (0, "")
    assert f"msg_{codes[0]}_1_completed" in pit.accepted
    wait_until(lambda: len(set(pit.accepted)) == len(codes))
    assert pit.accepted.count(f"msg_{codes[0]}_1_completed") == 1
