"""Orchestrator: runs one export job from its plan to its end.

    plan_or_export ─▶ export_wave ×n (pages in parallel, progress recorded in between) ─▶ commit_file ─┐
          │                                                                                            │
          └─▶ if one page holds all clients, the first step has ended the job ─────────────────────────┤
                if neither has ended the job, or there is no file: record_outcome ◀────────────────────┤
                                     if the request has `notify`: start_notification ◀─────────────────┘

A job of one page needs one activity: `plan_or_export` plans it, writes and publishes its file, and ends it. Every other
result of that step leads to the same activities as for large jobs: each has its own tries, and failures name the page.
Later attempts of a job, and orchestrations that an older version has started, begin with `plan_pages` instead.

A job that reads a snapshot needs one activity too, whatever its size: `export_snapshot`. If a run of it was
interrupted, its snapshot is gone. Then `begin_snapshot_again` starts another attempt of the job, and this orchestration
ends.

The cost of a replay stays bounded. The pages of a wave are in the history of the wave, and after
`limits.waves_per_execution` waves the job continues as new and carries only its totals.
"""

from __future__ import annotations

from datetime import timedelta

from exports.jobs.cost import total
from exports.jobs.failures import INTERRUPTED, PAGES_KEPT_GETTING_LOST
from exports.workflow.commands import (
    BeginSnapshotAgain,
    CommitFile,
    DiscardFile,
    ExportJob,
    ExportSnapshot,
    ExportWave,
    PlanOrExport,
    PlanPages,
    Progress,
    RecordOutcome,
    RecordProgress,
    StartNotification,
)
from exports.workflow.export_wave import write_wave
from exports.workflow.names import (
    BEGIN_SNAPSHOT_AGAIN,
    COMMIT_FILE,
    DISCARD_FILE,
    EXPORT_SNAPSHOT,
    EXPORT_WAVE,
    PLAN_OR_EXPORT,
    PLAN_PAGES,
    RECORD_OUTCOME,
    RECORD_PROGRESS,
    START_NOTIFICATION,
)
from exports.workflow.outcomes import (
    Done,
    Outcome,
    PagesLost,
    PagesPlanned,
    Rejected,
    SnapshotLost,
    Stopped,
    WaveWritten,
    parse_outcome,
)
from shared.models import Model
from shared.orchestration import OrchestrationContext, Payload, Steps, call
from shared.retry_policy import LONGEST_RETRY_AFTER_SECONDS, RetryPolicy

_OUTCOME_TRIES = 60
"""The last steps are tried for an hour. Without them the job would seem to run for ever, leave blocks or not notify."""

_MOST_LOSSES = 3


def export_job(context: OrchestrationContext) -> Steps[Payload | None]:
    """Run the job of an `ExportJob`. Continues as new after `limits.waves_per_execution` waves.

    Returns:
        The last outcome, for operators who read the instance. Users see the job's row instead.
    """
    run = ExportJob.model_validate(context.get_input(expected_type=dict))
    try:
        outcome = yield from _export(context, run)
    except Exception:  # after any error, the job must end for its user
        outcome = Rejected(failure=INTERRUPTED)
    if isinstance(outcome, Progress) and outcome.next_page < outcome.pages:
        again = run.model_copy(update={"progress": outcome})
        context.continue_as_new(again.model_dump(mode="json", by_alias=True))
        return None
    ended = yield from _end(context, run, outcome)
    if run.notify:  # last, because the job has ended for its user and this delays nobody
        yield from call(context, START_NOTIFICATION, StartNotification(job=run.job), _tries_for_an_hour(run))
    return ended


def _export(context: OrchestrationContext, run: ExportJob) -> Steps[Progress | Done | Stopped | Rejected]:
    """Plan the pages unless that is done, write some waves, and commit after the last one."""
    if run.snapshot:
        return (yield from _export_snapshot(context, run))
    progress = run.progress
    if progress is None:
        planned = yield from _plan(context, run)
        if isinstance(planned, Done):
            return planned
        if not isinstance(planned, PagesPlanned):
            return _stop(planned)
        progress = Progress(pages=planned.pages, cost=planned.cost, wave_pages=planned.wave_pages)
    for _ in range(run.limits.waves_per_execution):
        advanced = yield from _next_wave(context, run, progress)
        if not isinstance(advanced, Progress):
            return advanced
        progress = advanced
        if progress.next_page == progress.pages:
            return (yield from _commit(context, run, progress))
    return progress


def _export_snapshot(context: OrchestrationContext, run: ExportJob) -> Steps[Done | Stopped | Rejected]:
    """Let one step do everything. If its snapshot was lost, let another attempt of the job begin."""
    command = ExportSnapshot(job=run.job, target_bytes=run.limits.target_bytes)
    exported = yield from _call(context, EXPORT_SNAPSHOT, run, command)
    if isinstance(exported, SnapshotLost):
        again = yield from call(context, BEGIN_SNAPSHOT_AGAIN, BeginSnapshotAgain(job=run.job), _tries_for_an_hour(run))
        return _stop(parse_outcome(again))
    return exported if isinstance(exported, Done) else _stop(exported)


def _plan(context: OrchestrationContext, run: ExportJob) -> Steps[Outcome]:
    """Plan the pages, or export a small job. If that export failed, pause before the pages are written step by step."""
    job, target_bytes = run.job, run.limits.target_bytes
    if not run.small_at_once:
        return (yield from _call(context, PLAN_PAGES, run, PlanPages(job=job, target_bytes=target_bytes)))
    planned = yield from _call(context, PLAN_OR_EXPORT, run, PlanOrExport(job=job, target_bytes=target_bytes))
    if isinstance(planned, PagesPlanned) and planned.retry_after_seconds is not None:
        asked = timedelta(seconds=min(planned.retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS))
        pause = max(run.limits.retry.pause(1, f"{context.instance_id} {PLAN_OR_EXPORT}"), asked)
        yield context.create_timer(context.current_utc_datetime + pause)
    return planned


def _next_wave(context: OrchestrationContext, run: ExportJob, before: Progress) -> Steps[Progress | Stopped | Rejected]:
    stop = min(before.next_page + (before.wave_pages or run.limits.wave_pages), before.pages)
    wave = ExportWave(job=run.job, limits=run.limits, start=before.next_page, stop=stop, in_flight=before.in_flight)
    written = yield from _write(context, wave, is_only_wave=stop - wave.start == before.pages)
    if not isinstance(written, WaveWritten):
        return _stop(written)
    after = before.model_copy(
        update={
            "next_page": stop,
            "rows": before.rows + written.rows,
            "bytes": before.bytes + written.bytes,
            "in_flight": written.in_flight,
            "cost": total(before.cost, written.cost),
        }
    )
    if stop < before.pages:
        settled = yield from _call(
            context, RECORD_PROGRESS, run, RecordProgress(job=run.job, pages=stop, rows=after.rows)
        )
        if not isinstance(settled, Done):
            return _stop(settled)
        return after.model_copy(update={"cost": total(after.cost, settled.cost), "wave_pages": settled.wave_pages})
    return after


def _write(context: OrchestrationContext, wave: ExportWave, *, is_only_wave: bool) -> Steps[Outcome]:
    """Write a wave. The only wave of a small job needs no sub-orchestration."""
    if is_only_wave:
        return (yield from write_wave(context, wave))
    payload = wave.model_dump(mode="json", by_alias=True)
    return parse_outcome((yield context.call_sub_orchestrator(EXPORT_WAVE, payload, expected_type=dict)))


def _commit(
    context: OrchestrationContext, run: ExportJob, progress: Progress
) -> Steps[Progress | Done | Stopped | Rejected]:
    """Publish the file. Return `Done` if the commit also ended the job.

    Otherwise return the progress, so that `record_outcome` ends the job. That happens if the commit could not write the
    end of the job, and with steps of older versions, which never write it.
    """
    command = CommitFile(
        job=run.job, pages=progress.pages, rows=progress.rows, bytes=progress.bytes, cost=progress.cost
    )
    committed = yield from _call(context, COMMIT_FILE, run, command)
    if isinstance(committed, PagesLost):
        return _back_to(committed, progress)
    if isinstance(committed, Done):
        return committed if committed.ended else progress
    return _stop(committed)


def _back_to(lost: PagesLost, progress: Progress) -> Progress | Rejected:
    """Continue at the first page that is gone. Pages after it that storage still holds are not read again."""
    if progress.losses == _MOST_LOSSES:
        return Rejected(failure=PAGES_KEPT_GETTING_LOST)
    kept = {"next_page": lost.next_page, "rows": lost.rows, "bytes": lost.bytes}
    return progress.model_copy(update={**kept, "losses": progress.losses + 1})


def _end(
    context: OrchestrationContext, run: ExportJob, outcome: Progress | Done | Stopped | Rejected
) -> Steps[Payload]:
    """Record how the job ended. If the job was stopped, its end is recorded already, and its file is deleted."""
    policy = _tries_for_an_hour(run)
    if isinstance(outcome, Done):
        return outcome.model_dump(mode="json", by_alias=True)
    if isinstance(outcome, Rejected):
        command = RecordOutcome(job=run.job, failure=outcome.failure, page=outcome.page)
    elif isinstance(outcome, Progress):
        command = RecordOutcome(job=run.job, rows=outcome.rows, bytes=outcome.bytes)
    else:
        yield from call(context, DISCARD_FILE, DiscardFile(job=run.job), policy)
        return outcome.model_dump(mode="json")
    return (yield from call(context, RECORD_OUTCOME, command, policy))


def _tries_for_an_hour(run: ExportJob) -> RetryPolicy:
    return run.limits.retry.model_copy(update={"tries": _OUTCOME_TRIES})


def _call(context: OrchestrationContext, activity: str, run: ExportJob, payload: Model) -> Steps[Outcome]:
    return parse_outcome((yield from call(context, activity, payload, run.limits.retry)))


def _stop(outcome: Outcome) -> Stopped | Rejected:
    """Treat an outcome that is neither a success nor a rejection as stopped."""
    return outcome if isinstance(outcome, Rejected) else Stopped()
