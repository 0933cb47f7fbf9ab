"""`docs/deploy.md` repeats figures of `host.json` and of the templates; they are the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
GUIDE = " ".join((ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").split())
DURABLE: Any = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["durableTask"]
APP = (ROOT / "infra" / "modules" / "app.bicep").read_text(encoding="utf-8")


def in_template(pattern: str) -> int:
    found = re.search(pattern, APP)
    assert found, pattern
    return int(found[1])


def test_the_guide_states_the_activities_of_an_instance_as_host_json_does() -> None:
    assert f"Each runs at most {DURABLE['maxConcurrentActivityFunctions']} activities at a time (`host.json`)" in GUIDE


def test_the_guide_states_how_often_queues_are_polled_as_host_json_does() -> None:
    assert DURABLE["storageProvider"]["maxQueuePollingInterval"] == "00:00:01"
    assert "at least once a second (`maxQueuePollingInterval` in `host.json`)" in GUIDE


def test_the_guide_names_the_task_hub_of_host_json() -> None:
    assert f"a task hub named `{DURABLE['hubName']}` (the name in `host.json`)" in GUIDE


def test_the_guide_states_memory_and_http_concurrency_as_the_template_does() -> None:
    memory, requests = in_template(r"instanceMemoryMB: (\d+)"), in_template(r"httpConcurrency = (\d+)")
    assert f"an instance has {memory:,} MB and handles {requests} HTTP requests at a time" in GUIDE
