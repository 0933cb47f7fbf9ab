"""Cron expressions of five fields in a time zone: which ones are valid, and which slots they define.

The semantics are those of Debian's cron. If neither minute nor hour begins with `*` (`30 2 * * *`), a slot in the hour
that is skipped in spring comes right after that hour, and a slot in the hour that is repeated in autumn comes once.
Otherwise the slots follow the clock: they come again in a repeated hour, and not at all in a skipped one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from exports.request.faults import CRON_FIELD, CRON_FIELDS, CRON_NEVER, CRON_TOO_OFTEN, TIME_ZONE

MAX_SLOTS_AN_HOUR = 12
_QUARTER_SECONDS = 15 * 60
"""Clocks change at a whole quarter of an hour, and by whole quarters."""

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _normalize(cron: str) -> str:
    """Validate an expression and return it with single spaces."""
    words = cron.split()
    if len(words) != len(CRON_FIELD):
        raise CRON_FIELDS.error()
    try:
        parsed = CronSim(cron, _ANY_TIME)
        next(parsed)
    except CronSimError as error:
        raise _wrong_field(str(error), words) from None
    except StopIteration:
        raise CRON_NEVER.error() from None
    if len(parsed.minutes) > MAX_SLOTS_AN_HOUR:
        raise CRON_TOO_OFTEN.error()
    return " ".join(words)


def _wrong_field(message: str, words: list[str]) -> PydanticCustomError:
    """Turn a message such as “Bad minute” into advice. `CronSim` also reports a day that none of the months has."""
    name = message.removeprefix("Bad ")
    if name not in CRON_FIELD:
        return CRON_FIELDS.error()
    return CRON_FIELD[name].error(given=words[[*CRON_FIELD].index(name)])


def _require_known(zone: str) -> str:
    if zone not in _zones():
        raise TIME_ZONE.error()
    return zone


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})


Cron = Annotated[
    str,
    StringConstraints(max_length=100),
    AfterValidator(_normalize),
    Field(json_schema_extra={"pattern": r"^\s*\S+(\s+\S+){4}\s*$"}),
]
"""Five fields that match some day within 50 years, with at most `MAX_SLOTS_AN_HOUR`."""

TimeZone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_require_known)]
"""The IANA name of a time zone."""


class _SmallSteps(CronSim):
    """Looks at every quarter of an hour and at every minute.

    `CronSim` alone steps by whole hours. Where clocks change by half an hour, or within an hour, it would step over
    slots. And it begins each day at midnight, also where clocks skip midnight.
    """

    def advance_day(self) -> bool:
        moved = super().advance_day()
        if self.dt.tzinfo is not None:
            self.dt = self.dt.astimezone(UTC).astimezone(self.dt.tzinfo)  # the time after the skipped one
        return moved

    def advance_hour(self) -> bool:
        if self.dt.hour in self.hours:
            return False
        while self.dt.hour not in self.hours:
            self.tick(_QUARTER_SECONDS - (self.dt.minute * 60 + self.dt.second) % _QUARTER_SECONDS)
            if self.dt.hour == 0:
                break  # the day may be another one
        return True

    def advance_minute(self) -> bool:
        if self.dt.minute in self.minutes:
            return False
        while self.dt.minute not in self.minutes:
            self.tick(60 - self.dt.second)
            if self.dt.minute == 0:
                break  # the hour may be another one
        return True


def next_slot(cron: str, zone: str, after: datetime) -> datetime | None:
    """Return the first slot later than `after`, in UTC; None if there is none within fifty years."""
    return next(slots(cron, zone, after), None)


def slots(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the slots later than `after`, in UTC, in ascending order.

    `CronSim` alone would yield a slot earlier than `after` if `after` lies in the second pass of a repeated hour.
    """
    latest = after.astimezone(UTC)
    for found in _SmallSteps(cron, after.astimezone(ZoneInfo(zone))):
        slot = found.astimezone(UTC)
        if slot > latest:
            latest = slot
            yield slot
