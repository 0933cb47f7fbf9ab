"""Which cron expressions are valid, and which slots they define in time zones whose clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from exports.schedules.cron import Cron, TimeZone, next_slot, slots
from tests.support.builders import NOON

_CRON: TypeAdapter[str] = TypeAdapter(Cron)
_ZONE: TypeAdapter[str] = TypeAdapter(TimeZone)
ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]


def local(cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the slots after a local time, in local time with the offset from UTC."""
    begin = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    return [f"{slot.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for slot in islice(slots(cron, zone, begin), count)]


def fault(cron: str) -> str:
    with pytest.raises(ValidationError) as raised:
        _CRON.validate_python(cron)
    (error,) = raised.value.errors()
    return error["msg"]


@pytest.mark.parametrize(
    ("cron", "normal"),
    [
        ("30 6 * * 1-5", "30 6 * * 1-5"),
        ("  0   7\t* *  mon ", "0 7 * * mon"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("0 0 L * *", "0 0 L * *"),
        ("0 9 * * MON#1", "0 9 * * MON#1"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 30 2 1", "0 0 30 2 1"),
    ],
)
def test_a_valid_expression_is_accepted_and_normalized(cron: str, normal: str) -> None:
    assert _CRON.validate_python(cron) == normal


@pytest.mark.parametrize(
    ("cron", "advice"),
    [
        ("", "Give five fields"),
        ("@daily", "Give five fields"),
        ("0 0 * * * *", "Give five fields"),
        ("61 * * * *", "Correct the minute, “61”: it must be 0-59"),
        ("0 24 * * *", "Correct the hour, “24”"),
        ("0 0 0 * *", "Correct the day of the month, “0”"),
        ("0 0 30 2 *", "Correct the day of the month, “30”: it must be 1-31 (a day that the month has)"),
        ("0 0 31 4,6 *", "Correct the day of the month"),
        ("0 0 * 13 *", "Correct the month, “13”"),
        ("0 0 * * 8", "Correct the day of the week, “8”"),
        ("5-1 * * * *", "Correct the minute"),
        ("*/0 * * * *", "Correct the minute"),
        ("* * * * *", "Give at most 12 minutes of an hour"),
        ("*/4 3 * * *", "Give at most 12 minutes of an hour"),
        ("0 0 29-30 2 SUN#5,x", "Correct the day of the week"),
        ("9" * 101, "at most 100 characters"),
    ],
)
def test_an_invalid_expression_is_refused_with_advice(cron: str, advice: str) -> None:
    assert advice in fault(cron)


@given(st.text(st.sampled_from("0123456789*/-,#LWlwmonJAN ²\t"), max_size=30) | st.text(max_size=100))
def test_any_text_is_accepted_or_refused_without_a_crash(cron: str) -> None:
    try:
        good = _CRON.validate_python(cron)
    except ValidationError:
        return
    assert _CRON.validate_python(good) == good
    assert next_slot(good, "UTC", NOON) is not None


@pytest.mark.parametrize("zone", [*ZONES, "Etc/GMT+5"])
def test_known_time_zones_are_accepted(zone: str) -> None:
    assert _ZONE.validate_python(zone) == zone


@pytest.mark.parametrize(
    "zone", ["", "London", "europe/london", "GMT+25", "../../etc/passwd", "Europe", "/UTC", "localtime"]
)
def test_unknown_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="Give the IANA name"):
        _ZONE.validate_python(zone)


# --- clocks that change


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("30 1 * * *", "Europe/London", "2026-03-28T12:00", ["29 02:00 +0100", "30 01:30 +0100"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", ["08 03:00 -0400", "09 02:30 -0400"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
    ],
)
def test_a_slot_in_the_hour_skipped_in_spring_comes_once_right_after_it(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert local(cron, zone, after, 2) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("30 1 * * *", "Europe/London", "2026-10-24T12:00", ["25 01:30 +0100", "26 01:30 +0000"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["01 01:30 -0400", "02 01:30 -0500"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
    ],
)
def test_a_slot_in_the_hour_repeated_in_autumn_comes_once(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert local(cron, zone, after, 2) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 */2 * * *", "Australia/Lord_Howe", "2026-04-05T00:00", ["05 02:00 +1030", "05 04:00 +1030"]),
        ("30 * * * *", "Australia/Lord_Howe", "2026-10-04T01:00", ["04 01:30 +1030", "04 02:30 +1100"]),
        ("*/15 0-2 * * *", "NZ-CHAT", "2026-04-05T02:30", ["05 02:45 +1345", "05 02:45 +1245"]),
    ],
)
def test_no_slot_is_lost_where_clocks_change_by_half_an_hour_or_within_an_hour(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert local(cron, zone, after, 2) == expected


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("*/30 1-5 * * 0", "America/Santiago", "2026-09-05T12:00", ["06 01:00 -0300", "06 01:30 -0300"]),
        ("0 1 * * 0", "America/Santiago", "2026-09-05T12:00", ["06 01:00 -0300", "13 01:00 -0300"]),
        ("0 */3 * * 0", "America/Santiago", "2026-09-05T12:00", ["06 03:00 -0300", "06 06:00 -0300"]),
        ("*/30 1 * 4 5", "Africa/Cairo", "2026-04-23T12:00", ["24 01:00 +0300", "24 01:30 +0300"]),
        ("*/30 0 * * *", "Asia/Beirut", "2026-03-28T12:00", ["30 00:00 +0300", "30 00:30 +0300"]),
    ],
)
def test_no_slot_is_lost_or_added_on_a_day_whose_midnight_is_skipped(
    cron: str, zone: str, after: str, expected: list[str]
) -> None:
    assert local(cron, zone, after, 2) == expected


def test_the_next_slot_is_always_in_the_future_even_in_a_repeated_hour() -> None:
    second_run = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 01:15 again; 01:30 was at 00:30 UTC
    assert next_slot("30 1 * * *", "Europe/London", second_run) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_hourly_slots_follow_the_clock() -> None:
    assert local("0 * * * *", "Europe/London", "2026-03-29T00:00", 2) == ["29 02:00 +0100", "29 03:00 +0100"]
    assert local("0 * * * *", "Europe/London", "2026-10-25T00:30", 3) == [
        *("25 01:00 +0100", "25 01:00 +0000", "25 02:00 +0000"),
    ]
    assert local("*/30 1 * * *", "Europe/London", "2026-03-28T12:00", 1) == ["30 01:00 +0100"]


def _few(highest: int, lowest: int = 0) -> st.SearchStrategy[str]:
    return st.lists(st.integers(lowest, highest), min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))


@given(_few(59), _few(23), st.sampled_from(ZONES), st.integers(0, 3 * 365 * 24 * 60))
def test_slots_are_in_order_and_each_is_the_next_slot_after_the_one_before(
    minutes: str, hours: str, zone: str, after: int
) -> None:
    cron, moment = f"{minutes} {hours} * * *", NOON + timedelta(minutes=after, seconds=after % 60)
    found = list(islice(slots(cron, zone, moment), 12))
    assert all(earlier < later for earlier, later in pairwise([moment, *found]))
    assert all(next_slot(cron, zone, earlier) == later for earlier, later in pairwise(found))


@given(
    st.integers(0, 59), st.integers(0, 23), st.sampled_from(ZONES), st.dates(NOON.date(), NOON.date() + timedelta(900))
)
def test_a_daily_slot_comes_once_every_day(minute: int, hour: int, zone: str, day: object) -> None:
    begin = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo(zone)) - timedelta(seconds=1)
    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in islice(slots(f"{minute} {hour} * * *", zone, begin), 4)]
    assert [str(found) for found in days] == [str(found) for found in _days(str(day), 4)]


def _days(first: str, count: int) -> Iterator[object]:
    for offset in range(count):
        yield datetime.fromisoformat(first).date() + timedelta(days=offset)
