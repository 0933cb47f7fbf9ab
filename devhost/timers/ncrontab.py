"""NCRONTAB, the schedules of timer triggers: `{second} {minute} {hour} {day} {month} {day-of-week}`.

Unlike in Unix cron, day and day-of-week must both match. An expression of five fields runs at second 0. Sunday is 0.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, word: str) -> int:
        """Parse a number or an English name, such as `mon` or `Monday`. Only the first three letters count."""
        if word.isdigit():
            value = int(word)
        else:
            value = next((i + self.low for i, name in enumerate(self.names) if word.lower().startswith(name)), -1)
        if not self.low <= value <= self.high:
            msg = f"{word!r} is not a valid {self.name}"
            raise ValueError(msg)
        return value

    def parse(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._range(part))

    def _range(self, part: str) -> range:
        match = _PART.fullmatch(part)
        if match is None or (match[1] == "*" and match[2]) or match[3] == "0":
            msg = f"{part!r} is not a valid {self.name}"
            raise ValueError(msg)
        first = self.low if match[1] == "*" else self.number(match[1])
        single = match[1] != "*" and not match[2] and not match[3]
        last = first if single else self.number(match[2]) if match[2] else self.high
        if last < first:
            msg = f"{part!r} is not a valid {self.name}: it runs backwards"
            raise ValueError(msg)
        return range(first, last + 1, int(match[3] or 1))


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)


class Schedule:
    """A parsed expression.

    Raises:
        ValueError: The text is not an NCRONTAB expression. Time spans (`hh:mm:ss`) are not supported.
    """

    def __init__(self, text: str) -> None:
        words = text.split()
        if len(words) == len(_FIELDS) - 1:
            words = ["0", *words]
        if len(words) != len(_FIELDS):
            msg = f"{text!r} does not have five or six fields"
            raise ValueError(msg)
        values = [sorted(field.parse(word)) for field, word in zip(_FIELDS, words, strict=True)]
        self._seconds, self._minutes, self._hours, self._days, self._months, self._weekdays = values

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due time after `moment`, in the time zone of `moment`.

        Raises:
            ValueError: No time within 40 years matches, such as for 30 February.
        """
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        for offset in range(40 * 366):
            day = (start + timedelta(days=offset)) if offset == 0 else self._midnight(start, offset)
            if self._runs_on(day) and (found := self._first_in(day)):
                return found
        raise ValueError("the schedule is never due")

    @staticmethod
    def _midnight(start: datetime, offset: int) -> datetime:
        return (start + timedelta(days=offset)).replace(hour=0, minute=0, second=0)

    def _runs_on(self, day: datetime) -> bool:
        weekday = (day.weekday() + 1) % 7
        return day.month in self._months and day.day in self._days and weekday in self._weekdays

    def _first_in(self, day: datetime) -> datetime | None:
        """Return the first due time of that day that is not before `day`."""
        return next((found for found in self._times(day) if found >= day), None)

    def _times(self, day: datetime) -> Iterator[datetime]:
        for hour in self._hours:
            if hour < day.hour:
                continue
            for minute in self._minutes:
                if hour == day.hour and minute < day.minute:
                    continue
                for second in self._seconds:
                    yield day.replace(hour=hour, minute=minute, second=second)
