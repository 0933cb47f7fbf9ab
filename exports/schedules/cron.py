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

MAX_SLOTS_AN_HOUR = 12
_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _normalize(cron: str) -> str:
    """Validate an expression and return it with single spaces."""
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
        raise PydanticCustomError("cron", "give a time that occurs: no day within 50 years matches this one") from None
    if len(parsed.minutes) > MAX_SLOTS_AN_HOUR:
        raise PydanticCustomError("cron", "give at most 12 minutes of an hour, such as */5 for every fifth minute")
    return " ".join(words)


def _reason(message: str, words: list[str]) -> str:
    """Turn a message such as “Bad minute” into advice. `CronSim` also reports a day that none of the months has."""
    name = message.removeprefix("Bad ")
    if name not in _FIELDS:
        return "give a cron expression of five fields, such as 30 6 * * 1-5"
    ranges = dict(zip(_FIELDS, ("0-59", "0-23", "1-31 and a day that the month has", "1-12", "0-7"), strict=True))
    allowed = f"{ranges[name]}, *, or a combination of these with , - /"
    return f"correct the {name}, “{words[_FIELDS.index(name)]}”: it must be {allowed}"


def _require_known(zone: str) -> str:
    if zone not in _zones():
        raise PydanticCustomError("time_zone", "give the IANA name of a time zone, such as Europe/London or UTC")
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


def next_slot(cron: str, zone: str, after: datetime) -> datetime | None:
    """Return the first slot later than `after`, in UTC; None if there is none within fifty years."""
    return next(slots(cron, zone, after), None)


def slots(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the slots later than `after`, in UTC, in ascending order.

    `CronSim` alone would yield a slot earlier than `after` if `after` lies in the second pass of a repeated hour.
    """
    latest = after.astimezone(UTC)
    for found in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        slot = found.astimezone(UTC)
        if slot > latest:
            latest = slot
            yield slot
