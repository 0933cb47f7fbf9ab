"""Where devhost differs from production, as docs/devhost.md lists it. Each test runs on both engines."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime

from tests.devhost.harness import API, Host, wait_until

DAY = 24 * 3600.0


def days_until_the_timer_fires(host: Host, instance_id: str) -> float | None:
    """Return in how many days the only timer of an instance fires; None: there is none yet."""
    if not host.is_real:
        with closing(sqlite3.connect(host.state)) as state, state:
            found = state.execute("SELECT at FROM inbox WHERE id = ? AND at > ?", (instance_id, time.time())).fetchall()
        return (found[0][0] - time.time()) / DAY if found else None
    history = host.status(instance_id, "?showHistory=true").get("historyEvents", ())
    times = [event["FireAt"] for event in history if event["EventType"] == "TimerCreated"]
    return (datetime.fromisoformat(times[0]).timestamp() - time.time()) / DAY if times else None


def test_a_timer_is_punctual_but_the_real_engine_may_fire_it_a_second_early(durable: Host) -> None:
    began = time.time()
    assert durable.result("approval", 2.5) == "too late"
    assert time.time() - began >= (1.5 if durable.is_real else 2.5)


def test_a_timer_of_eight_days_is_one_but_on_the_real_engine_several_of_three(durable: Host) -> None:
    instance_id = durable.begin("approval", 8 * DAY)
    days = wait_until(lambda: days_until_the_timer_fires(durable, instance_id))
    durable.post(f"{API}/instances/{instance_id}/terminate")
    assert round(days, 2) == (3 if durable.is_real else 8)


def test_work_after_a_caught_failure_starts_at_once_but_later_on_the_real_engine(durable: Host) -> None:
    """The real extension waits until the siblings of the failed task have ended, here after 1.5 s."""
    least = min(durable.result("goes_on_after_a_failure") for _ in range(3))  # a slow machine may take longer once
    assert least >= 1.4 if durable.is_real else least < 1.4


def test_the_output_of_a_suspended_instance_is_the_reason_on_the_real_engine_only(durable: Host) -> None:
    instance_id = durable.begin("reports")
    durable.reaches(instance_id, "Running")
    durable.post(f"{API}/instances/{instance_id}/suspend?reason=lunch")
    durable.reaches(instance_id, "Suspended")
    assert durable.status(instance_id)["output"] == ("lunch" if durable.is_real else None)
    durable.post(f"{API}/instances/{instance_id}/terminate")


def test_lists_have_a_continuation_token_on_the_real_engine_only(durable: Host) -> None:
    for _ in range(2):
        durable.result("chain", 1)
    answer = durable.get(f"{API}/instances?top=1")
    assert len(answer.json()) == 1
    assert ("x-ms-continuation-token" in answer.headers) is durable.is_real


def test_a_retry_policy_of_an_activity_function_has_no_effect(durable: Host) -> None:
    status = durable.run("runs", {"activity": "fail_with_retry_policy", "input": "once-only"})
    assert status["runtimeStatus"] == "Failed"
    assert "ValueError: run 1" in status["output"]


def test_access_keys_are_not_checked(durable: Host) -> None:
    answer = durable.get("/api/guarded")
    assert (answer.status, answer.body) == (200, b"open")


def test_requests_run_side_by_side_although_host_json_allows_one_at_a_time(durable: Host) -> None:
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(durable.get, ("/api/meet/one/two", "/api/meet/two/one")))
    assert [answer.body for answer in answers] == [b"met", b"met"]
