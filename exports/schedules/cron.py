"""Cron expressions of five fields in a time zone: which are good, and which slots they name.

The meaning is that of Debian's cron. Where minute and hour are given (`30 2 * * *`) a slot that falls into the hour
which spring leaves out comes right after it, and one in the hour that autumn repeats comes once. Where either begins
with `*` the slots follow the clock: they come in a repeated hour again, and in one left out not at all.
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

MAX_SLOTS_AN_HOUR = 12
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _normal(cron: str) -> str:
    """Check an expression; the same with single spaces."""
    words = cron.split()
    if len(words) != len(_FIELDS):
        raise PydanticCustomError(
            "cron", "give five fields: minute, hour, day of the month, month, day of the week, such as 30 6 * * 1-5"
        )
    try:
        parsed = CronSim(cron, _ANY_TIME)
        next(parsed)
    except CronSimError as error:
        raise PydanticCustomError("cron", "{reason}", {"reason": _reason(str(error), words)}) from None
    except StopIteration:
        raise PydanticCustomError("cron", "give a time that comes: no day in 50 years is one of these") from None
    if len(parsed.minutes) > MAX_SLOTS_AN_HOUR:
        raise PydanticCustomError("cron", "give at most 12 minutes of an hour, such as */5 for every fifth")
    return " ".join(words)


def _reason(message: str, words: list[str]) -> str:
    """Turn “Bad minute” into what to change. A day that no month has is a bad day too."""
    name = message.removeprefix("Bad ")
    if name not in _FIELDS:
        return "give a cron expression of five fields, such as 30 6 * * 1-5"
    ranges = dict(zip(_FIELDS, ("0-59", "0-23", "1-31 and one that the month has", "1-12", "0-7"), strict=True))
    return (
        f"correct the {name}, “{words[_FIELDS.index(name)]}”: it must be {ranges[name]}, *, or made of these by , - /"
    )


def _known(zone: str) -> str:
    if zone not in _zones():
        raise PydanticCustomError("time_zone", "give the IANA name of a time zone, such as Europe/London or UTC")
    return zone


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})


Cron = Annotated[
    str,
    StringConstraints(max_length=100),
    AfterValidator(_normal),
    Field(json_schema_extra={"pattern": r"^\s*\S+(\s+\S+){4}\s*$"}),
]
"""Five fields, of which some day is one; at most `MAX_SLOTS_AN_HOUR`."""

TimeZone = Annotated[str, StringConstraints(max_length=100), AfterValidator(_known)]
"""The IANA name of a time zone."""


def next_slot(cron: str, zone: str, after: datetime) -> datetime | None:
    """Give the first slot later than `after`, in UTC; None if there is none within fifty years."""
    return next(slots(cron, zone, after), None)


def slots(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the slots later than `after`, in UTC, each later than the one before.

    The library alone would give a slot that is over when it is asked in the second run of a repeated hour.
    """
    latest = after.astimezone(UTC)
    for found in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        slot = found.astimezone(UTC)
        if slot > latest:
            latest = slot
            yield slot
