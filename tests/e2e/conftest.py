"""Starts the longest wait of this folder, for a slot of a schedule, before all of its tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from tests.support.schedules import save
from tests.support.system import NO_CLIENTS, System


class UpcomingSlot(NamedTuple):
    """The next slot of a schedule, and the URL of the schedule."""

    slot: datetime
    location: str


@pytest.fixture(scope="session", autouse=True)
def upcoming_slot(system: System) -> UpcomingSlot:
    """A schedule with a slot in the next minutes, so that a test can wait for the real timer.

    Its tenant has no clients, and no other test uses it, because its export starts while other tests run.
    """
    slot = (datetime.now(UTC) + timedelta(seconds=62)).replace(second=0, microsecond=0)
    location = save(system, NO_CLIENTS, cron=f"{slot.minute} {slot.hour} * * *")
    assert system.job(location)["nextRunDate"] == slot.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return UpcomingSlot(slot, location)
