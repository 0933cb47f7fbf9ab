"""`docs/schedules.md` states the limits and times of the code."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from exports.schedules.cron import MAX_SLOTS_AN_HOUR
from exports.schedules.decisions import CATCH_UP
from exports.schedules.runs import KEEP_RUNS
from exports.schedules.schedule import MAX_SCHEDULES
from exports.settings import Settings
from exports.steps.schedules import start_slot

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8").split())


def test_the_document_states_how_many_schedules_and_slots_there_may_be() -> None:
    assert f"A tenant can save at most {MAX_SCHEDULES} schedules" in PAGE
    assert MAX_SLOTS_AN_HOUR == 12
    assert "An expression may have at most twelve slots an hour." in PAGE
    assert "every five minutes: no schedule may run more often" in PAGE


def test_the_document_states_how_long_runs_are_kept_and_slots_are_due() -> None:
    assert f"Runs are kept for {KEEP_RUNS.days} days." in PAGE
    assert f"only if it is at most {CATCH_UP / timedelta(hours=1):.0f} hours old" in PAGE
    assert timedelta(hours=1) == start_slot._MAX_QUOTA_WAIT
    assert "a slot waits for up to an hour; then it is `Failed`" in PAGE


def test_the_document_states_the_margin_of_incremental_runs() -> None:
    margin = Settings.model_fields["incremental_margin_seconds"].default
    assert margin == 5 * 60
    assert "less a margin of five minutes (`EXPORT_INCREMENTAL_MARGIN_SECONDS`)" in PAGE
