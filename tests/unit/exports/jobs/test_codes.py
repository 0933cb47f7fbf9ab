"""Job codes: their form, order and randomness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.jobs.codes import is_job_code, new_job_code, slot_job_code
from tests.support.builders import NOON

_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def creation_of(code: str) -> datetime:
    """Return the moment in a code: its first 48 bits are the milliseconds that are left until they run out."""
    number = int(code.translate(str.maketrans("abcdefghjkmnpqrstvwxyz", "abcdefghijklmnopqrstuv")), 32)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=2**48 - 1 - (number >> 80))


@given(_MOMENTS)
def test_every_code_has_the_form_of_a_code(moment: datetime) -> None:
    assert is_job_code(new_job_code(moment))
    assert is_job_code(slot_job_code("nightly", moment))


@given(_MOMENTS, st.timedeltas(timedelta(milliseconds=1), timedelta(days=365)))
def test_newer_codes_sort_before_older_ones(moment: datetime, later: timedelta) -> None:
    if moment.year < 9000:
        assert new_job_code(moment + later) < new_job_code(moment)


@given(_MOMENTS)
def test_a_code_tells_when_its_job_was_created_to_the_millisecond(moment: datetime) -> None:
    assert creation_of(new_job_code(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_codes_of_one_moment_differ() -> None:
    assert len({new_job_code(NOON) for _ in range(1000)}) == 1000


def test_codes_of_one_moment_share_only_the_time() -> None:
    codes = [new_job_code(NOON) for _ in range(200)]
    assert len({code[:9] for code in codes}) == 1
    assert all(len({code[position] for code in codes}) > 10 for position in range(11, 26))


def test_a_slot_has_one_code() -> None:
    assert slot_job_code("nightly", NOON) == slot_job_code("nightly", NOON)


def test_a_slot_has_the_same_code_in_every_time_zone() -> None:
    assert slot_job_code("nightly", NOON.astimezone(timezone(timedelta(hours=5)))) == slot_job_code("nightly", NOON)


def test_every_slot_of_every_schedule_has_its_own_code() -> None:
    codes = {
        slot_job_code("nightly", NOON),
        slot_job_code("weekly", NOON),
        slot_job_code("nightly", NOON + timedelta(seconds=1)),
    }
    assert len(codes) == 3


def test_the_code_of_a_slot_is_the_same_in_every_release() -> None:
    assert slot_job_code("tenant/settings", NOON) == "7ycfp16rfznw72dsrfbd9mjnac"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "7" * 25,
        "7" * 27,
        "8" + "0" * 25,
        "7" * 25 + "u",
        "7" * 25 + "I",
        "7" * 25 + "'",
        "7" * 26 + "\n",
        "٧" * 26,
    ],
)
def test_other_texts_are_not_codes(text: str) -> None:
    assert not is_job_code(text)
