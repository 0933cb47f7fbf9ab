"""Saves schedules of a running system over HTTP, and changes stored dates so that a test need not wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from exports.adapters.storage.jobs import TableJobStore
from exports.adapters.storage.schedules import TableScheduleStore
from exports.schedules.schedule import Schedule
from shared.storage import StorageAccount
from tests.support.named_resources import Collection
from tests.support.system import EXPORT, HARBOUR, KEY, System

ONE_COLUMN = {"columnMappings": [{"csvHeader": "Client", "targetField": "Name"}]}
YEARLY = Collection("/clients/export/schedules", {"name": "Yearly", "cron": "30 6 1 1 *", "request": ONE_COLUMN})
_DEADLINE_SECONDS = 120


def save(system: System, tenant: str = HARBOUR, **changes: Any) -> str:
    """Save a schedule with one slot a year. Return its URL."""
    return YEARLY.create(system, tenant, **changes).headers["location"]


def fire(system: System) -> None:
    """Fire the timer of schedules now."""
    assert system.call("POST", f"{system.url}/admin/functions/tick", {}, key=KEY).status == 202


def wait_for_run(system: System, location: str, after: str | None = None) -> Any:
    """Wait until a schedule has started an export other than `after`, and until that export has ended."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if (code := system.job(location)["lastJobCode"]) not in (None, after):
            return system.wait(f"{location.partition('/clients/')[0]}{EXPORT}/{code}")
        time.sleep(0.1)
    raise AssertionError(system.host.tail(40))


class StoreEditor:
    """Changes stored schedules and jobs as if time had passed."""

    def __init__(self, account: StorageAccount) -> None:
        self.jobs = TableJobStore(account)
        self.schedules = TableScheduleStore(account)

    def let_slot_come(self, location: str, minutes_ago: int = 0) -> datetime:
        """Move the next slot of a schedule to this minute or to an earlier one. Return the slot."""
        slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
        self._change(location, lambda schedule: schedule.with_state(next_slot=slot))
        return slot

    def let_time_pass(self, location: str, span: timedelta) -> None:
        """Make the last job of a schedule older and the schedule due."""

        def alter(schedule: Schedule) -> Schedule:
            self.jobs.change(
                schedule.tenant,
                schedule.last_code or "",
                lambda job: replace(job, created_date=job.created_date - span),
            )
            return schedule.with_state(check_date=datetime.now(UTC).replace(microsecond=0))

        self._change(location, alter)

    def jobs_of(self, location: str) -> list[str]:
        """Return the codes of all jobs that a schedule has started."""
        code = location.rpartition("/")[2]
        return [job.code for job in self.jobs.list(HARBOUR, 1000) if job.schedule_code == code]

    def _change(self, location: str, alter: Callable[[Schedule], Schedule]) -> None:
        self.schedules.change(HARBOUR, location.rpartition("/")[2], alter)


@contextmanager
def edit_stores(connection_string: str) -> Iterator[StoreEditor]:
    """Open the stores of the emulator to change schedules and jobs in them."""
    account = StorageAccount(connection_string)
    with closing(account.tables):
        yield StoreEditor(account)
