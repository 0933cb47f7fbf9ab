"""What has to be waited for longest is begun before all tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from tests.support.schedules import save
from tests.support.system import NO_CLIENTS, System


class SlotToCome(NamedTuple):
    """The next slot of a schedule, and the URL of the schedule."""

    slot: datetime
    location: str


@pytest.fixture(scope="session", autouse=True)
def slot_to_come(system: System) -> SlotToCome:
    """A schedule whose slot is a minute that is not quite here.

    Its tenant has no clients and no other test, since its export comes by itself while other tests run.
    """
    slot = (datetime.now(UTC) + timedelta(seconds=62)).replace(second=0, microsecond=0)
    location = save(system, NO_CLIENTS, cron=f"{slot.minute} {slot.hour} * * *")
    assert system.job(location)["nextRunDate"] == slot.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return SlotToCome(slot, location)
