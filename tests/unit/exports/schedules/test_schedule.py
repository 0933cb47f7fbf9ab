"""A schedule: its content, when it is due, and how a change of its content affects its progress."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from exports.request.body import CsvExportRequestDto
from exports.schedules.body import SaveScheduleDto, content_of
from exports.schedules.schedule import Overlap, Schedule, ScheduleState, new_schedule
from exports.schedules.view import ExportScheduleDto, show_schedule
from tests.support.builders import NOON, a_schedule

BODY: dict[str, Any] = {"name": "Daily", "cron": "30 13 * * *"}
SOON = NOON + timedelta(hours=1, minutes=30)


def saved(**changes: Any) -> Schedule:
    request = SaveScheduleDto.model_validate(BODY | changes)
    return new_schedule("tenant", content_of(request, sensitive_fields=False), NOON)


def put(schedule: Schedule, now: datetime = NOON, **changes: Any) -> Schedule:
    request = SaveScheduleDto.model_validate(BODY | changes)
    return schedule.update(content_of(request, sensitive_fields=False), now)


def test_name_and_cron_are_enough() -> None:
    request = SaveScheduleDto.model_validate(BODY)
    assert (request.time_zone, request.enabled, request.overlap, request.incremental) == ("UTC", True, "skip", False)
    assert request.request == CsvExportRequestDto()


@pytest.mark.parametrize("name", ["code", "nextRunDate", "lastRunDate", "lastJobCode", "createdDate"])
def test_read_only_properties_cannot_be_sent(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        SaveScheduleDto.model_validate(BODY | {name: None})


def test_a_new_schedule_shows_its_content_and_its_next_run() -> None:
    shown = show_schedule(saved(timeZone="Europe/London", overlap="queue"))
    assert shown.model_dump().keys() == ExportScheduleDto.model_fields.keys()
    assert (shown.next_run_date, shown.last_run_date, shown.last_job_code) == (SOON, None, None)
    assert (shown.time_zone, shown.overlap) == ("Europe/London", Overlap.QUEUE)


def test_the_cron_fields_are_in_the_time_zone() -> None:
    assert saved(timeZone="America/New_York").state.next_slot == SOON + timedelta(hours=5)


def test_a_schedule_shows_its_next_three_runs_across_a_change_of_clocks() -> None:
    before_autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    schedule = put(saved(), before_autumn, cron="30 6 * * *", timeZone="Europe/London")

    dates = show_schedule(schedule).next_run_dates

    assert [f"{date.astimezone(ZoneInfo('Europe/London')):%d %H:%M}" for date in dates] == [
        "25 06:30",
        "26 06:30",
        "27 06:30",
    ]
    assert [date.hour for date in dates] == [6, 6, 6]
    assert show_schedule(schedule).next_run_date == dates[0]


def test_a_disabled_schedule_is_never_due() -> None:
    schedule = saved(enabled=False)
    assert (schedule.state.next_slot, schedule.due_date) == (None, None)
    assert show_schedule(schedule).next_run_dates == ()


def test_a_schedule_is_due_at_its_slot_or_at_the_next_check_of_its_job() -> None:
    early = SOON - timedelta(minutes=1)
    assert saved().due_date == SOON
    assert saved().with_state(check_date=early).due_date == early
    assert saved(enabled=False).with_state(check_date=early).due_date == early


def test_only_a_change_of_the_times_moves_the_next_slot() -> None:
    late = NOON + timedelta(hours=2)  # the slot is due and not decided about yet
    schedule = saved()
    assert put(schedule, late, name="Renamed", overlap="queue").state.next_slot == SOON
    assert put(schedule, late, cron="0 15 * * *").state.next_slot == NOON + timedelta(hours=3)
    assert put(schedule, late, timeZone="Europe/Paris").state.next_slot == SOON + timedelta(hours=23)
    assert put(put(schedule, late, enabled=False), late).state.next_slot == SOON + timedelta(days=1)


def test_a_changed_request_resets_the_watermark_and_a_running_job_no_longer_counts() -> None:
    state = ScheduleState(next_slot=SOON, counts=True, watermark=NOON, watermark_of="x", slot=NOON, open=True)
    schedule = a_schedule(incremental=True, state=state)
    renamed = put(schedule, name="Renamed", cron="0 1 * * *", incremental=True).state
    assert (renamed.watermark, renamed.counts) == (NOON, True)
    for changes in ({"request": {"filter": {"statuses": ["Active"]}}, "incremental": True}, {"incremental": False}):
        changed = put(schedule, **changes).state
        assert (changed.watermark, changed.counts, changed.slot, changed.open) == (None, False, NOON, True)


def test_every_change_has_a_later_date() -> None:
    first = put(saved())
    second = put(first)
    assert saved().updated_date < first.updated_date < second.updated_date
    assert second.created_date == NOON


def test_each_slot_of_each_schedule_has_a_job_code_of_its_own() -> None:
    one, other = a_schedule(), a_schedule()
    codes = {schedule.job_code(slot) for schedule in (one, other, one) for slot in (NOON, SOON)}
    assert len(codes) == 4
