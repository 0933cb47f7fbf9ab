"""Figures of the runbook, operations and the guide are those of `host.json`, the templates and the code."""

from __future__ import annotations

import inspect
import json
import re
import runpy
from datetime import timedelta
from pathlib import Path
from typing import Any

from exports.adapters.clients_sql.dialects.base import STATEMENT_TIMEOUT_SECONDS
from exports.jobs.failures import STALLED
from exports.jobs.retention import BLOCK_LIFE, RetentionAction, RowsKept, retention_actions
from exports.jobs.snapshot import SNAPSHOTS_OF_A_PROCESS, SNAPSHOTS_OF_A_TENANT
from exports.jobs.states import JobStatus
from exports.jobs.watchdog import MAX_RETRIES
from exports.settings import Settings
from exports.steps.upkeep import check_health, sweep_orphans, watch_jobs
from exports.steps.upkeep.apply_retention import apply_retention
from exports.triggers.tick_timer import EVERY_MINUTE
from shared.retry_policy import RetryPolicy
from tests.support.builders import NOON, a_job

ROOT = Path(__file__).parents[3]
DURABLE: Any = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["durableTask"]
APP = (ROOT / "infra" / "modules" / "app.bicep").read_text(encoding="utf-8")
ALERTS = (ROOT / "infra" / "modules" / "alerts.bicep").read_text(encoding="utf-8")
WORDS = {3: "three", 4: "four", 15: "a quarter of an hour"}


def document(name: str) -> str:
    """Return a document with its lines joined."""
    return " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").split())


def in_template(pattern: str, text: str = APP) -> int:
    (found,) = re.findall(pattern, text)
    return int(found)


def in_list(name: str) -> list[str]:
    (found,) = re.findall(rf"^var {name} = \[(.*)\]$", ALERTS, re.MULTILINE)
    return re.findall(r"'([^']+)'", found)


def test_operations_states_the_limits_of_an_instance_as_host_json_and_infra_do() -> None:
    activities, orchestrators = DURABLE["maxConcurrentActivityFunctions"], DURABLE["maxConcurrentOrchestratorFunctions"]
    requests = in_template(r"httpConcurrency = (\d+)")
    threads = in_template(r"PYTHON_THREADPOOL_THREAD_COUNT: '(\d+)'")
    text = document("operations.md")
    assert f"limited to less: {activities} activities and {orchestrators} orchestrators" in text
    assert f"and {requests} HTTP requests (`httpConcurrency` in `infra/modules/app.bicep`)" in text
    assert f"at most {activities} pages of an instance wait for a source" in text
    assert f"`PYTHON_THREADPOOL_THREAD_COUNT` is therefore {threads} in `infra/`" in text
    assert threads > activities + orchestrators + requests, "threads are left even if all of these wait"


def test_operations_states_the_times_and_amounts_of_retention_as_the_code_does() -> None:
    text = document("operations.md")
    most = inspect.signature(apply_retention).parameters["limit"].default
    assert f"(`apply_retention`), at most {most} at a time" in text
    job = a_job(status=JobStatus.IN_PROGRESS).fail(NOON, STALLED)
    after = {action: moment - NOON for moment, action in retention_actions(job, RowsKept(timedelta(days=30)))}
    assert after[RetentionAction.CLEANUP] == timedelta(minutes=2)
    assert "| two minutes after the end, and a minute |" in text
    assert after[RetentionAction.HISTORY] == timedelta(days=1)
    assert "| a day after the end | the Durable histories" in text
    assert after[RetentionAction.FILE] == BLOCK_LIFE == timedelta(days=7)
    assert "| seven days after a job failed or was cancelled | its staged blocks" in text
    swept = f"a sweep covers {sweep_orphans.MAX_BLOBS} blobs and the page records of {sweep_orphans.MAX_LEDGERS} jobs"
    assert f"every minute {swept}" in text
    assert EVERY_MINUTE == "0 * * * * *"


def test_operations_states_the_bounds_of_the_watchdog_as_the_code_does() -> None:
    text = document("operations.md")
    assert f"ends within ({MAX_RETRIES} + 1) × (`EXPORT_STALL_MINUTES` + 1 minute)" in text
    assert f"after {WORDS[MAX_RETRIES]} of them it fails the job" in text
    stall_minutes = Settings.model_fields["stall_minutes"].default
    assert (MAX_RETRIES + 1) * (stall_minutes + 1) == 124, "two hours and some minutes"
    assert "by default two hours and some minutes in all" in text
    assert "by default two hours and some minutes without progress" in document("runbook.md")


def test_operations_states_how_many_snapshots_are_held_and_how_long() -> None:
    text = document("operations.md")
    assert (SNAPSHOTS_OF_A_PROCESS, SNAPSHOTS_OF_A_TENANT) == (2, 1)
    assert "A process holds at most two snapshots, and at most one for each tenant." in text
    assert STATEMENT_TIMEOUT_SECONDS == 4 * 60
    assert "One statement may take four minutes longer than that" in text
    assert "of a host that has vanished without closing its connections after four minutes" in text
    assert RetryPolicy().patience_seconds == 15 * 60
    assert "without a connection, for a quarter of an hour; then they fail with `source-throttled`" in text
    assert "fifteen minutes if none does" in text


def test_operations_states_how_long_the_health_check_waits() -> None:
    assert check_health._PATIENCE_SECONDS == 10
    assert "`/health` answers within ten seconds." in document("operations.md")


def test_the_runbook_states_the_times_of_the_watchdog_and_its_alert() -> None:
    text = document("runbook.md")
    assert timedelta(minutes=5) == watch_jobs._LONG
    assert "A job has made no progress for five minutes (`watch.stalled`)" in text
    assert "A job has been `Queued` for five minutes." in text
    window = in_template(r"name: 'watchdog-silent'\n(?:.*\n){3} +window: 'PT(\d+)M'", ALERTS)
    assert f"has not run the watchdog or the retention to its end for {WORDS[window]}" in text
    share = in_template(r"costShareInPercent = (\d+)", ALERTS)
    assert f"more than {share} % of the daily cap (`dailyCapGb`)" in text
    assert f"an alert fires at {share} % of it" in document("deploy.md")


def test_the_runbook_states_when_a_webhook_has_failed_so_often_that_an_alert_comes() -> None:
    query = (ROOT / "infra" / "queries" / "alerts" / "webhook-undelivered.kql").read_text(encoding="utf-8")
    tries = in_template(r"number == (\d+)", query)
    pauses = Settings.model_fields["webhook_retry_seconds"].default[: tries - 1]
    assert 30 * 60 < sum(pauses) < sum(pauses) * 1.25 < 45 * 60, "each pause may be a quarter longer"
    assert f"has not accepted a webhook in {WORDS[tries]} tries, within about forty minutes" in document("runbook.md")


def test_the_runbook_states_how_often_something_must_fail_before_an_alert_comes() -> None:
    queries, text = ROOT / "infra" / "queries" / "alerts", document("runbook.md")
    lines = in_template(r"lines >= (\d+)", (queries / "upkeep-failed.kql").read_text(encoding="utf-8"))
    window = in_template(r"name: upkeepRule\n(?:.*\n){3} +window: 'PT(\d+)M'", ALERTS)
    assert text.count(f"{WORDS[lines]} times in {WORDS[window]} ") == 2
    errors = (queries / "server-errors.kql").read_text(encoding="utf-8")
    assert in_template(r"iff\(Name == 'tick', (\d), 5\)", errors) == 3
    assert "five or more requests to one route" in text
    assert "or the timer `tick` failed three times" in text


def test_the_guide_states_how_long_a_deployment_waits_for_roles() -> None:
    script = runpy.run_path(str(ROOT / "infra" / "wait_until_healthy.py"))
    assert script["_SECONDS"] == 15 * 60
    assert "Then it waits, at most a quarter of an hour, until `/health` is 200" in document("deploy.md")


def test_the_guide_states_how_often_the_timer_runs_in_a_month() -> None:
    assert 24 * 60 * 30 < 44_000 < 24 * 60 * 31
    assert "One timer, `tick`, runs every minute, about 44,000 times a month" in document("deploy.md")


def test_the_guide_counts_the_alerts_of_the_template() -> None:
    rules = len(re.findall(r"^    query: loadTextContent", ALERTS, re.MULTILINE))
    assert rules == 9
    guide = document("deploy.md")
    assert "nine queries, each of which looks every five minutes to every hour, and two metrics" in guide
    places, seconds = len(in_list("places")), in_template(r"Frequency: (\d+)", ALERTS)
    assert places * 30 * 24 * 3600 // seconds == 43_200
    assert "The test of the health runs about 43,000 times a month (`availabilityTest`)" in guide
