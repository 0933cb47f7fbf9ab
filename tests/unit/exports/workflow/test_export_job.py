"""The decisions of the orchestrator of a job. The SDK runs it without a host."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from exports.workflow.commands import Progress
from exports.workflow.names import EXPORT_JOB, EXPORT_WAVE
from shared.retry_policy import RetryPolicy
from tests.support.job_runs import JOB, REJECTED, Steps, export, raising
from tests.support.orchestrators import run


def test_a_small_job_is_planned_written_committed_and_ended() -> None:
    done = export(Steps(pages=2))

    assert done.names() == ["plan_pages", "write_page", "write_page", "commit_file", "record_outcome"]
    assert [command["page"] for command in done.commands("write_page")] == [0, 1]


@pytest.mark.parametrize("ended", [True, False, None])
def test_a_commit_that_has_ended_the_job_is_the_last_step(ended: bool | None) -> None:
    steps = Steps(pages=2, commit_file=lambda *_: {"kind": "Done", "cost": COST, "ended": ended})
    done = export(steps)
    assert done.names()[-1] == ("commit_file" if ended else "record_outcome")
    assert done.output["kind"] == "Done"


def test_a_job_that_its_commit_has_ended_still_sends_its_notification() -> None:
    done = export(Steps(pages=2, commit_file=lambda *_: {"kind": "Done", "ended": True}), notify=True)
    assert done.names()[-2:] == ["commit_file", "start_notification"]


def test_a_large_job_is_written_in_waves_that_tile_its_pages() -> None:
    steps = Steps(pages=7)
    done = export(steps, wave_pages=3)

    waves = [work.input for work in done.scheduled if work.name == EXPORT_WAVE]
    assert [(wave["start"], wave["stop"]) for wave in waves] == [(0, 3), (3, 6), (6, 7)]
    assert steps.calls["write_page"] == 7


def test_progress_is_recorded_between_waves() -> None:
    done = export(Steps(pages=7), wave_pages=3)

    recorded = [(command["pages"], command["rows"]) for command in done.commands("record_progress")]
    assert recorded == [(3, 30), (6, 60)]


def test_the_commit_gets_the_totals_of_all_pages() -> None:
    done = export(Steps(pages=7), wave_pages=3)

    (command,) = done.commands("commit_file")
    assert (command["pages"], command["rows"], command["bytes"]) == (7, 70, 7_000)
    (outcome,) = done.commands("record_outcome")
    assert (outcome["rows"], outcome["bytes"], outcome["failure"]) == (70, 7_000, None)


def test_after_some_waves_the_job_continues_as_new_with_its_totals() -> None:
    first = export(Steps(pages=7), wave_pages=1, waves_per_execution=4)
    assert first.continued_with["progress"] == {"pages": 7, "nextPage": 4, "rows": 40, "bytes": 4_000, "losses": 0}

    second = run(EXPORT_JOB, first.continued_with, Steps(pages=7))

    assert "plan_pages" not in second.names()
    assert second.continued_with is None
    assert second.commands("commit_file")[0]["rows"] == 70


COST = {
    "storageRequests": {"blobWrite": 1, "blobRead": 0, "blobDelete": 0, "tableWrite": 2, "tableRead": 3},
    "bytesSent": 1_000,
    "functionSeconds": 0.5,
}


@pytest.mark.parametrize("wave_pages", [3, 64])
def test_the_commit_gets_the_total_cost_of_the_previous_steps(wave_pages: int) -> None:
    outcomes = {
        "plan_pages": {"kind": "PagesPlanned", "pages": 7, "rows": 70, "cost": COST},
        "write_page": {"kind": "PageWritten", "rows": 10, "bytes": 1_000, "cost": COST},
        "record_progress": {"kind": "Done", "cost": COST},
    }
    steps = Steps(pages=7, **{name: lambda _, __, result=result: result for name, result in outcomes.items()})
    done = export(steps, wave_pages=wave_pages)

    times = 1 + 7 + (2 if wave_pages == 3 else 0)
    cost = done.commands("commit_file")[0]["cost"]
    assert cost["storageRequests"] == {name: times * n for name, n in COST["storageRequests"].items()}  # type: ignore[attr-defined]
    assert (cost["bytesSent"], cost["functionSeconds"]) == (times * 1_000, times * 0.5)


def test_steps_of_an_older_version_add_no_cost() -> None:
    assert "cost" not in export(Steps(pages=7), wave_pages=3).commands("commit_file")[0]


def test_the_cost_is_kept_when_the_job_continues_as_new() -> None:
    steps = Steps(pages=7, write_page=lambda _, __: {"kind": "PageWritten", "rows": 10, "bytes": 1, "cost": COST})
    first = export(steps, wave_pages=1, waves_per_execution=4)

    assert first.continued_with["progress"]["cost"]["bytesSent"] == 4_000


def test_history_does_not_grow_with_the_number_of_pages() -> None:
    lengths = {
        pages: len(export(Steps(pages), Progress(pages=pages), wave_pages=5, waves_per_execution=10).history)
        for pages in (60, 50_000)
    }

    assert lengths[60] == lengths[50_000]


def test_a_step_that_raises_is_tried_again_after_growing_pauses() -> None:
    steps = Steps(pages=1, plan_pages=raising(3))
    done = export(steps, retry=RetryPolicy(tries=5, first_pause_seconds=1, longest_pause_seconds=60))

    assert steps.calls["plan_pages"] == 4
    times = [work.at for work in done.scheduled if work.at]
    assert len(times) == 3
    first, second = ((later - earlier).total_seconds() for earlier, later in itertools.pairwise(times))
    assert 1.4 < first < 2.6
    assert 2.9 < second < 5.1


def test_only_the_pages_that_raised_are_tried_again() -> None:
    failing = {2, 5}

    def page_2_and_5_fail_once(_call: int, payload: Any) -> None:
        page = payload["order"]["page"]
        if page in failing:
            failing.remove(page)
            raise OSError("connection reset")

    done = export(Steps(pages=8, write_page=page_2_and_5_fail_once))

    assert [command["page"] for command in done.commands("write_page")] == [*range(8), 2, 5]
    assert done.commands("commit_file")[0]["rows"] == 80


def test_the_final_try_is_announced_to_the_step() -> None:
    steps = Steps(pages=1, plan_pages=raising(9))
    done = export(steps, retry=RetryPolicy(tries=3))

    tries = [work.input["finalTry"] for work in done.scheduled if work.name == "plan_pages"]
    assert tries == [False, False, True]


def test_a_step_that_raises_in_every_try_fails_the_job_as_interrupted() -> None:
    done = export(Steps(pages=4, write_page=raising(99)), retry=RetryPolicy(tries=2))

    (outcome,) = done.commands("record_outcome")
    assert outcome["failure"]["code"] == "interrupted"
    assert "commit_file" not in done.names()


@pytest.mark.parametrize("wave_pages", [2, 64])
def test_a_page_that_raises_in_every_try_fails_the_job_and_is_named(wave_pages: int) -> None:
    def poison(_call: int, payload: Any) -> None:
        if payload["order"]["page"] == 3:
            raise OSError("the worker was killed")

    done = export(Steps(pages=6, write_page=poison), wave_pages=wave_pages, retry=RetryPolicy(tries=2))

    (outcome,) = done.commands("record_outcome")
    assert (outcome["failure"]["code"], outcome["page"]) == ("interrupted", 3)
    assert "page" not in export(Steps(pages=1, plan_pages=raising(99))).commands("record_outcome")[0]


@pytest.mark.parametrize("wave_pages", [2, 64])
def test_a_page_that_is_rejected_is_named(wave_pages: int) -> None:
    def poison(_call: int, payload: Any) -> Any:
        page = payload["order"]["page"]
        return {**REJECTED, "page": page} if page == 3 else None

    done = export(Steps(pages=6, write_page=poison), wave_pages=wave_pages)

    (outcome,) = done.commands("record_outcome")
    assert (outcome["failure"], outcome["page"]) == (REJECTED["failure"], 3)


def test_throttling_lowers_the_pages_in_flight_in_the_next_wave_too() -> None:
    def throttled(call: int, _payload: Any) -> Any:
        return {"kind": "Throttled", "retryAfterSeconds": None} if call <= 8 + 4 else None

    done = export(Steps(pages=24, write_page=throttled), wave_pages=8, retry=RetryPolicy(tries=2))

    waves = [work.input.get("inFlight") for work in done.scheduled if work.name == EXPORT_WAVE]
    assert waves == [None, 5, 7]
    assert done.commands("commit_file")[0]["rows"] == 240


def test_planning_waits_for_a_source_that_throttles() -> None:
    steps = Steps(
        pages=1, plan_pages=lambda call, _payload: {"kind": "Throttled", "retryAfterSeconds": 7.0} if call < 4 else None
    )
    done = export(steps, retry=RetryPolicy(tries=2))

    assert steps.calls["plan_pages"] == 4
    assert len(done.pauses()) == 3
    assert done.names()[-1] == "record_outcome"


def test_the_lower_limit_is_kept_when_the_job_continues_as_new() -> None:
    throttled = Steps(
        pages=24,
        write_page=lambda call, _payload: {"kind": "Throttled", "retryAfterSeconds": 0} if call <= 8 + 4 else None,
    )
    first = export(throttled, wave_pages=8, waves_per_execution=1)

    assert first.continued_with["progress"]["inFlight"] == 5


@pytest.mark.parametrize("step", ["plan_pages", "write_page", "record_progress", "commit_file"])
def test_a_rejected_step_fails_the_job_with_its_reason_and_is_not_repeated(step: str) -> None:
    steps = Steps(pages=4, **{step: lambda _call, _payload: REJECTED})
    done = export(steps, wave_pages=2)

    (outcome,) = done.commands("record_outcome")
    assert outcome["failure"] == REJECTED["failure"]
    assert steps.calls[step] <= 2


@pytest.mark.parametrize("step", ["plan_pages", "write_page", "record_progress", "commit_file"])
def test_a_stopped_job_records_no_outcome(step: str) -> None:
    done = export(Steps(pages=4, **{step: lambda _call, _payload: {"kind": "Stopped"}}), wave_pages=2)

    assert "record_outcome" not in done.names()
    assert done.output == {"kind": "Stopped"}


@pytest.mark.parametrize("step", ["plan_pages", "write_page", "record_progress", "commit_file"])
def test_the_blocks_of_a_stopped_job_are_deleted_in_its_last_step(step: str) -> None:
    done = export(Steps(pages=4, **{step: lambda _call, _payload: {"kind": "Stopped"}}), wave_pages=2)

    assert done.commands("discard_file") == [{"job": JOB.model_dump(mode="json")}]
    assert done.names()[-1] == "discard_file"


def test_a_job_that_was_not_stopped_keeps_its_blocks() -> None:
    assert "discard_file" not in export(Steps(pages=4), wave_pages=2).names()
    rejected = Steps(pages=4, write_page=lambda _call, _payload: REJECTED)
    assert "discard_file" not in export(rejected, wave_pages=2).names()


def test_deleting_the_blocks_of_a_stopped_job_is_tried_for_a_long_time() -> None:
    steps = Steps(pages=1, plan_pages=lambda _call, _payload: {"kind": "Stopped"}, discard_file=raising(40))
    done = export(steps, retry=RetryPolicy(tries=2))

    assert steps.calls["discard_file"] == 41
    assert done.output == {"kind": "Stopped"}


def test_recording_the_end_is_tried_for_a_long_time() -> None:
    steps = Steps(pages=1, record_outcome=raising(40))
    export(steps, retry=RetryPolicy(tries=2))

    assert steps.calls["record_outcome"] == 41


def lost_pages(times: int) -> Any:
    def answer(call: int, _payload: Any) -> Any:
        return {"kind": "PagesLost", "nextPage": 4, "rows": 40, "bytes": 4_000} if call <= times else None

    return answer


def test_after_a_loss_the_job_continues_at_the_first_lost_page() -> None:
    steps = Steps(pages=7, commit_file=lost_pages(1))
    first = export(steps, wave_pages=3)
    assert first.continued_with["progress"] == {"pages": 7, "nextPage": 4, "rows": 40, "bytes": 4_000, "losses": 1}

    second = run(EXPORT_JOB, first.continued_with, steps)

    assert [work.input["start"] for work in second.scheduled if work.name == EXPORT_WAVE] == [4]
    assert [command["rows"] for command in second.commands("commit_file")] == [70]
    assert [command["failure"] for command in second.commands("record_outcome")] == [None]


def test_a_job_whose_pages_are_lost_repeatedly_fails_and_can_be_resumed() -> None:
    steps = Steps(pages=7, commit_file=lost_pages(99))
    done = export(steps, wave_pages=3)
    while done.continued_with is not None:
        done = run(EXPORT_JOB, done.continued_with, steps)

    assert steps.calls["commit_file"] == 4
    (command,) = done.commands("record_outcome")
    assert (command["failure"]["code"], command["failure"]["resumable"]) == ("file-mismatch", True)


def test_a_job_without_notify_starts_no_notification() -> None:
    assert "start_notification" not in export(Steps(pages=2)).names()


STOPPED = {"kind": "Stopped"}


@pytest.mark.parametrize(
    ("steps", "before"),
    [
        (Steps(pages=2), "record_outcome"),
        (Steps(pages=2, plan_pages=lambda _call, _payload: REJECTED), "record_outcome"),
        (Steps(pages=2, write_page=raising(99)), "record_outcome"),
        (Steps(pages=2, plan_pages=lambda _call, _payload: STOPPED), "discard_file"),
        (Steps(pages=2, record_outcome=lambda _call, _payload: STOPPED), "record_outcome"),
    ],
    ids=["completed", "failed", "interrupted", "cancelled", "cancelled at the end"],
)
def test_starting_the_notification_is_the_last_step_after_any_end(steps: Steps, before: str) -> None:
    done = export(steps, notify=True)

    assert done.names()[-2:] == [before, "start_notification"]
    assert done.commands("start_notification") == [{"job": JOB.model_dump(mode="json")}]


def test_notify_is_kept_when_the_job_continues_as_new() -> None:
    first = export(Steps(pages=7), notify=True, wave_pages=1, waves_per_execution=4)
    assert "start_notification" not in first.names()

    second = run(EXPORT_JOB, first.continued_with, Steps(pages=7))

    assert second.names()[-1] == "start_notification"


def test_starting_the_notification_is_tried_for_a_long_time() -> None:
    steps = Steps(pages=1, start_notification=raising(40))
    done = export(steps, notify=True, retry=RetryPolicy(tries=2))

    assert steps.calls["start_notification"] == 41
    assert done.output == {"kind": "Done"}
