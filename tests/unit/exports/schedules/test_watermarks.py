"""Which clients an incremental run leaves out, and when the watermark advances."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from exports.jobs.job import Job
from exports.jobs.states import JobStatus
from exports.jobs.watermark import content_hash
from exports.request.filters import ClientFilter
from exports.request.spec import ExportSpec
from exports.schedules.schedule import Schedule
from exports.schedules.watermarks import advance, narrow
from tests.support.builders import NOON, a_job, a_schedule, a_spec
from tests.support.steps import two_columns

MARGIN, HOUR = timedelta(minutes=5), timedelta(hours=1)
SPEC = two_columns()


def with_watermark(of: ExportSpec = SPEC, **content: Any) -> Schedule:
    return a_schedule(**{"incremental": True, **content}).with_state(watermark=NOON, watermark_of=content_hash(of))


def since(schedule: Schedule, spec: ExportSpec = SPEC) -> datetime | None:
    narrowed = narrow(spec, schedule, MARGIN)
    assert narrowed == spec.model_copy(update={"filter": narrowed.filter})
    return narrowed.filter.updated_since


def test_the_first_run_leaves_nothing_out() -> None:
    assert since(a_schedule(incremental=True)) is None


def test_the_next_run_starts_from_the_watermark_less_the_margin() -> None:
    assert since(with_watermark()) == NOON - MARGIN


def test_a_schedule_that_is_not_incremental_leaves_nothing_out() -> None:
    assert since(with_watermark(incremental=False)) is None


@pytest.mark.parametrize(("own", "later"), [(-HOUR, -MARGIN), (HOUR, HOUR), (-MARGIN, -MARGIN)])
def test_the_later_of_watermark_and_updated_since_applies(own: timedelta, later: timedelta) -> None:
    spec = two_columns(filter=ClientFilter(updated_since=NOON + own, search="x"))
    schedule = with_watermark(two_columns(filter=ClientFilter(search="x")))
    assert since(schedule, spec) == NOON + later


@pytest.mark.parametrize(
    "changed",
    [a_spec(), two_columns(columns=SPEC.columns[::-1]), two_columns(filter=ClientFilter(search="x"))],
    ids=["more columns", "other order", "filter"],
)
def test_a_run_with_other_columns_or_filters_leaves_nothing_out(changed: ExportSpec) -> None:
    assert since(with_watermark(), changed) == changed.filter.updated_since is None


ABSENT_COLUMNS = [
    ((), (), True),
    (("email", "website"), ("website", "email"), True),
    (None, ("email",), True),
    (("email",), None, True),
    ((), ("email",), False),
    (("email",), (), False),
]


def completed(**changes: Any) -> Job:
    return a_job(
        spec=SPEC, status=JobStatus.COMPLETED, **{"created_date": NOON + HOUR, "downloaded_date": NOON, **changes}
    )


def test_the_watermark_is_the_creation_of_the_job_even_for_a_late_attempt() -> None:
    job = completed(attempt=2, started_date=NOON + 5 * HOUR, completed_date=NOON + 6 * HOUR)
    state = advance(with_watermark().with_state(counts=True), job).state
    assert (state.watermark, state.watermark_of) == (NOON + HOUR, content_hash(SPEC))


def test_the_watermark_is_cut_to_milliseconds_and_never_rounded_up() -> None:
    job = replace(completed(), created_date=NOON + timedelta(microseconds=1_999))
    state = advance(with_watermark().with_state(counts=True), job).state
    assert state.watermark == NOON + timedelta(milliseconds=1)


@pytest.mark.parametrize(("lacked", "lacks_now", "is_narrowed"), ABSENT_COLUMNS)
def test_a_run_leaves_nothing_out_if_the_view_is_known_to_have_changed(
    lacked: tuple[str, ...] | None, lacks_now: tuple[str, ...] | None, is_narrowed: bool
) -> None:
    """Where an older version has exported, or the source does not answer, nobody knows."""
    advanced = advance(with_watermark().with_state(counts=True), completed(absent_columns=lacked))
    assert (narrow(SPEC, advanced, timedelta(), lacks_now) is not SPEC) == is_narrowed
