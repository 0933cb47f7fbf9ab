"""What a dead host costs: the settings of Durable Functions, the watchdog, the estimates and the guide agree."""

from __future__ import annotations

import inspect
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from exports.jobs.view import CsvExportJobDto
from exports.jobs.watchdog import DEAD_HOST_TIME, MAX_WRITE_TIME
from exports.request.estimate import ExportEstimateDto

ROOT = Path(__file__).parents[3]
HOST_FILES = [ROOT / "host.json", *sorted((ROOT / "infra").glob("host.*.json"))]
HIDING = ("controlQueueVisibilityTimeout", "workItemQueueVisibilityTimeout", "taskEventLockTimeout")
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 8: "eight"}


def settings_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def durable_settings(path: Path = ROOT / "host.json") -> Any:
    return settings_of(path)["extensions"]["durableTask"]


def duration(text: str) -> timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def hiding_times(path: Path) -> list[timedelta]:
    """Return how long a host that dies hides its messages from other hosts, for each kind of message."""
    provider = durable_settings(path)["storageProvider"]
    return [duration(provider[name]) for name in HIDING if name in provider]


@pytest.fixture(scope="module")
def operations() -> str:
    return (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_watchdog_waits_longer_than_any_configuration_hides_messages() -> None:
    times = [time for path in HOST_FILES for time in hiding_times(path)]
    assert len(HOST_FILES) == 3
    assert max(times) == DEAD_HOST_TIME


def test_messages_of_a_dead_host_are_hidden_for_a_minute_as_operations_says(operations: str) -> None:
    assert hiding_times(ROOT / "host.json") == [timedelta(minutes=1)] * 2, "the least that the extension accepts"
    assert "Both are one minute" in operations
    (row,) = re.findall(r"^\| A host dies \| .*", operations, re.MULTILINE)
    assert " | a minute (" in row


@pytest.mark.parametrize("model", [CsvExportJobDto, ExportEstimateDto])
def test_the_estimates_say_what_a_dead_host_adds(model: type) -> None:
    text = " ".join((inspect.getdoc(model) or "").split())
    assert "A host that dies adds about a minute." in text


def test_other_figures_that_operations_takes_from_host_json_are_true(operations: str) -> None:
    text = " ".join(operations.split())
    settings = durable_settings()
    activities = NUMBERS[settings["maxConcurrentActivityFunctions"]]
    assert f"Each instance runs {activities} activities at a time (`host.json`)" in text
    assert settings["useGracefulShutdown"] is True
    assert "With `useGracefulShutdown` in `host.json`, a host that is stopped finishes its activities" in text


def test_no_entry_of_the_watchdog_is_given_up_before_its_writer_has_been_killed() -> None:
    assert duration(settings_of(ROOT / "host.json")["functionTimeout"]) < MAX_WRITE_TIME
