"""NCRONTAB expressions: their due times, and which expressions are refused."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from devhost.timers.ncrontab import Schedule

MONDAY = "2026-03-02 12:30:45"


@pytest.mark.parametrize(
    ("expression", "after", "due"),
    [
        ("* * * * * *", MONDAY, "2026-03-02 12:30:46"),
        ("*/15 * * * * *", MONDAY, "2026-03-02 12:31:00"),
        ("*/15 * * * * *", "2026-03-02 12:31:00", "2026-03-02 12:31:15"),
        ("0 */5 * * * *", MONDAY, "2026-03-02 12:35:00"),
        ("*/5 * * * *", MONDAY, "2026-03-02 12:35:00"),
        ("0 0 * * * *", MONDAY, "2026-03-02 13:00:00"),
        ("0 0 */2 * * *", MONDAY, "2026-03-02 14:00:00"),
        ("0 0 9-17 * * *", "2026-03-02 17:00:00", "2026-03-03 09:00:00"),
        ("0 30 9 * * *", MONDAY, "2026-03-03 09:30:00"),
        ("0 30 9 * Jan Mon", MONDAY, "2027-01-04 09:30:00"),
        ("0 30 9 * January Monday", MONDAY, "2027-01-04 09:30:00"),
        ("0 0 0 * * 0", MONDAY, "2026-03-08 00:00:00"),
        ("0 0 0 * * 1-5", "2026-03-06 00:00:00", "2026-03-09 00:00:00"),
        ("0 0 0 * * mon-fri", "2026-03-06 00:00:00", "2026-03-09 00:00:00"),
        ("0 0 0 1 * *", MONDAY, "2026-04-01 00:00:00"),
        ("0 0 0 31 * *", "2026-03-31 00:00:00", "2026-05-31 00:00:00"),
        ("0 0 0 29 2 *", MONDAY, "2028-02-29 00:00:00"),
        ("0 0 0 13 * 5", MONDAY, "2026-03-13 00:00:00"),
        ("0 0 0 13 * 5", "2026-03-13 00:00:00", "2026-11-13 00:00:00"),
        ("0 0 0 29 2 1", MONDAY, "2044-02-29 00:00:00"),
        ("0 1,2,10-12 8 * * *", "2026-03-02 08:02:00", "2026-03-02 08:10:00"),
        ("5/20 * * * * *", "2026-03-02 12:30:05", "2026-03-02 12:30:25"),
        ("0 59 23 31 12 *", MONDAY, "2026-12-31 23:59:00"),
        ("59 59 23 * * *", "2026-12-31 23:59:59", "2027-01-01 23:59:59"),
    ],
)
def test_a_schedule_gives_its_next_due_time(expression: str, after: str, due: str) -> None:
    found = Schedule(expression).next_after(datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(due)


def test_day_and_weekday_must_both_match() -> None:
    found = Schedule("0 0 0 1 * mon").next_after(datetime.fromisoformat(MONDAY))
    assert (found.day, found.weekday()) == (1, 0)


def test_fractions_of_a_second_never_repeat_a_due_time() -> None:
    after = datetime.fromisoformat("2026-03-02 12:00:00.000300")
    assert Schedule("* * * * * *").next_after(after) == datetime.fromisoformat("2026-03-02 12:00:01")


def test_the_time_zone_is_kept() -> None:
    after = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Europe/London"))
    assert Schedule("0 0 9 * * *").next_after(after).tzinfo is after.tzinfo


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "00:05:00",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * * * Lundi",
        "*/0 * * * * *",
        "5-1 * * * * *",
        "a * * * * *",
        "1,,2 * * * * *",
        "-1 * * * * *",
        "*-5 * * * * *",
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Schedule(expression)


def test_a_schedule_that_is_never_due_is_refused() -> None:
    with pytest.raises(ValueError, match="never"):
        Schedule("0 0 0 30 2 *").next_after(datetime.fromisoformat(MONDAY))
