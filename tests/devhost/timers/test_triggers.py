"""Timer triggers: when they run, the request they receive, and missed runs after a pause of the host."""

import time
from datetime import UTC, datetime
from itertools import pairwise

from tests.devhost.conftest import StartHost
from tests.devhost.harness import Host, wait_until


def notes(host: Host, name: str) -> list[list[str]]:
    path = host.directory / f"{name}.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def on_time(note: list[str]) -> bool:
    """Return whether a run was on time. The timer is due when a second begins, but a busy machine delays some runs."""
    return float(note[0]) % 1 < 0.5


def test_timers_run_when_due_one_run_at_a_time_and_catch_up_once(start_host: StartHost) -> None:
    host = start_host("timers", workers=1, env={"EVERY_SECOND": "* * * * * *"})
    wait_until(lambda: len(notes(host, "quick")) >= 2 and len(notes(host, "slow")) >= 3)
    assert notes(host, "quick")[0][1] == "False"
    wait_until(lambda: any(on_time(first) and on_time(second) for first, second in pairwise(notes(host, "quick"))))

    phases = [phase for phase, _ in notes(host, "slow")]
    assert phases == (["begin", "end"] * len(phases))[: len(phases)]

    host.stop()
    seen = len(notes(host, "quick"))
    time.sleep(1.3)
    host.start()
    after = wait_until(lambda: notes(host, "quick")[seen + 1 :] and notes(host, "quick")[seen:])
    assert [run[1] for run in after[:2]] == ["True", "False"]
    wait_until(lambda: len(notes(host, "at_start")) == 2)


def test_a_timer_can_be_run_by_hand_and_follows_its_retry_policy(start_host: StartHost) -> None:
    host = start_host("timers", workers=1, env={"EVERY_SECOND": "0 0 0 1 1 *"})
    answer = host.post("/admin/functions/yearly", {})
    assert (answer.status, answer.body) == (202, b"")
    wait_until(lambda: len(notes(host, "yearly")) == 3)
    assert datetime.fromisoformat(notes(host, "yearly")[0][0]) == datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
    assert host.post("/admin/functions/unknown", {}).status == 404
    assert host.get("/admin/functions/yearly").status == 405
    assert not notes(host, "quick")


def test_the_status_counts_unfinished_runs_of_timers(start_host: StartHost) -> None:
    host = start_host("timers", workers=1, env={"EVERY_SECOND": "0 0 0 1 1 *"})
    wait_until(lambda: unfinished_runs(host) == 0)
    for _ in range(2):
        host.post("/admin/functions/slow", {})
    assert unfinished_runs(host) > 0
    wait_until(lambda: unfinished_runs(host) == 0)
    assert [phase for phase, _ in notes(host, "slow")] == ["begin", "end"] * 2


def unfinished_runs(host: Host) -> int:
    return int(host.get("/admin/host/status").json()["timersUnderWay"])
